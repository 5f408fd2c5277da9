import {
  defineApp,
  joinWindow,
  json,
  string,
  topic,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
} from '../../../src/index.ts'
import type { Application, KStream, Logger, StreamsBuilder } from '../../../src/index.ts'
import { Refused } from './service.ts'
import type { Called } from './service.ts'
import type { AsyncShape, Piece } from './shape.ts'

export interface Payment extends Called {
  readonly shop: string
  /** The service refuses it for good. */
  readonly isBad: boolean
}
interface Scored extends Called {
  readonly score: number
}

const text = { key: string(), value: string() }
const scoredTopic = { key: string(), value: json<Scored>() }
export const payments = topic('payments', { key: string(), value: json<Payment>() })
export const rates = topic('rates', { key: string(), value: json<number>() })
export const clicks = topic('clicks', { key: string(), value: json<number>() })
export const DEAD = 'dead'

/**
 * How much of the order of a topic's records does not depend on anything: all of it in each partition; that of each
 * key; none; or only what comes last of each key.
 */
export type Order = 'partition' | 'key' | 'none' | 'last'

/** An output, and whether each of its records comes of one record alone, so that it can be recognized when doubled. */
export interface Output {
  readonly name: string
  readonly order: Order
  readonly isStateless: boolean
}

export const OUTPUTS: readonly Output[] = [
  { name: 'scored', order: 'partition', isStateless: true },
  { name: 'counts', order: 'partition', isStateless: false },
  { name: 'closed', order: 'key', isStateless: false },
  { name: 'rated', order: 'partition', isStateless: false },
  { name: 'joined', order: 'partition', isStateless: false },
  { name: 'checked', order: 'partition', isStateless: true },
  { name: 'shops', order: 'none', isStateless: true },
  { name: 'by-shop', order: 'last', isStateless: false },
  { name: 'completed', order: 'key', isStateless: true },
  { name: 'met', order: 'none', isStateless: true },
  { name: 'limited', order: 'partition', isStateless: false },
  { name: DEAD, order: 'none', isStateless: true },
]
const out = (name: string) => topic(name, scoredTopic)

/** The steps of each piece, which name their stores. */
export const STEPS: Readonly<Record<Piece, readonly string[]>> = {
  ordered: ['score'],
  stateful: ['weigh'],
  chain: ['parts', 'check'],
  rekeyed: ['shop', 'close'],
  completed: ['complete'],
  notified: ['notify'],
  diamond: ['left', 'right', 'meet'],
  numbered: ['limit'],
}

/** How the steps of an application are carried out: by calls, or synchronously. */
export interface StepMaker {
  mapValues<V extends Called, R>(
    from: KStream<string, V>,
    piece: Piece,
    step: string,
    fn: (value: V, key: string) => R,
    emit?: 'in-order' | 'any',
  ): KStream<string, R>
  flatMapValues<V extends Called, R>(
    from: KStream<string, V>,
    piece: Piece,
    step: string,
    fn: (value: V, key: string) => R[],
  ): KStream<string, R>
  map<V extends Called, R>(
    from: KStream<string, V>,
    piece: Piece,
    step: string,
    fn: (value: V, key: string) => [string, R],
  ): KStream<string, R>
  forEach<V extends Called>(from: KStream<string, V>, piece: Piece, step: string, fn: (value: V) => void): void
}

export function asyncApp(shape: AsyncShape, steps: StepMaker, logger: Logger): Application {
  return defineApp({
    id: 'app',
    guarantee: shape.guarantee,
    logger,
    threads: shape.threads,
    cacheBytes: shape.cacheBytes,
    bufferedRecordsPerPartition: shape.bufferedRecords,
    standbyReplicas: shape.standbyReplicas,
    commitInterval: shape.commitInterval,
    onUncaughtError: shape.replaceThread ? 'replaceThread' : 'shutdownClient',
    onProcessingError: shape.onError,
    ...(shape.onError === 'deadLetter' ? { deadLetterTopic: DEAD } : {}),
    build: (builder) => {
      const all = builder.stream(payments)
      for (const piece of shape.pieces) BUILDERS[piece](all, steps, builder)
    },
  })
}

