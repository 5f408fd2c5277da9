import {
  defineApp,
  joinWindow,
  json,
  keyValueStore,
  session,
  string,
  topic,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
} from '../../src/index.ts'
import type {
  Application,
  KeyValueStore,
  Logger,
  Processor,
  ProcessorContext,
  ProcessorRecord,
} from '../../src/index.ts'
import type { Random } from './random.ts'

export interface Order {
  readonly id: number
  readonly shop: string
  readonly cents: number
}
interface Total {
  readonly count: number
  readonly cents: number
}

const text = { key: string(), value: string() }
export const orders = topic('orders', { key: string(), value: json<Order>() })
export const prices = topic('prices', { key: string(), value: json<number>() })
export const clicks = topic('clicks', { key: string(), value: json<number>() })
const totals = topic('totals', { key: string(), value: json<Total>() })
const byShop = topic('by-shop', { key: string(), value: json<Total>() })
const counts = topic('counts', { key: string(), value: json<number>() })
const limited = topic('limited', { key: string(), value: json<number>() })
const closed = topic('closed', { key: string(), value: json<number>() })
const shopWindows = topic('shop-windows', { key: string(), value: json<number>() })
const sessions = topic('sessions', { key: string(), value: json<number>(), tombstones: true })
const ticks = topic('ticks', text)
const priced = topic('priced', text)
const joined = topic('joined', text)

export const INPUTS = [orders, prices, clicks]
/** Outputs whose updates are the same, in their order, whatever happens in between. */
export const EXACT_OUTPUTS = [counts, limited, closed, shopWindows, sessions, ticks, priced, joined]
/** Outputs of which only the latest update of each key is the same: earlier ones depend on caches and on order. */
export const FINAL_OUTPUTS = [totals, byShop]
/** A grace longer than all of the input: records from the repartition topic are never late. */
const EVER = 1_000_000_000

/** The settings of the application that must not change its results. */
export interface AppShape {
  readonly threads: number
  readonly cacheBytes: number
  readonly bufferedRecords: number
  readonly sourceAsChangelog: boolean
  readonly replaceThread: boolean
  readonly maxTaskIdle: number
  readonly standbyReplicas: number
}

export function randomShape(random: Random): AppShape {
  return {
    threads: random.between(1, 2),
    cacheBytes: random.pick([0, 300, 1_000_000]),
    bufferedRecords: random.pick([1, 10, 1000]),
    sourceAsChangelog: random.chance(0.5),
    replaceThread: random.chance(0.5),
    maxTaskIdle: random.pick([0, 0, 30]),
    standbyReplicas: random.pick([0, 0, 1]),
  }
}

/** Calls from the application to its simulation. */
export interface AppHooks {
  /** Called with each order that is processed; may throw. */
  readonly beforeOrder: () => void
  /** Called by the wall-clock punctuator of a task, every second. */
  readonly punctuated: (task: string) => void
}

export function simulatedApp(shape: AppShape, { beforeOrder, punctuated }: AppHooks, logger: Logger): Application {
  return defineApp({
    id: 'app',
    guarantee: 'exactly_once',
    logger,
    threads: shape.threads,
    cacheBytes: shape.cacheBytes,
    bufferedRecordsPerPartition: shape.bufferedRecords,
    maxTaskIdle: shape.maxTaskIdle,
    standbyReplicas: shape.standbyReplicas,
    optimize: shape.sourceAsChangelog ? 'reuse.ktable.source.topics' : 'none',
    onUncaughtError: shape.replaceThread ? 'replaceThread' : 'shutdownClient',
    build: (builder) => {
      const all = builder.stream(orders).peek(beforeOrder)
      const perKey = all.groupByKey()
      perKey
        .aggregate((): Total => ({ count: 0, cents: 0 }), add, { store: 'totals', value: json<Total>() })
        .toStream()
        .to(totals)
      const counted = perKey.count({ store: { name: 'counts', caching: false } })
      counted.toStream().to(counts)
      counted.suppress(untilTimeLimit('3s'), { name: 'limit' }).toStream().to(limited)
      perKey
        .windowedBy(tumbling('5s', { grace: '1s' }))
        .count({ store: { name: 'windows', caching: false } })
        .suppress(untilWindowCloses(), { name: 'close' })
        .toStream((_count, window) => `${window.key}@${window.start}`)
        .to(closed)
      perKey
        .windowedBy(session('2s', { grace: '1s' }))
        .emitOnClose()
        .count({ store: 'sessions' })
        .toStream((_count, window) => `${window.key}@${window.start}-${window.end}`)
        .to(sessions)
      all
        .process(() => new Ticks(punctuated), {
          stores: [keyValueStore('seen', { key: string(), value: json<number>() })],
        })
        .to(ticks)
      const perShop = all
        .selectKey((order) => order.shop)
        .groupByKey({ name: 'shop', key: string(), value: json<Order>() })
      perShop
        .aggregate((): Total => ({ count: 0, cents: 0 }), add, { store: 'by-shop', value: json<Total>() })
        .toStream()
        .to(byShop)
      perShop
        .windowedBy(tumbling('10s', { grace: EVER }))
        .emitOnClose()
        .count({ store: 'shop-windows' })
        .toStream((_count, window) => `${window.key}@${window.start}`)
        .to(shopWindows)
      const table = builder.table(prices, { store: 'prices' })
      all.join(table, (order, price) => `${order.id} at ${price}`).to(priced)
      all
        .leftJoin(
          builder.stream(clicks),
          (order, click) => `${order.id} with ${click}`,
          joinWindow({ before: '2s', after: '1s', grace: '1s' }),
          { store: 'pairs' },
        )
        .to(joined)
    },
  })
}

/** Forwards every four seconds of stream time the number of records so far, and the time. */
class Ticks implements Processor<string, Order, string, string> {
  #context!: ProcessorContext<string, string>
  #seen!: KeyValueStore<string, number>
  readonly #punctuated: (task: string) => void

  constructor(punctuated: (task: string) => void) {
    this.#punctuated = punctuated
  }

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
    this.#seen = context.store('seen')
    context.schedule('1s', 'wall-clock-time', () => this.#punctuated(context.taskId))
    context.schedule('4s', 'stream-time', (time) => {
      context.forward({ key: context.taskId, value: `${this.#seen.get('count') ?? 0} by ${time}` })
    })
  }

  process({ timestamp }: ProcessorRecord<string, Order>): void {
    this.#seen.put('count', (this.#seen.get('count') ?? 0) + 1)
    if (timestamp < this.#context.currentStreamTime()) this.#seen.put('late', (this.#seen.get('late') ?? 0) + 1)
  }
}

function add(total: Total, order: Order): Total {
  return { count: total.count + 1, cents: total.cents + order.cents }
}

/** Timestamp in ms of the records that close every window. */
export const END_OF_TIME = 3 * EVER
