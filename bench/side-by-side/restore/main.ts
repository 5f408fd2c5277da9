/**
 * How fast stores come back from their changelog: W2 on an empty disk, with a changelog of 1,000,000 accounts written
 * once each, and one of 500,000 updates of 10,000 accounts.
 *
 *     npm run bench:restore -- [--keys N --records N] [--runs N] [--only millrace|java] [--java KEY=VALUE[,…]]
 *
 * Every run has an application id, a changelog and an input of its own; the changelogs of both sides hold the same
 * records, in the format that both write. The time counts from the begin of the first store's restore to the end of the
 * last one's. What came back is checked: as many records as were written, and up to 20,000 accounts all over the store
 * get one more payment, whose totals must be exact.
 */
import { parseArgs } from 'node:util'
import { javaClassPath } from '../rig/java.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import { median } from '../rig/median.ts'
import { onBroker } from '../rig/on-broker.ts'
import { sidesOf, type Side } from '../rig/side.ts'
import { restoreRound, type ChangelogSize, type Restore } from './restore-round.ts'

const { values: options } = parseArgs({
  options: {
    keys: { type: 'string' },
    records: { type: 'string' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
    java: { type: 'string', default: '' },
  },
})

const runs = Number(options.runs)
const sides = sidesOf(options.only)
const sizes = chosenSizes()
if (sides.length === 0 || !(runs > 0) || sizes.some(({ keys, records }) => !(keys > 0) || !(records >= keys))) {
  throw new Error('nothing to run')
}

const rows: string[][] = []
await onBroker(async (place) => {
  const settings = options.java
  const java = { classPath: sides.includes('java') ? await javaClassPath(place.directory) : '', settings }
  for (const size of sizes) {
    const restores: Record<Side, Restore[]> = { java: [], millrace: [] }
    for (let run = 0; run < runs; run++) {
      for (const side of sides) {
        const restore = await restoreRound(place, side, size, java)
        if (restore.fault !== undefined) process.exitCode = 1
        restores[side].push(restore)
        console.log(describe(side, size, restore))
      }
    }
    rows.push(rowOf(size, restores))
  }
})
const columns = [
  'keys',
  'changelog records',
  'runs',
  'k records/s, Java / Millrace',
  'ratio',
  'µs CPU a record, Java / Millrace',
  'others, cores',
]
console.log(`\n${markdownTable(columns, rows)}`)

function chosenSizes(): ChangelogSize[] {
  if (options.keys === undefined && options.records === undefined) {
    return [
      { keys: 1_000_000, records: 1_000_000 },
      { keys: 10_000, records: 500_000 },
    ]
  }
  const keys = Number(options.keys ?? options.records)
  return [{ keys, records: Number(options.records ?? keys) }]
}

function rateOf({ records }: ChangelogSize, { time }: Restore): number {
  return records / time
}

function cpuOf({ records }: ChangelogSize, { cpu }: Restore): number {
  return (cpu / records) * 1e6
}

function describe(side: Side, size: ChangelogSize, restore: Restore): string {
  return [
    `${size.records} records of ${size.keys} keys`,
    side.padEnd(8),
    `${restore.time} ms`,
    `${Math.round(rateOf(size, restore))} k/s`,
    `${cpuOf(size, restore).toFixed(2)} µs CPU`,
    `others ${restore.others.toFixed(2)} cores`,
    restore.fault === undefined ? 'right' : `VOID: ${restore.fault}`,
  ].join('  ')
}

/** Medians; a row with a wrong run is void. */
function rowOf(size: ChangelogSize, { java, millrace }: Record<Side, Restore[]>): string[] {
  const of = (side: readonly Restore[], value: (size: ChangelogSize, restore: Restore) => number): number =>
    median(side.map((restore) => value(size, restore)))
  const all = [...java, ...millrace]
  const fault = all.find((restore) => restore.fault !== undefined)?.fault
  return [
    String(size.keys),
    String(size.records),
    String(runs),
    `${text(of(java, rateOf), 0)} / ${text(of(millrace, rateOf), 0)}`,
    fault === undefined ? `**${text(of(millrace, rateOf) / of(java, rateOf), 2)}**` : `void: ${fault}`,
    `${text(of(java, cpuOf), 1)} / ${text(of(millrace, cpuOf), 1)}`,
    median(all.map(({ others }) => others)).toFixed(1),
  ]
}

/** Not a number where a side was left out. */
function text(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits)
}