type Build = (all: KStream<string, Payment>, steps: StepMaker, builder: StreamsBuilder) => void

const BUILDERS: Readonly<Record<Piece, Build>> = {
  ordered(all, steps) {
    steps.mapValues(all, 'ordered', 'score', score).to(out('scored'))
  },

  /** Other inputs meet the results: whatever the calls do, it is in the order in which the records came. */
  stateful(all, steps, builder) {
    const weighed = steps.mapValues(all, 'stateful', 'weigh', score)
    const perKey = weighed.groupByKey({ key: string(), value: json<Scored>() })
    perKey
      .count({ store: { name: 'counts', caching: false } })
      .toStream()
      .to(topic('counts', { key: string(), value: json<number>() }))
    perKey
      .windowedBy(tumbling('5s', { grace: '1s' }))
      .count({ store: { name: 'windows', caching: false } })
      .suppress(untilWindowCloses(), { name: 'close' })
      .toStream((_count, window) => `${window.key}@${window.start}`)
      .to(topic('closed', { key: string(), value: json<number>() }))
    weighed.join(builder.table(rates, { store: 'rates' }), rated).to(topic('rated', text))
    weighed
      .leftJoin(builder.stream(clicks), rated, joinWindow({ before: '2s', after: '1s', grace: '1s' }), {
        store: 'pairs',
        key: string(),
        value: json<Scored>(),
      })
      .to(topic('joined', text))
  },

  chain(all, steps) {
    const parts = steps.flatMapValues(all, 'chain', 'parts', partsOf)
    steps.mapValues(parts, 'chain', 'check', ({ id }) => ({ id, score: scoreOf(id) })).to(out('checked'))
  },

  rekeyed(all, steps) {
    const perShop = steps
      .map(all, 'rekeyed', 'shop', ({ id, shop }) => [shop, { id, score: scoreOf(id) }])
      .repartition({ name: 'shop', key: string(), value: json<Scored>() })
    steps.mapValues(perShop, 'rekeyed', 'close', ({ id }) => ({ id, score: 1 }), 'any').to(out('shops'))
    perShop
      .groupByKey()
      .count({ store: 'by-shop' })
      .toStream()
      .to(topic('by-shop', { key: string(), value: json<number>() }))
  },

  completed(all, steps) {
    steps.mapValues(all, 'completed', 'complete', score, 'any').to(out('completed'))
  },

  notified(all, steps) {
    steps.forEach(all, 'notified', 'notify', () => {})
  },

  /** Both results of a record reach the same step, in either order. */
  diamond(all, steps) {
    const side = (step: string): KStream<string, Scored> =>
      steps.mapValues(all, 'diamond', step, ({ id }) => ({ id: `${id} ${step}`, score: scoreOf(id) }), 'any')
    const merged = side('left').merge(side('right'))
    steps.mapValues(merged, 'diamond', 'meet', ({ id }) => ({ id, score: 2 }), 'any').to(out('met'))
  },

  /** Behind suppress a result belongs to no single record. */
  numbered(all, steps) {
    const counted = all
      .groupByKey()
      .count({ store: { name: 'counted', caching: false } })
      .suppress(untilTimeLimit('3s'), { name: 'time-limit' })
      .toStream()
      .mapValues((count, key) => ({ id: `${key} ${count}`, score: count ?? 0 }))
    steps.mapValues(counted, 'numbered', 'limit', ({ id, score }) => ({ id, score: score + 1 })).to(out('limited'))
  },
}

function score({ id, isBad }: Payment): Scored {
  if (isBad) throw new Refused(`${id} is refused`)
  return { id, score: scoreOf(id) }
}

/** One to three parts of a payment, or none. */
export function partsOf({ id }: Called): Scored[] {
  return Array.from({ length: Number(id) % 4 }, (_, part) => ({ id: `${id}.${part}`, score: part }))
}

function scoreOf(id: string): number {
  return id.length * 7
}

function rated({ id }: Scored, other: number | null): string {
  return `${id} at ${other}`
}
