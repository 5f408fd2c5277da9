import type { ValueTransformerSupplier } from '../topology/processor-api.ts'
import { erased } from './options/functions.ts'
import { HANDLE, type TYPES, type TableHandle } from './handles/handles.ts'
import { functionArgument } from './join-arguments.ts'
import type { AnyFunction } from '../options/options.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import { groupTable } from './nodes/grouping.ts'
import { joinByForeignKey } from './nodes/join-foreign-key.ts'
import { joinTables } from './nodes/join-tables.ts'
import { selectKey } from './nodes/stateless.ts'
import { suppress } from './nodes/suppress-node.ts'
import { filterTable, mapTableValues, toStream, transformTableValues } from './nodes/tables.ts'
import type {
  ForeignKeyJoinOptions,
  GroupOptions,
  Materialize,
  Named,
  SuppressOptions,
  TransformOptions,
} from './options/operator-options.ts'
import type { Settled } from './options/settled.ts'
import type { Suppressed } from './options/suppressed.ts'
import type { Wrap } from './wrap.ts'

/**
 * A table: the latest value of each key, and the stream of its changes. `V` is what a change can hold: it includes null
 * if rows can be deleted. Functions never see a deleted row. They get the value first, then the key.
 *
 * @example
 * ```ts
 * builder.table(customers).filter(({ active }) => active).groupBy(({ country }, id) => [country, id]).count()
 * ```
 * Every method throws MR_TOPOLOGY_FUNCTION for a missing or an `async` function, MR_TOPOLOGY_NAME and
 * MR_TOPOLOGY_STORE_OPTION for impossible options. The build of the topology throws MR_SERDE_MISSING and
 * MR_TOPOLOGY_STORE_EXISTS.
 *
 * Behaves as Kafka Streams' `KTable`.
 */
export class KTable<K, V> {
  declare readonly [TYPES]: readonly [key: K, value: V]
  /** @internal */
  readonly [HANDLE]: TableHandle
  readonly #wrap: Wrap

