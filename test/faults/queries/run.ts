import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { counted, oneOf, wholeNumber } from '../kit/arguments.ts'
import { ProxiedBrokers } from '../kit/brokers.ts'
import { PEER_FAULTS, PROCESS_FAULTS } from './instance.ts'
import { runQueryRound } from './round.ts'
import type { QueryRoundOptions } from './round.ts'
import { Tally } from './tally.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '6' },
    'group-protocol': { type: 'string' },
    threads: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const rounds = wholeNumber('rounds', values.rounds)
const firstSeed = wholeNumber('seed', values.seed)
/** A number of faults, or their kinds: `zombie,cut`. */
const faults = /^\d+$/.test(values.faults)
  ? wholeNumber('faults', values.faults)
  : values.faults.split(',').map((kind) => oneOf('faults', kind, [...PROCESS_FAULTS, ...PEER_FAULTS]))

/** Seeds take these in turn, unless an option says which. */
const MODES = [
  { groupProtocol: 'streams', threads: 1 },
  { groupProtocol: 'classic', threads: 1 },
  { groupProtocol: 'streams', threads: 3 },
  { groupProtocol: 'classic', threads: 3 },
] as const

const all = new Tally()
const total = { rounds: 0, faults: 0, records: 0, failed: 0 }
const directory = mkdtempSync(join(tmpdir(), 'millrace-queries-'))
// Exiting ends everything that this process has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const brokers = await ProxiedBrokers.start(1)
try {
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) await round(seed)
} finally {
  await brokers.stop()
  rmSync(directory, { recursive: true, force: true })
}
const { asked, wrong, nulls, late, right, hops, hopsUnderFaults, standbys, cut, overtime, refusals: refused } = all
const answers = { right, hops, hopsUnderFaults, standbys, refused, cut, overtime }
console.log(JSON.stringify({ asked, wrong, nulls, late, ...answers, ...total }))
// Without this Node has been seen to wait for ever, at its end, for handles of connections that were cut.
process.exit(total.failed > 0 ? 1 : 0)

async function round(seed: number): Promise<void> {
  total.rounds++
  const { groupProtocol, threads } = modeOf(seed)
  const flags = `--group-protocol ${groupProtocol} --threads ${threads} --faults ${values.faults}`
  try {
    const result = await runQueryRound(brokers, { seed, groupProtocol, threads, faults, directory })
    const { tally, complaints, trace } = result
    all.add(tally)
    total.faults += result.faults.length
    total.records += result.records
    const isWrong = tally.wrong + tally.nulls + tally.late + complaints.length > 0
    if (values.trace || isWrong) for (const line of trace) console.log(line)
    if (isWrong) for (const line of [...tally.examples, ...complaints]) console.log(line)
    const refused = counted(tally.refused)
    const kinds = Map.groupBy(result.faults, (kind) => kind)
    const times = counted(Array.from(kinds, ([kind, { length }]) => [kind, length]))
    console.log(
      `seed ${seed}, ${groupProtocol}, threads: ${threads}: ${tally.asked} questions, ${tally.hops} answers from ` +
        `another instance, ${tally.hopsUnderFaults} of them under faults (${times}); ${tally.cut} cut; ` +
        `refused: ${refused === '' ? 'none' : refused}; wrong ${tally.wrong}, nulls ${tally.nulls}, ` +
        `late ${tally.late}, ${trace.at(-1)}`,
    )
    if (!isWrong) return
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
  }
  total.failed++
  console.log(`seed ${seed} failed; again: npm run queries -- ${flags} --rounds 1 --seed ${seed}`)
}

function modeOf(seed: number): Pick<QueryRoundOptions, 'groupProtocol' | 'threads'> {
  const { 'group-protocol': protocol, threads } = values
  const mode = MODES[(seed - 1) % MODES.length] ?? MODES[0]
  return {
    groupProtocol:
      protocol === undefined ? mode.groupProtocol : oneOf('group-protocol', protocol, ['streams', 'classic']),
    threads: threads === undefined ? mode.threads : wholeNumber('threads', threads),
  }
}
