import type { FixedKeyProcessorSupplier, ProcessorSupplier } from '../topology/processor-api.ts'
import type { ServiceCall } from '../topology/call-context.ts'
import type { RecordOrigin } from '../topology/topology.ts'
import type { JoinWindows } from '../windowing/windows.ts'
import { BranchedKStream } from './branched-kstream.ts'
import { erased } from './options/functions.ts'
import type { GlobalKTable } from './global-ktable.ts'
import { HANDLE, type StreamHandle, type TYPES } from './handles/handles.ts'
import type { JoinOptions, ThirdArgument } from './join-arguments.ts'
import { joinPartner } from './join-partner.ts'
import type { AnyFunction } from '../options/options.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import { NAMED, operatorOptions } from './options/option-tables.ts'
import { callAsync } from './nodes/async.ts'
import { groupBy, groupByKey } from './nodes/grouping.ts'
import { joinStreams } from './nodes/join-streams.ts'
import { merge } from './nodes/merge.ts'
import { process, processValues } from './nodes/process-node.ts'
import { repartition } from './nodes/repartition-node.ts'
import { split } from './nodes/split.ts'
import * as stateless from './nodes/stateless.ts'
import { to } from './nodes/to.ts'
import { toTable } from './nodes/to-table.ts'
import type {
  AsyncOptions,
  GroupOptions,
  MapAsyncOptions,
  MapValuesAsyncOptions,
  Materialize,
  Named,
  PrintOptions,
  ProcessOptions,
  RepartitionStreamOptions,
  SinkOptions,
  StreamJoinOptions,
  TableJoinOptions,
} from './options/operator-options.ts'
import type { Settled } from './options/settled.ts'
import type { WritableTopic } from './options/topic.ts'
import type { Wrap } from './wrap.ts'

/**
 * A stream of records, each a fact of its own. `V` includes null if records without a value can occur.
 *
 * Operators add steps to the topology; nothing runs before the application does. Functions get the value first, then
 * the key. They must be synchronous, and may run again after a failure. Records keep their timestamp and headers.
 *
 * Every method throws MR_TOPOLOGY_FUNCTION for a missing or an `async` function, and MR_TOPOLOGY_NAME for an impossible
 * `name`. A function that throws while records are processed is MR_PROCESSING, one that returns a promise MR_PROMISE:
 * `onProcessingError` decides about both.
 *
 * @example
 * ```ts
 * builder.stream(payments).filter((payment) => payment.cents > 0).groupByKey().count({ store: 'counts' })
 * ```
 * Behaves as Kafka Streams' `KStream` (its documentation: DSL, "Transform a stream").
 */
export class KStream<K, V> {
  declare readonly [TYPES]: readonly [key: K, value: V]
  /** @internal */
  readonly [HANDLE]: StreamHandle
  readonly #wrap: Wrap

  private constructor(handle: StreamHandle, wrap: Wrap) {
    this[HANDLE] = handle
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(handle: StreamHandle, wrap: Wrap): KStream<K, V> {
    return new KStream(handle, wrap)
  }

  /**
   * Keeps the records for which the predicate holds. A type guard narrows the type of the values.
   *
   * @example
   * ```ts
   * payments.filter((payment) => payment.cents > 0)
   * ```
   */
  filter<S extends V>(predicate: (value: V, key: K) => value is S, options?: Named): KStream<K, S>
  filter(predicate: (value: V, key: K) => boolean, options?: Named): KStream<K, V>
  filter(predicate: (value: V, key: K) => boolean, options?: Named): KStream<K, V> {
    return this.#wrap.stream(
      stateless.filter(this[HANDLE], erased(predicate, 'the predicate of filter()'), false, options),
    )
  }

