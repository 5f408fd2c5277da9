import type { SessionWindows, SlidingWindows, TimeWindows } from '../windowing/windows.ts'
import type { CogroupedKStream } from './cogrouped-kstream.ts'
import { checkWindows } from './options/check-windows.ts'
import { erased } from './options/functions.ts'
import { HANDLE, type GroupedStreamHandle, type TYPES } from './handles/handles.ts'
import type { KTable } from './ktable.ts'
import { aggregateStream } from './nodes/aggregate-stream.ts'
import type { Materialize } from './options/operator-options.ts'
import type { SessionWindowedKStream } from './session-windowed-kstream.ts'
import type { TimeWindowedKStream } from './time-windowed-kstream.ts'
import type { Settled } from './options/settled.ts'
import type { Wrap } from './wrap.ts'

/**
 * A stream grouped by key. Its aggregations drop records with a null key or a null value; those in windows, except
 * sliding ones, take null values.
 *
 * Behaves as Kafka Streams' `KGroupedStream`.
 */
export class KGroupedStream<K, V> {
  declare readonly [TYPES]: readonly [key: K, value: V]
  /** @internal */
  readonly [HANDLE]: GroupedStreamHandle
  readonly #wrap: Wrap

  private constructor(handle: GroupedStreamHandle, wrap: Wrap) {
    this[HANDLE] = handle
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(handle: GroupedStreamHandle, wrap: Wrap): KGroupedStream<K, V> {
    return new KGroupedStream(handle, wrap)
  }

  /**
   * Counts the records per key, as `long()` in store and topics. A count beyond 2^53 - 1 is MR_NUMBER_RANGE.
   *
   * @throws MR_TOPOLOGY_STORE_OPTION; MR_SERDE_MISSING, MR_TOPOLOGY_STORE_EXISTS when the topology is built
   * @example
   * ```ts
   * payments.groupByKey().count({ store: 'payments-by-sender' })
   * ```
   */
  count(options?: Materialize<K, number>): KTable<K, number> {
    return this.#wrap.table(aggregateStream(this[HANDLE], { kind: 'count' }, options))
  }

  /**
   * Combines the values of a key, starting with the first. A reducer that returns null deletes the row; the next value
   * is then the first again.
   *
   * @throws as `count`
   * @example
   * ```ts
   * temperatures.groupByKey().reduce((highest, celsius) => Math.max(highest, celsius), { store: 'highest' })
   * ```
   */
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V>,
    options?: Materialize<K, V>,
  ): KTable<K, NonNullable<V>>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null,
    options?: Materialize<K, V>,
  ): KTable<K, NonNullable<V> | null>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null,
    options?: Materialize<K, V>,
  ): KTable<K, NonNullable<V> | null> {
    const folding = { kind: 'reduce', reducer: erased(reducer, 'the reducer of reduce()') } as const
    return this.#wrap.table(aggregateStream(this[HANDLE], folding, options))
  }

  /**
   * Folds the values of a key into an aggregate. An aggregator that returns null deletes the row; the next value then
   * starts from the initializer. It may change and return the aggregate that it is given.
   *
   * @throws as `count`
   * @example
   * ```ts
   * .aggregate(() => 0, (cents, payment) => cents + payment.cents, { store: 'sums', value: long() })
   * ```
   */
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => NoInfer<A>,
    options?: Materialize<K, A>,
  ): KTable<K, A>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A>,
  ): KTable<K, A | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A>,
  ): KTable<K, A | null> {
    const folding = {
      kind: 'aggregate',
      initializer: erased(initializer, 'the initializer of aggregate()'),
      aggregator: erased(aggregator, 'the aggregator of aggregate()'),
    } as const
    return this.#wrap.table(aggregateStream(this[HANDLE], folding, options))
  }

  /**
   * Aggregates per key and window.
   *
   * @throws MR_TOPOLOGY_WINDOWS
   * @example
   * ```ts
   * payments.groupByKey().windowedBy(tumbling('1m', { grace: '10s' })).count()
   * ```
   */
  windowedBy(windows: TimeWindows | SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>
  windowedBy(
    windows: TimeWindows | SlidingWindows | SessionWindows,
  ): TimeWindowedKStream<K, V> | SessionWindowedKStream<K, V> {
    const grouped = this[HANDLE]
    checkWindows(windows, grouped.graph.settings)
    return windows.kind === 'session'
      ? this.#wrap.sessions({ grouped, windows, emitOnClose: false })
      : this.#wrap.timeWindows({ grouped, windows, emitOnClose: false })
  }

  /**
   * Begins an aggregation of several grouped streams into one table (KIP-150).
   *
   * @example
   * ```ts
   * deposits.groupByKey().cogroup<number>((balance, cents) => balance + cents)
   * ```
   */
  cogroup<A>(aggregator: (aggregate: A, value: NonNullable<V>, key: K) => A): CogroupedKStream<K, A> {
    return this.#wrap.cogroup<K, A>({ inputs: new Map(), repartitions: new Map() }).cogroup(this, aggregator)
  }
}
