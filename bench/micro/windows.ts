import { parseArgs } from 'node:util'
import { calendar, defineApp, json, memoryEngine, memoryLog, Streams, string, topic, tumbling } from 'millrace'
import { TopicWriter } from 'millrace'
import type { TimeWindows } from 'millrace'

/*
 * CPU per record of totals per account and day: `calendar('day')` beside `tumbling('1d')`, in turn, on the memory log.
 * Reports the median of each and their ratio. Time of events goes on by a second a record, one record in ten is up to
 * an hour late.
 *
 *   node --conditions=millrace-source bench/micro/windows.ts [--records N] [--accounts N] [--rounds N]
 */

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    accounts: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '7' },
  },
})
const records = Number(options.records)
const accounts = Number(options.accounts)

const input = topic('payments', { key: string(), value: json<{ cents: number }>() })

async function microsecondsPerRecord(windows: TimeWindows): Promise<number> {
  const log = memoryLog()
  await log.createTopics([{ name: 'payments', partitions: 1 }])
  {
    await using writer = await TopicWriter.open(log, input)
    for (let i = 0; i < records; i++) {
      const late = i % 10 === 9 ? (i * 7919) % 3_600_000 : 0
      const timestamp = 1_790_000_000_000 + i * 1000 - late
      writer.write(`account-${(i * 7919) % accounts}`, { cents: i }, { timestamp })
      if (i % 10_000 === 0) await writer.flush()
    }
  }
  const app = defineApp({
    id: 'windows',
    build: (builder) => {
      builder
        .stream(input)
        .groupByKey()
        .windowedBy(windows)
        .aggregate(
          () => ({ count: 0, cents: 0 }),
          ({ count, cents }, payment) => ({ count: count + 1, cents: cents + payment.cents }),
          { store: 'totals', value: json<{ count: number; cents: number }>() },
        )
        .toStream()
        .forEach(() => {})
    },
  })
  const before = process.cpuUsage()
  const streams = await Streams.start(app, { log, engine: memoryEngine, stateDirectory: '/tmp/millrace-bench-windows' })
  while (streams.status().processed < records) await new Promise((resolve) => setTimeout(resolve, 5))
  await streams.close()
  const { user, system } = process.cpuUsage(before)
  await log.close()
  return (user + system) / records
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const days: number[] = []
const fixed: number[] = []
for (let round = -1; round < Number(options.rounds); round++) {
  const ofDays = () => microsecondsPerRecord(calendar('day', { timeZone: 'Europe/Berlin', grace: '2h' }))
  const ofSize = () => microsecondsPerRecord(tumbling('1d', { grace: '2h' }))
  const first = await (round % 2 === 0 ? ofDays() : ofSize())
  const second = await (round % 2 === 0 ? ofSize() : ofDays())
  // The first round warms up.
  if (round < 0) continue
  days.push(round % 2 === 0 ? first : second)
  fixed.push(round % 2 === 0 ? second : first)
}
console.log(
  `us of CPU per record: calendar('day') ${median(days).toFixed(2)}, tumbling('1d') ${median(fixed).toFixed(2)}, ` +
    `ratio ${median(days.map((value, i) => value / (fixed[i] ?? Number.NaN))).toFixed(2)}`,
)
