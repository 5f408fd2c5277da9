import type { ValueTransformerSupplier } from '../topology/processor-api.ts'
import { erased } from './options/functions.ts'
import { HANDLE } from './handles/handles.ts'
import type { TYPES, TableHandle } from './handles/handles.ts'
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
 * A table: the latest value of each key, and the stream of its changes. `V` is what a change can hold: it includes null if
 * rows can be deleted. Functions never get to see a deleted row; they get the value first, then the key.
 *
 * @example
 * ```ts
 * builder.table(customers).filter((customer) => customer.active).groupBy((customer, id) => [customer.country, id]).count()
 * ```
 * Every method throws MR_TOPOLOGY_FUNCTION for a missing or an `async` function, MR_TOPOLOGY_NAME and MR_TOPOLOGY_STORE_OPTION for impossible
 * options; MR_SERDE_MISSING and MR_TOPOLOGY_STORE_EXISTS appear when the topology is built.
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
   * The rows for which the predicate holds; others are deleted rows.
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

  /** The rows for which the predicate does not hold; others are deleted rows. */
  filterNot(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null> {
    return this.#wrap.table(filterTable(this[HANDLE], erased(predicate, 'the predicate of filterNot()'), true, options))
  }

  /**
   * The same rows with other values. The mapper must be pure: it may run several times for one change. Null deletes the row.
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
   * As `mapValues`, by a transformer that may use stores. It is called for deleted rows, too, with a null value (KIP-292).
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
   * The changes of the table as a stream; deletions are null values. A mapper gives each a new key, and later grouping repartitions.
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
   * Groups the rows by a new key, through a repartition topic. Rows for which the selector answers a null key or value belong
   * to no group. An answer that is no pair is MR_MAP_RESULT.
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
   * Holds changes back, and lets fewer of them through (KIP-328). Time is stream time: without records nothing is let through.
   *
   * @param when `untilWindowCloses(…)` or `untilTimeLimit(…)`
   * @throws MR_TOPOLOGY_NOT_WINDOWED, MR_TOPOLOGY_VERSIONED
   * @example
   * ```ts
   * countsPerMinute.suppress(untilWindowCloses()).toStream().to(finalCounts)
   * ```
   */
  suppress(when: Suppressed, options?: SuppressOptions): KTable<K, V> {
    return this.#wrap.table(suppress(this[HANDLE], when, options))
  }

  /**
   * The rows that both tables have, joined. Results carry the greater timestamp. The tables must have equal numbers of
   * partitions: MR_NOT_COPARTITIONED at the start.
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
   * The rows of this table, each joined with the row of the other whose key the extractor answers (KIP-213, KIP-1104). Needs no
   * equal partitions. The value serde must write equal values as equal bytes.
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

  /** The rows of this table, joined with those of the other, or with null. */
  leftJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | Extract<V, null>>
  /** The rows of this table, each joined with the row of the other whose key the extractor answers, or with null (KIP-213). */
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

  /** The rows that either table has, joined; the missing side is null. */
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
