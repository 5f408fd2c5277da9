import { erased } from './options/functions.ts'
import { HANDLE, type GroupedTableHandle, type TYPES } from './handles/handles.ts'
import type { KTable } from './ktable.ts'
import { aggregateTable } from './nodes/aggregate-table.ts'
import type { Materialize } from './options/operator-options.ts'
import type { Settled } from './options/settled.ts'
import type { Wrap } from './wrap.ts'

/**
 * A table grouped by a new key. The subtractor first takes a changed row out of its old group; the adder then puts it
 * into its new one.
 *
 * @example
 * ```ts
 * customers.groupBy((customer, id) => [customer.country, id], { key: string(), value: string() }).count()
 * ```
 * Behaves as Kafka Streams' `KGroupedTable`.
 */
export class KGroupedTable<K, V> {
  declare readonly [TYPES]: readonly [key: K, value: V]
  /** @internal */
  readonly [HANDLE]: GroupedTableHandle
  readonly #wrap: Wrap

  private constructor(handle: GroupedTableHandle, wrap: Wrap) {
    this[HANDLE] = handle
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(handle: GroupedTableHandle, wrap: Wrap): KGroupedTable<K, V> {
    return new KGroupedTable(handle, wrap)
  }

  /**
   * Counts the rows per group, as `long()`. A group without rows stays, at 0.
   *
   * @throws MR_TOPOLOGY_STORE_OPTION; MR_SERDE_MISSING when the topology is built
   */
  count(options?: Materialize<K, number>): KTable<K, number> {
    return this.#wrap.table(aggregateTable(this[HANDLE], { kind: 'count' }, options))
  }

  /**
   * Combines the values of a group, starting with the first: the adder puts a value in, the subtractor takes one out.
   * Null deletes the group.
   *
   * @throws as `count`
   */
  reduce(
    adder: (aggregate: V, value: V) => V | null,
    subtractor: (aggregate: V, value: V) => V | null,
    options?: Materialize<K, V>,
  ): KTable<K, V | null> {
    const folding = {
      kind: 'reduce',
      adder: erased(adder, 'the adder of reduce()'),
      subtractor: erased(subtractor, 'the subtractor of reduce()'),
    } as const
    return this.#wrap.table(aggregateTable(this[HANDLE], folding, options))
  }

  /**
   * Folds the values of a group into an aggregate. Functions that return null delete the group.
   *
   * @throws as `count`
   * @example
   * ```ts
   * .groupBy(({ country, cents }) => [country, cents], { key: string(), value: long() })
   * .aggregate(() => 0, (sum, cents) => sum + cents, (sum, cents) => sum - cents, { value: long() })
   * ```
   */
  aggregate<A>(
    initializer: () => Settled<A>,
    adder: (aggregate: A, value: V, key: K) => NoInfer<A>,
    subtractor: (aggregate: A, value: V, key: K) => NoInfer<A>,
    options?: Materialize<K, A>,
  ): KTable<K, A>
  aggregate<A>(
    initializer: () => Settled<A>,
    adder: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    subtractor: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A>,
  ): KTable<K, A | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    adder: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    subtractor: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A>,
  ): KTable<K, A | null> {
    const folding = {
      kind: 'aggregate',
      initializer: erased(initializer, 'the initializer of aggregate()'),
      adder: erased(adder, 'the adder of aggregate()'),
      subtractor: erased(subtractor, 'the subtractor of aggregate()'),
    } as const
    return this.#wrap.table(aggregateTable(this[HANDLE], folding, options))
  }
}
