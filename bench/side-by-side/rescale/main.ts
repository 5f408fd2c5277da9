/**
 * What users notice of scaling out and in: W2 under 5,000 records/s on 8 partitions, one instance; two more are
 * started, and closed again 40 s later. A pause is the longest gap in the output of a partition, beyond the usual one.
 *
 *     npm run bench:rescale -- [--guarantee alos|eos] [--group-protocol streams|classic] [--runs N]
 *                              [--only millrace|java] [--java KEY=VALUE[,…]]
 *
 * A partition counts as moved if an instance restored its store after the change. The totals must be exact at the end,
 * with one output per record. Without a group protocol each side takes its default: Millrace `streams`, Kafka Streams
 * `classic`.
 */
import { parseArgs } from 'node:util'
import { javaClassPath } from '../rig/java.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import { onBroker } from '../rig/on-broker.ts'
import type { Side } from '../rig/side.ts'
import { rescaleRound, type Rescale } from './rescale-round.ts'

const { values: options } = parseArgs({
  options: {
    guarantee: { type: 'string', default: 'eos' },
    'group-protocol': { type: 'string' },
    runs: { type: 'string', default: '1' },
    only: { type: 'string', default: 'millrace' },
    java: { type: 'string', default: '' },
  },
})

const runs = Number(options.runs)
const guarantee = options.guarantee === 'alos' ? 'alos' : 'eos'
const groupProtocol = options['group-protocol']
const side: Side = options.only === 'java' ? 'java' : 'millrace'
if (!(runs > 0) || guarantee !== options.guarantee || side !== options.only) throw new Error('nothing to run')

const rows: string[][] = []
await onBroker(async (place) => {
  const protocol = groupProtocol === undefined ? '' : `group.protocol=${groupProtocol}`
  const settings = [protocol, options.java].filter((text) => text !== '').join(',')
  const java = { classPath: side === 'java' ? await javaClassPath(place.directory) : '', settings }
  for (let run = 0; run < runs; run++) {
    const rescale = await rescaleRound(place, { side, guarantee, groupProtocol, java })
    if (rescale.fault !== undefined) process.exitCode = 1
    for (const row of rowsOf(rescale)) {
      rows.push(row)
      console.log(row.join('  '))
    }
  }
})
const columns = [
  'side',
  'guarantee',
  'group protocol',
  'change',
  'moved',
  'ms pause of moved',
  'ms pause of others',
  'ms usual gap',
  'totals',
]
console.log(`\n${markdownTable(columns, rows)}`)

function rowsOf(rescale: Rescale): string[][] {
  const changes = [
    { name: '1 to 3 instances', ...rescale.out },
    { name: '3 to 1', ...rescale.in },
  ]
  return changes.map(({ name, moved, longestMoved, longestUnmoved }) => [
    side,
    guarantee,
    groupProtocol ?? 'default',
    name,
    String(moved),
    String(longestMoved),
    String(longestUnmoved),
    String(rescale.usual),
    rescale.fault === undefined ? 'exact' : `VOID: ${rescale.fault}`,
  ])
}
