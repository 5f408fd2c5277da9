import type { SessionWindows, SlidingWindows, TimeWindows, Windowed } from '../windowing/windows.ts'
import { checkWindows } from './options/check-windows.ts'
import { erased } from './options/functions.ts'
import { HANDLE } from './handles/handles.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import { aggregateCogroup, type CogroupHandle } from './nodes/cogroup.ts'
import type { Materialize, WindowStoreOptions } from './options/operator-options.ts'
import type { Settled } from './options/settled.ts'
import type { Wrap } from './wrap.ts'

/**
 * Several grouped streams that are folded into one aggregate, each by an aggregator of its own.
 *
 * @example
 * ```ts
 * deposits.groupByKey()
 *   .cogroup<Balance>((balance, deposit) => add(balance, deposit))
 *   .cogroup(withdrawals.groupByKey(), (balance, withdrawal) => subtract(balance, withdrawal))
 *   .aggregate(() => emptyBalance, { store: 'balances', value: json<Balance>() })
 * ```
 * Behaves as Kafka Streams' `CogroupedKStream` (KIP-150).
 */
export class CogroupedKStream<K, A> {
  readonly #cogroup: CogroupHandle
  readonly #wrap: Wrap

  private constructor(cogroup: CogroupHandle, wrap: Wrap) {
    this.#cogroup = cogroup
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, A>(cogroup: CogroupHandle, wrap: Wrap): CogroupedKStream<K, A> {
    return new CogroupedKStream(cogroup, wrap)
  }

  /** Adds a grouped stream. All topics must have equal partition counts: MR_NOT_COPARTITIONED at the start. */
  cogroup<V>(
    group: KGroupedStream<K, V>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => A,
  ): CogroupedKStream<K, A> {
    this.#cogroup.inputs.set(group[HANDLE], erased(aggregator, 'the aggregator of cogroup()'))
    return this
  }

  /**
   * Returns the table of the aggregates, each begun by the initializer.
   *
   * @throws MR_TOPOLOGY_STORE_OPTION; MR_SERDE_MISSING when the topology is built
   */
  aggregate(initializer: () => Settled<A>, options?: Materialize<K, A>): KTable<K, A> {
    const erasedInitializer = erased(initializer, 'the initializer of aggregate()')
    return this.#wrap.table(aggregateCogroup(this.#cogroup, erasedInitializer, undefined, undefined, options))
  }

  /** Aggregates per key and window, emitting on every update. @throws MR_TOPOLOGY_WINDOWS */
  windowedBy(windows: TimeWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  windowedBy(
    windows: TimeWindows | SlidingWindows | SessionWindows,
  ): TimeWindowedCogroupedKStream<K, A> | SessionWindowedCogroupedKStream<K, A> {
    const [group] = this.#cogroup.inputs.keys()
    if (group === undefined) throw new Error('a cogroup has at least one input')
    checkWindows(windows, group.graph.settings)
    return windows.kind === 'session'
      ? SessionWindowedCogroupedKStream.of(this.#cogroup, windows, this.#wrap)
      : TimeWindowedCogroupedKStream.of(this.#cogroup, windows, this.#wrap)
  }
}

/** Cogrouped streams in windows other than sessions (Kafka Streams' `TimeWindowedCogroupedKStream`). */
export class TimeWindowedCogroupedKStream<K, A> {
  readonly #cogroup: CogroupHandle
  readonly #windows: TimeWindows | SlidingWindows
  readonly #wrap: Wrap

  private constructor(cogroup: CogroupHandle, windows: TimeWindows | SlidingWindows, wrap: Wrap) {
    this.#cogroup = cogroup
    this.#windows = windows
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, A>(
    cogroup: CogroupHandle,
    windows: TimeWindows | SlidingWindows,
    wrap: Wrap,
  ): TimeWindowedCogroupedKStream<K, A> {
    return new TimeWindowedCogroupedKStream(cogroup, windows, wrap)
  }

  /** Returns the table of the aggregates. @throws MR_TOPOLOGY_STORE_OPTION, MR_TOPOLOGY_RETENTION */
  aggregate(initializer: () => Settled<A>, options?: Materialize<K, A, WindowStoreOptions>): KTable<Windowed<K>, A> {
    const erasedInitializer = erased(initializer, 'the initializer of aggregate()')
    return this.#wrap.table(aggregateCogroup(this.#cogroup, erasedInitializer, this.#windows, undefined, options))
  }
}

/** Cogrouped streams in sessions (Kafka Streams' `SessionWindowedCogroupedKStream`). */
export class SessionWindowedCogroupedKStream<K, A> {
  readonly #cogroup: CogroupHandle
  readonly #windows: SessionWindows
  readonly #wrap: Wrap

  private constructor(cogroup: CogroupHandle, windows: SessionWindows, wrap: Wrap) {
    this.#cogroup = cogroup
    this.#windows = windows
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, A>(cogroup: CogroupHandle, windows: SessionWindows, wrap: Wrap): SessionWindowedCogroupedKStream<K, A> {
    return new SessionWindowedCogroupedKStream(cogroup, windows, wrap)
  }

  /**
   * Returns the table of the aggregates.
   *
   * @param merger joins the aggregates of sessions that a record connects
   * @throws MR_TOPOLOGY_STORE_OPTION, MR_TOPOLOGY_RETENTION
   */
  aggregate(
    initializer: () => Settled<A>,
    merger: (aggregate: A, other: A, key: K) => A,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null> {
    const erasedInitializer = erased(initializer, 'the initializer of aggregate()')
    const erasedMerger = erased(merger, 'the merger of aggregate()')
    return this.#wrap.table(aggregateCogroup(this.#cogroup, erasedInitializer, this.#windows, erasedMerger, options))
  }
}
