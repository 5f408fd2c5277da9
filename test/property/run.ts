/** Checks laws on random topologies: `npm run property -- --cases 2500 --seed 1 [--case N] [--law NAME] [--show 3]` */
import { parseArgs } from 'node:util'
import { checkCases } from './check-cases.ts'
import { LAWS } from './laws.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '2500' },
    seed: { type: 'string', default: '1' },
    case: { type: 'string' },
    law: { type: 'string' },
    show: { type: 'string', default: '3' },
  },
})
const seed = Number(values.seed)
const cases =
  values.case === undefined ? Array.from({ length: Number(values.cases) }, (_, i) => i) : [Number(values.case)]
const laws = values.law === undefined ? LAWS : LAWS.filter(({ name }) => name === values.law)
if (laws.length === 0) {
  process.stderr.write(`no law ${values.law}; there are ${LAWS.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}

const started = performance.now()
// These two laws open databases on disk.
const limits = { engines: 600, embedded: 600 }
const { covered, failures } = await checkCases({ seed, cases, laws, limits })
for (const failure of failures.slice(0, Number(values.show))) process.stdout.write(`${failure}\n\n`)
for (const { name, promise } of laws)
  process.stdout.write(`${String(covered.get(name)).padStart(6)} cases  ${name}: ${promise}\n`)
const seconds = ((performance.now() - started) / 1000).toFixed(1)
process.stdout.write(`seed ${seed}: ${cases.length} cases, ${failures.length} laws broken, ${seconds} s\n`)
process.exitCode = failures.length === 0 ? 0 : 1