  /**
   * Drops the records for which the predicate holds. A type guard narrows the type of the values that are left.
   *
   * @example
   * ```ts
   * payments.filterNot((payment) => payment.test)
   * ```
   */
  filterNot<S extends V>(predicate: (value: V, key: K) => value is S, options?: Named): KStream<K, Exclude<V, S>>
  filterNot(predicate: (value: V, key: K) => boolean, options?: Named): KStream<K, V>
  filterNot(predicate: (value: V, key: K) => boolean, options?: Named): KStream<K, V> {
    return this.#wrap.stream(
      stateless.filter(this[HANDLE], erased(predicate, 'the predicate of filterNot()'), true, options),
    )
  }

  /**
   * Replaces each record by `[key, value]`. The key may change, so later grouping and joining repartitions; `mapValues`
   * avoids that. A result that is no pair is MR_MAP_RESULT.
   *
   * @example
   * ```ts
   * payments.map((payment, sender) => [payment.to, { sender, cents: payment.cents }])
   * ```
   */
  map<KR, VR>(mapper: (value: V, key: K) => readonly [key: KR, value: VR], options?: Named): KStream<KR, VR> {
    return this.#wrap.stream(stateless.map(this[HANDLE], erased(mapper, 'the mapper of map()'), options))
  }

  /**
   * Replaces the value of each record.
   *
   * @example
   * ```ts
   * payments.mapValues((payment) => payment.cents / 100)
   * ```
   */
  mapValues<VR>(mapper: (value: V, key: K) => Settled<VR>, options?: Named): KStream<K, VR> {
    return this.#wrap.stream(stateless.mapValues(this[HANDLE], erased(mapper, 'the mapper of mapValues()'), options))
  }

  /**
   * Calls a service for each record and goes on with `[key, value]` of its result; later grouping and joining
   * repartitions. See `mapValuesAsync`, which keeps the key.
   *
   * @throws MR_TOPOLOGY_ASYNC for impossible options; MR_SERDE_MISSING if the input's serdes are not known
   * @example
   * ```ts
   * orders.mapAsync(async (order) => [await customerOf(order.id), order], { store: 'customers-of-orders' })
   * ```
   */
  mapAsync<KR, VR>(
    call: ServiceCall<K, V, readonly [key: KR, value: VR]>,
    options?: MapAsyncOptions<K, V, KR, VR>,
  ): KStream<KR, VR> {
    return this.#wrap.stream(callAsync(this[HANDLE], 'map', call, options))
  }

  /**
   * Calls a service for each record and goes on with its result as the value. The thread does not wait: up to
   * `concurrency` calls of a partition run at a time, and records whose call has not ended are kept in the step's store
   * with each commit.
   *
   * Each record is called at least once, again after a crash or when its partition moves, with the same
   * `idempotencyKey`. Under exactly-once its result goes on exactly once, in the order of the records. A call that
   * fails after its last attempt goes to `onProcessingError`.
   *
   * @throws MR_TOPOLOGY_ASYNC for impossible options; MR_SERDE_MISSING if the input's serdes are not known
   * @example
   * ```ts
   * const options = { store: 'scoring', concurrency: 64, timeout: '5s', retry: { attempts: 5 } }
   * payments.mapValuesAsync((payment, key, { signal, idempotencyKey }) => score(payment, idempotencyKey), options)
   * ```
   */
  mapValuesAsync<VR>(call: ServiceCall<K, V, VR>, options?: MapValuesAsyncOptions<K, V, VR>): KStream<K, VR> {
    return this.#wrap.stream(callAsync(this[HANDLE], 'mapValues', call, options))
  }

  /**
   * Calls a service for each record and goes on with any number of values, under its key. See `mapValuesAsync`.
   *
   * @throws as `mapValuesAsync`
   * @example
   * ```ts
   * documents.flatMapValuesAsync((document, key, { signal }) => pagesOf(document, signal), { store: 'pages' })
   * ```
   */
  flatMapValuesAsync<VR>(
    call: ServiceCall<K, V, Iterable<VR>>,
    options?: MapValuesAsyncOptions<K, V, VR>,
  ): KStream<K, VR> {
    return this.#wrap.stream(callAsync(this[HANDLE], 'flatMapValues', call, options))
  }

  /**
   * Calls a service for each record; the stream ends here. See `mapValuesAsync`.
   *
   * @throws as `mapValuesAsync`
   * @example
   * ```ts
   * alerts.forEachAsync((alert, key, { idempotencyKey }) => mail(alert, idempotencyKey), { store: 'mails' })
   * ```
   */
  forEachAsync(call: ServiceCall<K, V, void>, options?: AsyncOptions<K, V>): void {
    callAsync(this[HANDLE], 'forEach', call, options)
  }

  /**
   * Replaces each record by any number of `[key, value]` pairs; later grouping and joining repartitions. A result that
   * is no list of pairs is MR_MAP_RESULT.
   *
   * @example
   * ```ts
   * payments.flatMap((payment, sender) => [[sender, -payment.cents], [payment.to, payment.cents]])
   * ```
   */
  flatMap<KR, VR>(mapper: (value: V, key: K) => Iterable<readonly [KR, VR]>, options?: Named): KStream<KR, VR> {
    return this.#wrap.stream(stateless.flatMap(this[HANDLE], erased(mapper, 'the mapper of flatMap()'), options))
  }

  /**
   * Replaces each record by any number of records of the same key. A result that is no list is MR_MAP_RESULT.
   *
   * @example
   * ```ts
   * lines.flatMapValues((line) => line.split(' '))
   * ```
   */
  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, options?: Named): KStream<K, VR> {
    return this.#wrap.stream(
      stateless.flatMapValues(this[HANDLE], erased(mapper, 'the mapper of flatMapValues()'), options),
    )
  }

  /**
   * Gives each record a new key; later grouping and joining repartitions.
   *
   * @example
   * ```ts
   * payments.selectKey((payment) => payment.to)
   * ```
   */
  selectKey<KR>(mapper: (value: V, key: K) => Settled<KR>, options?: Named): KStream<KR, V> {
    return this.#wrap.stream(stateless.selectKey(this[HANDLE], erased(mapper, 'the mapper of selectKey()'), options))
  }

  /**
   * Calls a function with each record, for its side effects, and passes the record on. Side effects are not part of the
   * commit: after a failure they happen again.
   *
   * @example
   * ```ts
   * payments.peek((payment, sender) => console.log(sender, payment.cents))
   * ```
   */
  peek<R = void>(action: (value: V, key: K) => Settled<R>, options?: Named): KStream<K, V> {
    return this.#wrap.stream(stateless.peek(this[HANDLE], erased(action, 'the action of peek()'), options))
  }

  /** Calls a function with each record, as `peek` does; the stream ends here (Kafka Streams' `foreach`). */
  forEach<R = void>(action: (value: V, key: K) => Settled<R>, options?: Named): void {
    stateless.forEach(this[HANDLE], erased(action, 'the action of forEach()'), options)
  }

  /**
   * Prints each record as `[label]: key, value`; the stream ends here.
   *
   * @example
   * ```ts
   * payments.print({ label: 'payments' }) // [payments]: alice, {"to":"bob","cents":100}
   * ```
   */
  print({ mapper, ...rest }: PrintOptions<K, V> = {}): void {
    const target = mapper === undefined ? rest : { ...rest, mapper: erased(mapper, 'the mapper of print()') }
    stateless.print(this[HANDLE], target)
  }

  /**
   * Merges two streams into one; no order holds between their records.
   *
   * @throws MR_TOPOLOGY_OTHER_BUILDER
   * @example
   * ```ts
   * webOrders.merge(shopOrders)
   * ```
   */
  merge<VO>(other: KStream<K, VO>, options?: Named): KStream<K, V | VO> {
    return this.#wrap.stream(merge(this[HANDLE], other[HANDLE], options))
  }

  /**
   * Splits the stream (KIP-418): a record goes to the first branch whose predicate holds, else to the default one.
   *
   * @example
   * ```ts
   * const branches = orders.split({ name: 'size-' })
   *   .branch((order) => order.cents > 10_000, { name: 'large' })
   *   .defaultBranch({ name: 'small' })
   * branches.get('size-large').to(largeOrders)
   * ```
   */
  split<Name extends string = string>(options: { readonly name?: Name } = {}): BranchedKStream<K, V, Name> {
    return BranchedKStream.of(split(this[HANDLE], operatorOptions(NAMED, options, 'split()').name), this.#wrap)
  }

  /**
   * Sends the stream through an internal topic, so that equal keys meet in one partition. Records with a null key are
   * dropped and counted, unless a left or outer join follows (KIP-221).
   *
   * @throws MR_TOPOLOGY_PARTITIONS; MR_SERDE_MISSING when the topology is built
   * @example
   * ```ts
   * payments.selectKey((payment) => payment.to).repartition({ name: 'by-receiver', partitions: 8, key: string() })
   * ```
   */
  repartition(options?: RepartitionStreamOptions<K, V>): KStream<K, V> {
    return this.#wrap.stream(repartition(this[HANDLE], options))
  }

  /**
   * Writes the records to a topic, which must exist; the stream ends here. A function chooses the topic per record. A
   * record that cannot be written is MR_SERIALIZE: `onProductionError` decides.
   *
   * @throws MR_SERDE_MISSING when the topology is built, if only a name is given and the serdes are no longer known
   * @example
   * ```ts
   * totals.toStream().to(topic('totals', { key: string(), value: long() }))
   * alerts.to((alert) => `alerts-${alert.country}`)
   * ```
   */
  to(
    topic: WritableTopic<K, V> | string | ((value: V, key: K, record: RecordOrigin) => string),
    options: SinkOptions<K, V> = {},
  ): void {
    if (typeof topic === 'string') to(this[HANDLE], topic, options)
    else if (typeof topic === 'function') to(this[HANDLE], erased(topic, 'the topic of to()'), options)
    else {
      const { keySerde: key, valueSerde: value, partitioner } = topic
      const own = partitioner === undefined ? { key, value } : { key, value, partitioner }
      to(this[HANDLE], topic.name, { ...own, ...options })
    }
  }

  /**
   * Turns the stream into a table: the latest record of a key is its row, and a null value deletes it. Records with a
   * null key are dropped and counted (KIP-523).
   *
   * @throws MR_TOPOLOGY_STORE_OPTION; MR_SERDE_MISSING when the topology is built
   * @example
   * ```ts
   * positions.toTable({ store: 'last-positions' })
   * ```
   */
  toTable(options?: Materialize<K, V>): KTable<K, V> {
    return this.#wrap.table(toTable(this[HANDLE], options))
  }

  /**
   * Groups by the key of the records. Repartitions only if an operator before it may have changed the key.
   *
   * @example
   * ```ts
   * payments.groupByKey().count({ store: 'payments-by-sender' })
   * ```
   */
  groupByKey(options?: GroupOptions<K, V>): KGroupedStream<K, V> {
    return this.#wrap.groupedStream(groupByKey(this[HANDLE], options))
  }

  /**
   * Groups by a new key; aggregations go through a repartition topic. Records with a null key are dropped and counted.
   *
   * @example
   * ```ts
   * payments.groupBy((payment) => payment.to, { key: string(), name: 'by-receiver' }).count({ store: 'received' })
   * ```
   */
  groupBy<KR>(selector: (value: V, key: K) => Settled<KR>, options?: GroupOptions<KR, V>): KGroupedStream<KR, V> {
    return this.#wrap.groupedStream(groupBy(this[HANDLE], erased(selector, 'the selector of groupBy()'), options))
  }

  /**
   * Joins with records of another stream, near in time and with the same key. Results carry the later timestamp.
   *
   * @throws MR_TOPOLOGY_WINDOWS; MR_SERDE_MISSING when the topology is built; MR_NOT_COPARTITIONED at the start
   * @example
   * ```ts
   * views.join(clicks, (view, click) => ({ view, click }), joinWindow('10m'))
   * ```
   */
  join<VO, VR>(
    other: KStream<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO>, key: K) => Settled<VR>,
    windows: JoinWindows,
    options?: StreamJoinOptions<K, V, VO>,
  ): KStream<K, VR>
  /**
   * Joins with the table's row of the same key: the current one, or that as of the record's timestamp if the table is
   * versioned (KIP-914). Changes of the table emit nothing.
   *
   * @throws MR_NOT_COPARTITIONED at the start; MR_TOPOLOGY_VERSIONED, MR_TOPOLOGY_RETENTION for a bad `grace` (KIP-923)
   * @example
   * ```ts
   * orders.join(customers, (order, customer) => ({ ...order, city: customer.city }))
   * ```
   */
  join<VT, VR>(
    table: KTable<K, VT>,
    joiner: (left: NonNullable<V>, right: NonNullable<VT>, key: K) => Settled<VR>,
    options?: TableJoinOptions<K, V>,
  ): KStream<K, VR>
  /**
   * Joins with the row of a global table whose key is computed from the record; needs no repartitioning (KIP-99).
   *
   * @example
   * ```ts
   * orders.join(countries, (order) => order.country, (order, country) => ({ ...order, country: country.name }))
   * ```
   */
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keyMapper: (value: V, key: K) => KG | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VG>, key: K) => Settled<VR>,
    options?: Named,
  ): KStream<K, VR>
  join<VR>(other: JoinPartner, second: AnyFunction, third?: ThirdArgument, fourth?: JoinOptions): KStream<K, VR> {
    return this.#wrap.stream(joinPartner(this[HANDLE], other[HANDLE], 'inner', second, third, fourth))
  }

  /**
   * As `join`, and also joins records of this stream without a match with null: with a stream, once stream time is
   * greater than their timestamp + `after` + `grace`; with a table, at once.
   *
   * @throws as `join`
   * @example
   * ```ts
   * views.leftJoin(clicks, (view, click) => ({ view, clicked: click !== null }), joinWindow('10m'))
   * ```
   */
  leftJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null, key: K) => Settled<VR>,
    windows: JoinWindows,
    options?: StreamJoinOptions<K, V, VO>,
  ): KStream<K, VR>
  leftJoin<VT, VR>(
    table: KTable<K, VT>,
    joiner: (left: NonNullable<V>, right: NonNullable<VT> | null, key: K) => Settled<VR>,
    options?: TableJoinOptions<K, V>,
  ): KStream<K, VR>
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keyMapper: (value: V, key: K) => KG | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VG> | null, key: K) => Settled<VR>,
    options?: Named,
  ): KStream<K, VR>
  leftJoin<VR>(other: JoinPartner, second: AnyFunction, third?: ThirdArgument, fourth?: JoinOptions): KStream<K, VR> {
    return this.#wrap.stream(joinPartner(this[HANDLE], other[HANDLE], 'left', second, third, fourth))
  }

  /**
   * As `join` with a stream, and also joins records of either side without a match with null, once stream time is
   * greater than their timestamp + `after` (this stream) or `before` (the other) + `grace` (KIP-633).
   *
   * @throws as `join`
   * @example
   * ```ts
   * sent.outerJoin(received, (sent, received) => [sent, received], joinWindow({ before: 0, after: '1h', grace: '5m' }))
   * ```
   */
  outerJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (left: NonNullable<V> | null, right: NonNullable<VO> | null, key: K) => Settled<VR>,
    windows: JoinWindows,
    options?: StreamJoinOptions<K, V, VO>,
  ): KStream<K, VR> {
    return this.#wrap.stream(
      joinStreams(this[HANDLE], other[HANDLE], 'outer', erased(joiner, 'the joiner of outerJoin()'), windows, options),
    )
  }

  /**
   * Passes each record to a processor of your own, which may forward any records and use stores. Later grouping and
   * joining repartitions, even if the keys stay the same; `processValues` avoids that (KIP-478, KIP-820).
   *
   * @param supplier called once per task
   * @throws MR_TOPOLOGY_STORE_UNKNOWN, MR_TOPOLOGY_STORE_GLOBAL when the topology is built
   * @example
   * ```ts
   * orders.process(() => new Deduplicate(), { stores: [keyValueStore('seen', { key: string(), value: long() })] })
   * ```
   */
  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, options?: ProcessOptions): KStream<KR, VR> {
    return this.#wrap.stream(process(this[HANDLE], erased(supplier, 'the supplier of process()'), options))
  }

  /**
   * As `process`, for processors that keep the key: nothing is repartitioned.
   *
   * @throws as `process`
   */
  processValues<VR>(supplier: FixedKeyProcessorSupplier<K, V, VR>, options?: ProcessOptions): KStream<K, VR> {
    return this.#wrap.stream(processValues(this[HANDLE], erased(supplier, 'the supplier of processValues()'), options))
  }
}

type JoinPartner = KStream<unknown, unknown> | KTable<unknown, unknown> | GlobalKTable<unknown, unknown>
