import type { SessionWindows, Windowed } from '../windowing/windows.ts'
import { erased } from './options/functions.ts'
import type { WindowedStreamHandle } from './handles/handles.ts'
import type { KTable } from './ktable.ts'
import { aggregateWindows } from './nodes/aggregate-stream.ts'
import type { Materialize, WindowStoreOptions } from './options/operator-options.ts'
import type { Settled } from './options/settled.ts'
import type { Wrap } from './wrap.ts'

/**
 * A grouped stream in sessions. A session that grows or merges is a new window: the table first deletes the old one, so
 * its changes include tombstones.
 *
 * Behaves as Kafka Streams' `SessionWindowedKStream`.
 */
export class SessionWindowedKStream<K, V> {
  readonly #windowed: WindowedStreamHandle<SessionWindows>
  readonly #wrap: Wrap

  private constructor(windowed: WindowedStreamHandle<SessionWindows>, wrap: Wrap) {
    this.#windowed = windowed
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(windowed: WindowedStreamHandle<SessionWindows>, wrap: Wrap): SessionWindowedKStream<K, V> {
    return new SessionWindowedKStream(windowed, wrap)
  }

  /**
   * Emits one result per session, once it cannot grow any more, not one per update (KIP-825); emits no tombstones.
   *
   * @example
   * ```ts
   * clicks.groupByKey().windowedBy(session('30m')).emitOnClose().count()
   * ```
   */
  emitOnClose(): SessionWindowedKStream<K, V> {
    return this.#wrap.sessions({ ...this.#windowed, emitOnClose: true })
  }

  /**
   * Counts the records per key and session, as `long()`.
   *
   * @throws MR_TOPOLOGY_STORE_OPTION, MR_TOPOLOGY_RETENTION; MR_SERDE_MISSING when the topology is built
   */
  count(options?: Materialize<K, number, WindowStoreOptions>): KTable<Windowed<K>, number | null> {
    return this.#wrap.table(aggregateWindows(this.#windowed, { kind: 'count' }, undefined, options))
  }

  /**
   * Combines the values of a key in each session; the reducer also merges sessions.
   *
   * @throws as `count`
   */
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => V | null,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V> | null> {
    const folding = { kind: 'reduce', reducer: erased(reducer, 'the reducer of reduce()') } as const
    return this.#wrap.table(aggregateWindows(this.#windowed, folding, undefined, options))
  }

  /**
   * Folds the values of a key in each session into an aggregate.
   *
   * @param merger joins the aggregates of sessions that a record connects; first called with the initial value, which
   * must therefore be neutral
   * @throws as `count`
   * @example
   * ```ts
   * .windowedBy(session('30m')).aggregate(() => 0, (sum, { cents }) => sum + cents, (a, b) => a + b, { value: long() })
   * ```
   */
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    merger: (aggregate: A, other: A, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null> {
    const folding = {
      kind: 'aggregate',
      initializer: erased(initializer, 'the initializer of aggregate()'),
      aggregator: erased(aggregator, 'the aggregator of aggregate()'),
    } as const
    return this.#wrap.table(
      aggregateWindows(this.#windowed, folding, erased(merger, 'the merger of aggregate()'), options),
    )
  }
}
