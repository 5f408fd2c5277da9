/*
 * What it costs to see that JSON values come back as they are, and that integers are exact: CPU a record of whole
 * programs on the memory log, with a serde that only parses and writes, with `json()` that looks at values alone, and
 * with all of `json()`. They run in turn in one process; ratios are taken round by round. On a machine that does other
 * work single ratios scatter by several percent: the quartiles tell.
 *
 *   node --conditions=millrace-source --expose-gc bench/micro/json-values.ts [rounds] [workload …]
 */
import {
  defineApp,
  json,
  memoryEngine,
  memoryLog,
  string,
  Streams,
  topic,
  type Application,
  type Serde,
} from 'millrace'
import { systemClock, type Clock } from '../../src/platform/clock.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

const RECORDS = 100_000
const KEYS = 10_000
const ROUNDS = Number(process.argv[2] ?? 21)
const ONLY = process.argv.slice(3)
const START = 1_700_000_000_000

// Commit intervals in the process's own CPU time: how much a commit has to write does not depend on what else the
// machine does.
const began = Date.now()
const clock: Clock = {
  now: () => began + process.cpuUsage().user / 1000,
  monotonic: () => process.cpuUsage().user / 1000,
  schedule: (ms, callback) => systemClock.schedule(ms, callback),
}

interface Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly ts: number
}

/** As fast as it goes, and nothing is checked. */
const trusting: Serde<Payment> = {
  name: 'trusting json',
  serialize: (value) => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Payment,
  read: (buffer, start, end) => JSON.parse(buffer.toString('utf8', start, end)) as Payment,
  write(value, buffer, offset) {
    const text = JSON.stringify(value)
    const room = buffer.length - offset
    if (text.length * 3 > room && Buffer.byteLength(text, 'utf8') > room) return -1
    return offset + buffer.write(text, offset, 'utf8')
  },
  copy: (value) => value,
}

function w1(id: string, serde: Serde<Payment>): Application {
  return defineApp({
    id,
    guarantee: 'exactly_once',
    build: (builder) => {
      builder
        .stream(topic('in', { key: string(), value: serde }))
        .filter(({ amount }) => amount >= 50)
        .mapValues(({ id, account, amount, ts }) => ({ id, account, amount: amount * 2, large: amount > 900, ts }))
        .to(topic('out', { key: string(), value: serde as Serde<unknown> }))
    },
  })
}

function w2(cacheBytes: number) {
  return (id: string, serde: Serde<Payment>): Application =>
    defineApp({
      id,
      guarantee: 'exactly_once',
      cacheBytes,
      build: (builder) => {
        builder
          .stream(topic('in', { key: string(), value: serde }))
          .groupByKey()
          .aggregate(
            () => ({ count: 0, sum: 0 }),
            (total, { amount }) => ({ count: total.count + 1, sum: total.sum + amount }),
            { store: 'totals', value: serde as Serde<unknown> as Serde<{ count: number; sum: number }> },
          )
          .toStream()
          .to(topic('out', { key: string(), value: serde as Serde<unknown> }))
      },
    })
}

const payment = (i: number) =>
  `{"id":"pay-${1_000_000 + i}","account":"acct-${i % KEYS}","amount":${1 + (i % 1000)},"currency":"EUR",` +
  `"merchant":"m-${i % 5000}","kind":"card","ts":${START + i}}`
const withCard = (i: number) => payment(i).replace('"kind":"card"', `"kind":"card 4${String(i).padStart(15, '0')} DE"`)

const workloads: [
  name: string,
  app: (id: string, serde: Serde<Payment>) => Application,
  value: (i: number) => string,
][] = [
  ['w1', w1, payment],
  ['w2', w2(10 << 20), payment],
  ['w2-uncached', w2(0), payment],
  ['w1-digits', w1, withCard],
  ['w2-digits', w2(10 << 20), withCard],
]

let runs = 0

async function cpu(
  app: (id: string, serde: Serde<Payment>) => Application,
  value: (i: number) => string,
  serde: Serde<Payment>,
) {
  const log = memoryLog()
  await log.createTopics(['in', 'out'].map((name) => ({ name, partitions: 1 })))
  const producer = log.openProducer()
  await producer.loadPartitionCount('in')
  const slice = new RecordSlice()
  const buffer = (slice.buffer = Buffer.alloc(1024))
  let at = 1
  for (let i = 0; i < RECORDS; i++) {
    at = (at * 48271) % 2147483647
    const keyEnd = buffer.write(`acct-${at % KEYS}`, 0)
    const end = keyEnd + buffer.write(value(i), keyEnd)
    slice.timestamp = START + i
    slice.setKey(0, keyEnd)
    slice.setValue(keyEnd, end)
    producer.append('in', 0, slice)
  }
  await producer.flush()
  globalThis.gc?.()
  const before = process.cpuUsage()
  const streams = await Streams.start(app(`bench-${runs++}`, serde), {
    log,
    engine: memoryEngine,
    stateDirectory: 'unused',
    clock,
  })
  while (streams.status().processed < RECORDS) await new Promise((resolve) => setImmediate(resolve))
  await streams.close()
  const used = process.cpuUsage(before)
  await log.close()
  return (used.user + used.system) / RECORDS
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

const serdes: [name: string, serde: () => Serde<Payment>][] = [
  ['trusting', () => trusting],
  ['values', () => json({ integers: 'round' })],
  ['values and integers', () => json()],
]

/** Median and quartiles of the ratios of two serdes, round by round. */
function ratio(what: string, one: readonly number[], other: readonly number[]): string {
  const ratios = one.map((each, i) => each / other[i]!).toSorted((a, b) => a - b)
  const at = (part: number) => ratios[Math.floor(ratios.length * part)]!.toFixed(3)
  return `${what} ${at(0.5)} (${at(0.25)} to ${at(0.75)})`
}

for (const [name, app, value] of workloads) {
  if (ONLY.length > 0 && !ONLY.includes(name)) continue
  const [plain, values, both] = serdes.map((): number[] => []) as [number[], number[], number[]]
  const used = [plain, values, both]
  for (let round = -1; round < ROUNDS; round++) {
    for (let i = 0; i < serdes.length; i++) {
      // Each is first, second and third in turn.
      const which = (i + round + serdes.length) % serdes.length
      const micros = await cpu(app, value, serdes[which]![1]())
      if (round >= 0) used[which]!.push(micros)
    }
  }
  console.log(
    `${name.padEnd(12)} ${median(plain).toFixed(2)} µs a record; ` +
      `${ratio('values', values, plain)}, ${ratio('integers', both, values)}`,
  )
}
