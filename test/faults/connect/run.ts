import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { counted, oneOf, wholeNumber } from '../kit/arguments.ts'
import { ProxiedBrokers } from '../kit/brokers.ts'
import { runConnectRound, type ConnectFault } from './round.ts'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '4' },
    log: { type: 'string', default: 'both' },
    trace: { type: 'boolean', default: false },
  },
})
const rounds = wholeNumber('rounds', values.rounds)
const firstSeed = wholeNumber('seed', values.seed)
const faults = wholeNumber('faults', values.faults)
const logs = oneOf('log', values.log, ['both', 'embedded', 'kafka'])

const total = {
  rounds: 0,
  kills: 0,
  zombies: 0,
  full: 0,
  brokerRestarts: 0,
  records: 0,
  lost: 0,
  doubled: 0,
  failed: 0,
}
const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-faults-'))
// Exiting ends everything that this process has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const brokers = logs === 'embedded' ? undefined : await ProxiedBrokers.start(1)
try {
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) await round(seed)
} finally {
  await brokers?.stop()
  rmSync(directory, { recursive: true, force: true })
}
console.log(JSON.stringify(total))
if (total.failed > 0) process.exitCode = 1

async function round(seed: number): Promise<void> {
  total.rounds++
  const isOnKafka = logs === 'kafka' || (logs === 'both' && seed % 2 === 0)
  const place = isOnKafka ? 'kafka' : 'embedded'
  try {
    const result = await runConnectRound({ seed, brokers: isOnKafka ? brokers : undefined, faults, directory })
    const times = (...kinds: ConnectFault[]): number => result.faults.filter((kind) => kinds.includes(kind)).length
    total.kills += times('kill')
    total.zombies += times('zombie')
    total.full += times('full')
    total.brokerRestarts += times('brokerKill', 'brokerShutDown')
    total.records += result.records
    total.lost += result.lost
    total.doubled += result.doubled
    const isWrong = result.lost + result.doubled > 0
    if (values.trace || isWrong) for (const line of result.trace) console.log(line)
    const kinds = Map.groupBy(result.faults, (kind) => kind)
    const happened = counted([...kinds].map(([kind, all]) => [kind, all.length] as const))
    console.log(
      `seed ${seed}, ${place}: ${result.records} records, ${happened}: lost ${result.lost}, doubled ${result.doubled}`,
    )
    if (!isWrong) return
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
  }
  total.failed++
  const flags = `--log ${place} --faults ${faults} --rounds 1 --seed ${seed}`
  console.log(`seed ${seed} failed; again: npm run faults -- connect ${flags}`)
}
