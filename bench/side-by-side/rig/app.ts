import {
  defineApp,
  json,
  long,
  string,
  topic,
  tumbling,
  type Application,
  type Serde,
  type StreamsBuilder,
} from '../../../src/index.ts'
import type { Payment, Position, Vehicle } from './data.ts'

export interface BenchAppOptions {
  readonly id: string
  readonly workload: string
  readonly exactlyOnce: boolean
  /** ms; the guarantee's default if undefined. */
  readonly commitInterval: number | undefined
  readonly cacheBytes: number | undefined
  /** Such as `512MiB`; the default if undefined. */
  readonly memory?: string | undefined
  readonly input: string
  readonly output: string
  /** The topic of vehicles (w4). */
  readonly table: string
  /** Called once per record: in the first function of the user that sees all records or, without one, on reading. */
  readonly tick: () => void
}

interface Total {
  readonly count: number
  readonly sum: number
}

/** The workloads as a user of Millrace writes them; KafkaStreamsRunner.java is the same in Java. */
export function benchApp(options: BenchAppOptions): Application {
  const { id, exactlyOnce, commitInterval, cacheBytes, memory } = options
  return defineApp({
    id,
    guarantee: exactlyOnce ? 'exactly_once' : 'at_least_once',
    ...(commitInterval === undefined ? {} : { commitInterval }),
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
    ...(memory === undefined ? {} : { memory }),
    logger: { debug() {}, info() {}, warn: complain, error: complain },
    build: (builder) => build(builder, options),
  })
}

function build(builder: StreamsBuilder, { workload, input, output, table, tick }: BenchAppOptions): void {
  const positions = topic(input, { key: string(), value: json<Position>() })
  const addOne = (count: number): number => {
    tick()
    return count + 1
  }
  switch (workload) {
    case 'w1':
      builder
        .stream(positions)
        .filter((position) => {
          tick()
          return position.speed >= 50
        })
        .mapValues(({ truck, ts, lat, lon, speed }) => {
          return { truck, ts, lat, lon, mph: Math.floor((speed * 621) / 1000), over: speed > 90 }
        })
        .to(output, { value: json() })
      return
    case 'w2':
    case 'w2big':
      builder
        .stream(topic(input, { key: string(), value: json<Payment>() }))
        .groupByKey()
        .aggregate(
          (): Total => ({ count: 0, sum: 0 }),
          (sums, payment) => {
            tick()
            return { count: sums.count + 1, sum: sums.sum + payment.amount }
          },
          { store: 'acc', value: json<Total>() },
        )
        .toStream()
        .to(output)
      return
    case 'w3':
      builder
        .stream(positions)
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '1m' }))
        .aggregate(() => 0, addOne, { store: 'win', value: long() })
        .toStream((_count, window) => `${window.key}@${window.start}`)
        .to(output, { key: string(), value: json<number>() })
      return
    case 'w4': {
      const vehicles = builder.table(topic(table, { key: string(), value: json<Vehicle>() }))
      builder
        .stream(positions)
        .peek(tick)
        .join(vehicles, ({ truck, ts, lat, lon, speed }, { fleet, capacity }) => {
          return { truck, ts, lat, lon, speed, fleet, capacity }
        })
        .to(output, { value: json() })
      return
    }
    case 'w5':
      builder
        .stream(positions)
        .selectKey(({ driver }) => driver)
        .groupByKey({ key: telling(tick) })
        .count({ store: 'cnt' })
        .toStream()
        .to(output, { value: json<number>() })
      return
    default:
      throw new RangeError(`there is no workload "${workload}"`)
  }
}

/** Tells of every key that is read: a count calls no function of the user's. */
function telling(tick: () => void): Serde<string> {
  return {
    ...string(),
    read(buffer, start, end) {
      tick()
      return buffer.toString('utf8', start, end)
    },
  }
}

function complain(fields: object, message: string): void {
  console.error(message, fields)
}