  private constructor(handle: TableHandle, wrap: Wrap) {
    this[HANDLE] = handle
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(handle: TableHandle, wrap: Wrap): KTable<K, V> {
    return new KTable(handle, wrap)
  }

  /**
   * Keeps the rows for which the predicate holds; the others count as deleted.
   *
   * @example
   * ```ts
   * customers.filter((customer) => customer.active)
   * ```
   */
  filter<S extends NonNullable<V>>(
    predicate: (value: NonNullable<V>, key: K) => value is S,
    options?: Materialize<K, S>,
  ): KTable<K, S | null>
  filter(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null>
  filter(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null> {
    return this.#wrap.table(filterTable(this[HANDLE], erased(predicate, 'the predicate of filter()'), false, options))
  }

  /** Keeps the rows for which the predicate does not hold; the others count as deleted. Type guards narrow the rest. */
  filterNot<S extends NonNullable<V>>(
    predicate: (value: NonNullable<V>, key: K) => value is S,
    options?: Materialize<K, Exclude<V, S>>,
  ): KTable<K, Exclude<V, S> | null>
  filterNot(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null>
  filterNot(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null> {
    return this.#wrap.table(filterTable(this[HANDLE], erased(predicate, 'the predicate of filterNot()'), true, options))
  }

  /**
   * Replaces the value of each row; null deletes the row. The mapper must be pure: it may run several times per change.
   *
   * @example
   * ```ts
   * customers.mapValues((customer) => customer.city)
   * ```
   */
  mapValues<VR>(
    mapper: (value: NonNullable<V>, key: K) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | Extract<V, null>> {
    return this.#wrap.table(mapTableValues(this[HANDLE], erased(mapper, 'the mapper of mapValues()'), options))
  }

  /**
   * As `mapValues`, by a transformer that may use stores and is called for deleted rows, too, with null (KIP-292).
   *
   * @param supplier called once per task
   * @throws MR_TOPOLOGY_STORE_UNKNOWN when the topology is built
   */
  transformValues<VR>(
    supplier: ValueTransformerSupplier<K, NonNullable<V>, VR>,
    options?: TransformOptions<K, VR>,
  ): KTable<K, VR | null> {
    return this.#wrap.table(
      transformTableValues(this[HANDLE], erased(supplier, 'the supplier of transformValues()'), options),
    )
  }

  /**
   * Returns the changes as a stream, deletions as nulls. A mapper sets new keys; later grouping then repartitions.
   *
   * @example
   * ```ts
   * counts.toStream().to(countsTopic)
   * ```
   */
  toStream<KR>(mapper: (value: V, key: K) => Settled<KR>, options?: Named): KStream<KR, V>
  toStream(options?: Named): KStream<K, V>
  toStream<KR>(first?: ((value: V, key: K) => Settled<KR>) | Named, second?: Named): KStream<K, V> | KStream<KR, V> {
    if (!isMapper(first)) return this.#wrap.stream<K, V>(toStream(this[HANDLE], first))
    return this.#wrap.stream<KR, V>(
      selectKey(toStream(this[HANDLE], second), erased(first, 'the mapper of toStream()')),
    )
  }

  /**
   * Groups the rows by a new key, through a repartition topic. A row for which the selector returns a null key or value
   * belongs to no group. A result that is no pair is MR_MAP_RESULT.
   *
   * @example
   * ```ts
   * customers.groupBy((customer, id) => [customer.country, id], { key: string(), value: string() }).count()
   * ```
   */
  groupBy<KR, VR>(
    selector: (value: NonNullable<V>, key: K) => readonly [key: KR, value: VR],
    options?: GroupOptions<NonNullable<KR>, VR>,
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>> {
    return this.#wrap.groupedTable(groupTable(this[HANDLE], erased(selector, 'the selector of groupBy()'), options))
  }

  /**
   * Holds changes back and emits fewer of them (KIP-328). Time is stream time: without records nothing is emitted.
   *
   * @param when `untilWindowCloses(…)` or `untilTimeLimit(…)`
   * @throws MR_TOPOLOGY_NOT_WINDOWED, MR_TOPOLOGY_VERSIONED
   * @example
   * ```ts
   * countsPerMinute.suppress(untilWindowCloses()).toStream().to(finalCounts)
   * ```
   */
  suppress(when: Suppressed<K>, options?: SuppressOptions): KTable<K, V> {
    return this.#wrap.table(suppress(this[HANDLE], when, options))
  }

  /**
   * Joins the rows that both tables have. Results carry the later timestamp. The tables must have equal partition
   * counts: MR_NOT_COPARTITIONED at the start.
   *
   * @example
   * ```ts
   * customers.join(addresses, (customer, address) => ({ ...customer, city: address.city }))
   * ```
   */
  join<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO>) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | null>
  /**
   * Joins each row of this table with the row of the other whose key the extractor returns (KIP-213, KIP-1104). The
   * tables may have different partition counts. The value serde must write equal values as equal bytes.
   *
   * @example
   * ```ts
   * albums.join(artists, (album) => album.artistId, (album, artist) => ({ ...album, artist: artist.name }))
   * ```
   */
  join<KO, VO, VR>(
    other: KTable<KO, VO>,
    extractor: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VO>) => Settled<VR>,
    options?: ForeignKeyJoinOptions<K, VR>,
  ): KTable<K, VR | null>
  join<VR>(
    other: KTable<unknown, unknown>,
    first: AnyFunction,
    second?: AnyFunction | Materialize<K, VR>,
    options?: ForeignKeyJoinOptions<K, VR>,
  ): KTable<K, VR | null> {
    return this.#wrap.table(this.#join('inner', other, first, second, options))
  }

  /** Joins each row of this table with the row of the other that has the same key, or with null. */
  leftJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | Extract<V, null>>
  /** Joins each row of this table with the row of the other whose key the extractor returns, or with null (KIP-213). */
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO>,
    extractor: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null) => Settled<VR>,
    options?: ForeignKeyJoinOptions<K, VR>,
  ): KTable<K, VR | Extract<V, null>>
  leftJoin<VR>(
    other: KTable<unknown, unknown>,
    first: AnyFunction,
    second?: AnyFunction | Materialize<K, VR>,
    options?: ForeignKeyJoinOptions<K, VR>,
  ): KTable<K, VR | Extract<V, null>> {
    return this.#wrap.table(this.#join('left', other, first, second, options))
  }

  /** Joins the rows that either table has; the missing side is null. */
  outerJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V> | null, right: NonNullable<VO> | null) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | null> {
    const erasedJoiner = erased(joiner, 'the joiner of outerJoin()')
    return this.#wrap.table(joinTables(this[HANDLE], other[HANDLE], 'outer', erasedJoiner, options))
  }

  #join<VR>(
    kind: 'inner' | 'left',
    other: KTable<unknown, unknown>,
    first: AnyFunction,
    second: AnyFunction | Materialize<K, VR> | undefined,
    options: ForeignKeyJoinOptions<K, VR> | undefined,
  ): TableHandle {
    const method = kind === 'inner' ? 'join' : 'leftJoin'
    const what = `the joiner of ${method}()`
    if (typeof second !== 'function') {
      return joinTables(this[HANDLE], other[HANDLE], kind, erased(first, what), second)
    }
    const extractor = erased(first, `the foreign-key extractor of ${method}()`)
    const joiner = erased(functionArgument(second, what), what)
    return joinByForeignKey(this[HANDLE], other[HANDLE], kind, extractor, joiner, options)
  }
}

function isMapper<F extends AnyFunction>(argument: F | Named | undefined): argument is F {
  return typeof argument === 'function'
}
