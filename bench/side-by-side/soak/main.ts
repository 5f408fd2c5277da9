/**
 * Whether an application keeps within its memory: W2 with a million accounts under steady input for a long time, with a
 * `memory` budget. Samples the process each 10 s, after a garbage collection; at the end, the trends of the least of
 * each minute in the second half, and whether all totals are right.
 *
 *     npm run bench:soak -- [--minutes 20] [--accounts 1000000] [--memory 512MiB] [--rate 20000] [--guarantee eos|alos]
 *
 * "grows" is what rises by more than a tenth of the budget in an hour, and by more than twice the standard error of the
 * slope. The state itself must have stopped to grow by the half: at 20,000 records a second a million accounts have all
 * been seen after ten minutes.
 */
import { parseArgs } from 'node:util'
import { parseByteSize } from '../../../src/options/byte-size.ts'
import { onBroker } from '../rig/on-broker.ts'
import { SAMPLE_EVERY, soak, soakSettings, type SoakSample } from './soak-run.ts'
import { trendOf, type Point } from './trend.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    accounts: { type: 'string', default: '1000000' },
    memory: { type: 'string', default: '512MiB' },
    rate: { type: 'string', default: '20000' },
    guarantee: { type: 'string', default: 'eos' },
  },
})

const minutes = Number(options.minutes)
const accounts = Number(options.accounts)
const rate = Number(options.rate)
const budget = parseByteSize(options.memory)
const guarantee = options.guarantee === 'eos' ? 'eos' : 'alos'
if (!(minutes > 0) || !(accounts > 0) || !(rate > 0) || !(budget > 0)) throw new Error('nothing to run')
const records = Math.round(minutes * 60 * rate)

/** Share of the budget that a steady application may seem to gain in an hour. */
const TOLERANCE = 0.1
const SAMPLES_PER_MINUTE = 60_000 / SAMPLE_EVERY
/** Fewer in the second half tell nothing. */
const LEAST_MINUTES = 8

const columns: readonly (readonly [
  title: string,
  width: number,
  show: (sample: SoakSample, first: SoakSample) => string,
])[] = [
  ['s', 6, ({ time }, first) => ((time - first.time) / 1000).toFixed(0)],
  ['k records', 10, ({ seen }) => (seen / 1000).toFixed(0)],
  ['lag', 8, ({ lag }) => String(lag)],
  ['RSS', 7, ({ rss }) => megabytes(rss)],
  ['heap used', 10, ({ heapUsed }) => megabytes(heapUsed)],
  ['external', 9, ({ external }) => megabytes(external)],
  ['buffers', 8, ({ arrayBuffers }) => megabytes(arrayBuffers)],
  ['native', 7, (sample) => megabytes(nativeOf(sample))],
  ['accounted', 10, (sample) => megabytes(accountedOf(sample))],
  ['entries', 8, ({ memory }) => megabytes(memory.entries)],
  ['changes', 8, ({ memory }) => megabytes(memory.changes)],
  ['disk', 7, ({ disk }) => megabytes(disk)],
]

const samples: SoakSample[] = []
console.log(`${records} records, ${guarantee}, budget ${megabytes(budget)} MB; sizes in MB`)
console.log(columns.map(([title, width]) => title.padStart(width)).join(''))
await onBroker(async (place) => {
  const result = await soak(place, { guarantee, accounts, rate, records, memory: options.memory }, (sample) => {
    samples.push(sample)
    const first = samples[0] ?? sample
    console.log(columns.map(([, width, show]) => show(sample, first).padStart(width)).join(''))
  })
  const { measured, late, written, deleted, fault } = result
  const redone = samples.at(-1)?.redone ?? 0
  console.log(`totals ${fault === undefined ? 'right' : `WRONG: ${fault}`}; ${redone} commits failed and were repeated`)
  console.log(
    `${Math.round(records / measured.secondsClosed)} records/s, ` +
      `${((measured.cpuClosed / records) * 1e6).toFixed(1)} µs CPU a record; ` +
      `the sender was at most ${late.toFixed(0)} ms late; ` +
      `the broker wrote ${(written / 1e9).toFixed(2)} GB, deleted ${deleted} records of the input, ` +
      `and took at most ${megabytes(most(({ disk }) => disk))} MB`,
  )
  console.log(
    `largest: RSS ${measured.rss} MB, ` +
      `accounted ${megabytes(most(accountedOf))} of ${megabytes(budget)} MB in the budget`,
  )
  const verdicts = [
    verdict('RSS', ({ rss }) => rss),
    verdict('heap used', ({ heapUsed }) => heapUsed),
    verdict('native', nativeOf),
  ]
  if (fault !== undefined || verdicts.includes('grows')) process.exitCode = 1
}, soakSettings)

type Verdict = 'grows' | 'steady' | 'too short to tell'

/** Tells the trend of the second half. */
function verdict(name: string, of: (sample: SoakSample) => number): Verdict {
  const [first, last] = [samples[0]?.time ?? 0, samples.at(-1)?.time ?? 0]
  const half = samples.filter(({ time }) => time >= (first + last) / 2)
  const lowest = lowestOfMinutes(half.map((sample) => [(sample.time - first) / 3_600_000, of(sample)]))
  if (lowest.length < LEAST_MINUTES) {
    console.log(`${name}: ${lowest.length} minutes in the second half are too few to tell`)
    return 'too short to tell'
  }
  const { slope, error } = trendOf(lowest)
  const tolerated = budget * TOLERANCE
  const judged = slope > tolerated && slope > 2 * error ? 'grows' : 'steady'
  console.log(
    `${name}: ${megabytes(slope)} ± ${megabytes(2 * error)} MB/hour over ${lowest.length} minutes, ${judged} ` +
      `(steady up to ${megabytes(tolerated)})`,
  )
  return judged
}

/** Merges of files, and rows on their way to the disk, make waves of seconds. A leak raises their lowest points. */
function lowestOfMinutes(points: readonly Point[]): Point[] {
  const lowest: Point[] = []
  for (let end = SAMPLES_PER_MINUTE; end <= points.length; end += SAMPLES_PER_MINUTE) {
    const minute = points.slice(end - SAMPLES_PER_MINUTE, end)
    lowest.push(minute.reduce((least, point) => (point[1] < least[1] ? point : least)))
  }
  return lowest
}

function most(of: (sample: SoakSample) => number): number {
  return samples.reduce((largest, sample) => Math.max(largest, of(sample)), 0)
}

/** Neither heap nor buffers of JavaScript: engines, and code. */
function nativeOf({ rss, heapTotal, external }: SoakSample): number {
  return rss - heapTotal - external
}

/** What the application says that it uses of its budget; what caches hold is part of the changes. */
function accountedOf({ memory }: SoakSample): number {
  return memory.changes + memory.entries + memory.input + memory.engines
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
