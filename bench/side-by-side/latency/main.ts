/**
 * How long a record takes through an application at a steady rate: W2 without a cache, from when a payment is sent to
 * when another process has received the new total of its account. First without an application in between, which is
 * what sender, broker and receiver take, then Kafka Streams, then Millrace; then the delay of Millrace's event loop
 * under full load.
 *
 *     npm run bench:latency -- [--guarantee alos|eos] [--seconds 30] [--warm-up 5] [--rate 2000]
 *                              [--only millrace|java] [--linger N] [--full-load-records N]
 *
 * `--linger` is that of Kafka Streams (ms; its own default is 100, here it is 5): Millrace always waits for 5 ms.
 * `--full-load-records 0` leaves the full load out.
 */
import { parseArgs } from 'node:util'
import { LINGER } from '../rig/cells.ts'
import type { Delay } from '../rig/event-loop-delay.ts'
import { javaClassPath } from '../rig/java.ts'
import { latencyRun, type LatencyContext, type LatencyRun } from './latency-run.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import { onBroker } from '../rig/on-broker.ts'
import { sidesOf, type Side } from '../rig/side.ts'
import { runOnce } from '../throughput/run-once.ts'

const { values: options } = parseArgs({
  options: {
    guarantee: { type: 'string' },
    seconds: { type: 'string', default: '30' },
    'warm-up': { type: 'string', default: '5' },
    rate: { type: 'string', default: '2000' },
    only: { type: 'string' },
    linger: { type: 'string', default: String(LINGER) },
    'full-load-records': { type: 'string', default: '1000000' },
  },
})

const [seconds, warmUp, rate, linger, fullLoad] = [
  options.seconds,
  options['warm-up'],
  options.rate,
  options.linger,
  options['full-load-records'],
].map(Number) as [number, number, number, number, number]
const guarantees = (['alos', 'eos'] as const).filter((guarantee) => (options.guarantee ?? guarantee) === guarantee)
const sides = sidesOf(options.only)
if (guarantees.length === 0 || sides.length === 0 || !(seconds > 0) || !(warmUp >= 0) || !(rate > 0) || !(linger >= 0))
  throw new Error('nothing to run')

const columns = [
  'guarantee',
  'application',
  'records',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'max ms',
  'µs CPU a record',
  'event loop p50 / p99 / max ms',
  'sender late, ms',
  'cores of sender, receiver and others',
  'answers',
]
const rows: string[][] = []
const delays: string[] = []

await onBroker(async (place) => {
  const classPath = sides.includes('java') ? await javaClassPath(place.directory) : ''
  for (const guarantee of guarantees) {
    const context: LatencyContext = { ...place, classPath, guarantee, rate, seconds, warmUp, linger }
    for (const side of ['none', ...sides] as const) {
      const run = await latencyRun(context, side)
      if (run.fault !== undefined) process.exitCode = 1
      const row = rowOf(guarantee, side, run)
      rows.push(row)
      console.log(row.join('  '))
    }
    if (!sides.includes('millrace') || !(fullLoad > 0)) continue
    const { measured, fault } = await runOnce(
      { ...place, records: fullLoad, classPath, javaSettings: '', profile: undefined, eventLoopDelay: true },
      { workload: 'w2', guarantee, cached: false },
      'millrace',
    )
    if (fault !== undefined) process.exitCode = 1
    const kiloRate = Math.round(fullLoad / (measured?.secondsClosed ?? Number.NaN) / 1000)
    delays.push(
      `${guarantee}, full load (${kiloRate} k records/s): ` +
        `event loop ${delayOf(measured?.eventLoopDelay)} ms, ${verdict(fault)}`,
    )
    console.log(delays.at(-1))
  }
})
console.log(`\n${markdownTable(columns, rows)}\n\n${delays.join('\n')}`)

function rowOf(guarantee: string, side: Side | 'none', { latency, late, measured, fault }: LatencyRun): string[] {
  const { count, p50, p95, p99, max } = latency
  return [
    guarantee,
    side,
    String(count),
    ...[p50, p95, p99, max].map((ms) => ms.toFixed(1)),
    measured === undefined ? '-' : ((measured.cpuClosed / (rate * (warmUp + seconds))) * 1e6).toFixed(1),
    delayOf(measured?.eventLoopDelay),
    late.toFixed(0),
    measured === undefined ? '-' : (measured.otherCpu / measured.secondsClosed).toFixed(2),
    side === 'none' ? '-' : verdict(fault),
  ]
}

function delayOf(delay: Delay | undefined): string {
  return delay === undefined ? '-' : [delay.p50, delay.p99, delay.max].map((ms) => ms.toFixed(1)).join(' / ')
}

function verdict(fault: string | undefined): string {
  return fault === undefined ? 'right' : `VOID: ${fault}`
}
