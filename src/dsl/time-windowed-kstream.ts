import { topologyError } from '../topology/topology-error.ts'
import type { SlidingWindows, TimeWindows, Windowed } from '../windowing/windows.ts'
import { erased } from './options/functions.ts'
import type { WindowedStreamHandle } from './handles/handles.ts'
import type { KTable } from './ktable.ts'
import { aggregateWindows } from './nodes/aggregate-stream.ts'
import type { Materialize, WindowStoreOptions } from './options/operator-options.ts'
import type { Settled } from './options/settled.ts'
import type { Wrap } from './wrap.ts'

/**
 * A grouped stream in tumbling, hopping, sliding or unlimited windows. Sliding windows drop null values; the others
 * take them.
 *
 * Behaves as Kafka Streams' `TimeWindowedKStream`.
 */
export class TimeWindowedKStream<K, V> {
  readonly #windowed: WindowedStreamHandle<TimeWindows | SlidingWindows>
  readonly #wrap: Wrap

  private constructor(windowed: WindowedStreamHandle<TimeWindows | SlidingWindows>, wrap: Wrap) {
    this.#windowed = windowed
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(windowed: WindowedStreamHandle<TimeWindows | SlidingWindows>, wrap: Wrap): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStream(windowed, wrap)
  }

  /**
   * Emits one result per window, once it takes no more records, instead of one per update (KIP-825). A window closes
   * when a record moves stream time past its end by the grace: without records nothing is emitted.
   *
   * @example
   * ```ts
   * payments.groupByKey().windowedBy(tumbling('1m')).emitOnClose().count()
   * ```
   * @throws MR_TOPOLOGY_EMIT for unlimited windows, which never close
   */
  emitOnClose(): TimeWindowedKStream<K, V> {
    if (this.#windowed.windows.kind === 'unlimited') {
      throw topologyError(
        'MR_TOPOLOGY_EMIT',
        'unlimited windows never close',
        'Leave out emitOnClose(), or use tumbling or hopping windows.',
        this.#windowed.grouped.name,
      )
    }
    return this.#wrap.timeWindows({ ...this.#windowed, emitOnClose: true })
  }

  /**
   * Counts the records per key and window, as `long()`.
   *
   * @throws MR_TOPOLOGY_STORE_OPTION, MR_TOPOLOGY_RETENTION; MR_SERDE_MISSING when the topology is built
   */
  count(options?: Materialize<K, number, WindowStoreOptions>): KTable<Windowed<K>, number> {
    return this.#wrap.table(aggregateWindows(this.#windowed, { kind: 'count' }, undefined, options))
  }

  /**
   * Combines the values of a key in each window, starting with the first; null deletes the window's result.
   *
   * @throws as `count`
   */
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => NonNullable<V>,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V>>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => V | null,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V> | null>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => V | null,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V> | null> {
    const folding = { kind: 'reduce', reducer: erased(reducer, 'the reducer of reduce()') } as const
    return this.#wrap.table(aggregateWindows(this.#windowed, folding, undefined, options))
  }

  /**
   * Folds the values of a key in each window into an aggregate; null deletes it.
   *
   * @throws as `count`
   * @example
   * ```ts
   * .windowedBy(tumbling('1m')).aggregate(() => 0, (cents, payment) => cents + payment.cents, { value: long() })
   * ```
   */
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A>,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null> {
    const folding = {
      kind: 'aggregate',
      initializer: erased(initializer, 'the initializer of aggregate()'),
      aggregator: erased(aggregator, 'the aggregator of aggregate()'),
    } as const
    return this.#wrap.table(aggregateWindows(this.#windowed, folding, undefined, options))
  }
}
