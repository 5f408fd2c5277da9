import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ProxiedBrokers } from './brokers.ts'
import type { FaultKind } from './round.ts'
import { runUntilDecided } from './until-decided.ts'

const { values } = parseArgs({
  options: {
    guarantee: { type: 'string', default: 'exactly_once' },
    'group-protocol': { type: 'string', default: 'streams' },
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '5' },
    brokers: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})
const guarantee = oneOf('guarantee', values.guarantee, ['exactly_once', 'at_least_once'])
const groupProtocol = oneOf('group-protocol', values['group-protocol'], ['streams', 'classic'])
const size = wholeNumber('brokers', values.brokers)
const rounds = wholeNumber('rounds', values.rounds)
const firstSeed = wholeNumber('seed', values.seed)
const threads = wholeNumber('threads', values.threads)
const faults = wholeNumber('faults', values.faults)

const total = { rounds: 0, kills: 0, zombies: 0, restarts: 0, wipes: 0, pauses: 0, brokerRestarts: 0 }
const outcome = { lostResponses: 0, payments: 0, lost: 0, doubled: 0, failed: 0, void: 0 }
const directory = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
// Exiting ends everything that this process has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const brokers = await ProxiedBrokers.start(size)
try {
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) await round(seed)
} finally {
  await brokers.stop()
  rmSync(directory, { recursive: true, force: true })
}
console.log(JSON.stringify({ guarantee, groupProtocol, brokers: size, threads, ...total, ...outcome }))
if (outcome.failed > 0) process.exitCode = 1

async function round(seed: number): Promise<void> {
  total.rounds++
  const flags = `--guarantee ${guarantee} --group-protocol ${groupProtocol} --brokers ${size} --threads ${threads}`
  const replay = `npm run faults -- ${flags} --faults ${faults} --rounds 1 --seed ${seed}`
  const onVoid = (reason: string): void => {
    outcome.void++
    console.log(`seed ${seed} is void and tried again: the brokers have forgotten a transaction\n${reason}`)
  }
  try {
    const options = { seed, guarantee, groupProtocol, threads, faults, directory }
    const result = await runUntilDecided(brokers, options, onVoid)
    const times = (...kinds: FaultKind[]): number =>
      kinds.reduce((all, kind) => all + (result.faults.get(kind) ?? 0), 0)
    total.kills += times('kill', 'wipe')
    total.wipes += times('wipe')
    total.zombies += times('zombie')
    total.restarts += times('stop')
    total.pauses += times('pause')
    total.brokerRestarts += times('brokerKill', 'brokerShutDown')
    outcome.lostResponses += result.lostResponses
    outcome.payments += result.payments
    outcome.lost += result.lost
    outcome.doubled += result.doubled
    // A zombie writes until it learns that the group took it for dead, unless transactions fence it.
    const mayLose = guarantee === 'at_least_once' && times('zombie') > 0
    const isWrong = (result.lost > 0 && !mayLose) || (result.doubled > 0 && guarantee === 'exactly_once')
    if (values.trace || isWrong) for (const line of result.trace) console.log(line)
    if (isWrong) for (const example of result.examples) console.log(example)
    const happened = Array.from(result.faults, ([kind, count]) => `${kind} ${count}`).join(', ')
    const sums = `lost ${result.lost}, doubled ${result.doubled}, ${result.trace.at(-1)}`
    const what = `${result.payments} payments, ${happened}, ${result.lostResponses} lost responses`
    console.log(`seed ${seed}: ${what}: ${sums}`)
    if (!isWrong) return
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
  }
  outcome.failed++
  console.log(`seed ${seed} failed; again: ${replay}`)
}

function oneOf<const T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value)
  if (found === undefined) throw new Error(`--${name} is one of ${known.join(', ')}, not ${value}`)
  return found
}

function wholeNumber(name: string, value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} is a whole number from 1 on, not ${value}`)
  return number
}
