import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { counted, oneOf, wholeNumber } from '../kit/arguments.ts'
import { ProxiedBrokers } from '../kit/brokers.ts'
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
    async: { type: 'boolean', default: false },
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
/** Examples that are shown of what is wrong with the calls of a round. */
const SHOWN = 10

const total = { rounds: 0, kills: 0, zombies: 0, restarts: 0, wipes: 0, pauses: 0, brokerRestarts: 0 }
const outcome = { lostResponses: 0, payments: 0, lost: 0, doubled: 0, failed: 0, void: 0 }
const called = { calls: 0, repeated: 0, wrong: 0 }
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
const shown = values.async ? { ...outcome, ...called } : outcome
console.log(JSON.stringify({ guarantee, groupProtocol, brokers: size, threads, ...total, ...shown }))
if (outcome.failed > 0) process.exitCode = 1

async function round(seed: number): Promise<void> {
  total.rounds++
  const mode = `${values.async ? '--async ' : ''}--guarantee ${guarantee} --group-protocol ${groupProtocol}`
  const flags = `${mode} --brokers ${size} --threads ${threads} --faults ${faults}`
  const replay = `npm run faults -- ${flags} --rounds 1 --seed ${seed}`
  const onVoid = (reason: string): void => {
    outcome.void++
    console.log(`seed ${seed} is void and tried again: the brokers have forgotten a transaction\n${reason}`)
  }
  try {
    const options = { seed, guarantee, groupProtocol, threads, faults, directory, isAsync: values.async }
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
    const { calls = 0, repeated = 0, wrong = [], manners = [] } = result.calls ?? {}
    called.calls += calls
    called.repeated += repeated
    called.wrong += wrong.length
    // A zombie writes until it learns that the group took it for dead, unless transactions fence it.
    const mayLose = guarantee === 'at_least_once' && times('zombie') > 0
    const isMiscounted = (result.lost > 0 && !mayLose) || (result.doubled > 0 && guarantee === 'exactly_once')
    const isWrong = isMiscounted || wrong.length > 0
    if (values.trace || isWrong) for (const line of result.trace) console.log(line)
    if (isWrong) for (const example of [...result.examples, ...wrong.slice(0, SHOWN)]) console.log(example)
    const asked = values.async ? `${calls} calls (${counted(manners)}), ${repeated} of them repeated, ` : ''
    const sums = `lost ${result.lost}, doubled ${result.doubled}, ${result.trace.at(-1)}`
    const happened = `${asked}${counted(result.faults)}, ${result.lostResponses} lost responses`
    console.log(`seed ${seed}: ${result.payments} payments, ${happened}: ${sums}`)
    if (!isWrong) return
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
  }
  outcome.failed++
  console.log(`seed ${seed} failed; again: ${replay}`)
}
