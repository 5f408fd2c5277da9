/** `npm run simulate -- [--async] [--seeds N] [--from N] [--seed N]`: `--async` simulates asynchronous steps. */
import { parseArgs } from 'node:util'
import { simulateAsync } from './async/simulation.ts'
import { simulate } from './simulation.ts'

const { values } = parseArgs({
  options: {
    async: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
  },
})
const run = values.async ? simulateAsync : simulate
const seeds = Number(values.seeds ?? (values.async ? 3_000 : 10_000))

if (values.seed === undefined) await runAll(Number(values.from), seeds)
else await replay(Number(values.seed))
// Applications that were killed in a simulation never end, and an application that runs keeps its process alive.
process.exit()

async function replay(seed: number): Promise<void> {
  const { trace, problems, shape, steps } = await run(seed)
  for (const line of trace) console.log(line)
  console.log(JSON.stringify(shape))
  console.log(`seed ${seed}: ${steps} steps, ${problems.length} problems`)
  for (const problem of problems) console.log(problem)
  if (problems.length > 0) process.exitCode = 1
}

async function runAll(from: number, count: number): Promise<void> {
  const faults = new Map<string, number>()
  const failed: number[] = []
  const started = performance.now()
  let steps = 0
  for (let seed = from; seed < from + count; seed++) {
    const result = await run(seed)
    steps += result.steps
    for (const [kind, times] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + times)
    if (result.problems.length > 0) {
      failed.push(seed)
      console.log(`seed ${seed} fails: ${result.problems[0]}`)
    }
  }
  const seconds = (performance.now() - started) / 1000
  console.log(`${count} seeds, ${steps} steps in ${seconds.toFixed(1)} s`)
  for (const [kind, times] of [...faults].sort()) console.log(`${String(times).padStart(8)} ${kind}`)
  console.log(failed.length === 0 ? 'no failures' : `${failed.length} failures: ${failed.join(' ')}`)
  if (failed.length > 0) process.exitCode = 1
}
