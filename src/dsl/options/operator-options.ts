import type { AnyStoreRef, StoreKind, StoreRef } from '../../topology/store-ref.ts'
import type { Serde } from '../../serde/serde.ts'
import type { Duration } from '../../windowing/windows.ts'
import type { StoreShape } from '../../topology/store-shape.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { StreamPartitioner } from '../../topology/topology.ts'

/** Bounds of a buffer that may emit early. */
export interface TimeLimitBuffer {
  /** Changes held back at most; no bound if not given. */
  readonly maxRecords?: number
  /** Bytes held back at most (keys, values, headers); no bound if not given. */
  readonly maxBytes?: number
  /** What happens beyond a bound: the oldest changes go out early (default), or the application ends. */
  readonly whenFull?: 'emitEarly' | 'shutDown'
}

/** Bounds of a buffer that must not emit early. */
export interface StrictBuffer {
  /** Changes held back at most; no bound if not given. Exceeding it ends the application. */
  readonly maxRecords?: number
  /** Bytes held back at most (keys, values, headers); no bound if not given. Exceeding it ends the application. */
  readonly maxBytes?: number
}

/** Options of `to` (Kafka Streams' `Produced`); serdes not given are those of the topic, or of the stream. */
export interface SinkOptions<K, V> extends Named, SerdeOptions<K, V> {
  /** Partition that a record is written to; by its key if not given. */
  readonly partitioner?: StreamPartitioner
}

/** Options of `suppress`. `name` also names its store: `<name>-store`. */
export interface SuppressOptions extends Named {
  /** False: what is held back is lost when the task moves. An object: configs for the changelog topic. */
  readonly logging?: boolean | Readonly<Record<string, string>>
}

/** Options of `repartition` (Kafka Streams' `Repartitioned`, KIP-221). `name` also names the topic. */
export interface RepartitionStreamOptions<K, V> extends Named, SerdeOptions<K, V> {
  /** Number of partitions of the topic; if not given, that of the topics the stream comes from. */
  readonly partitions?: number
  /** Partition that a record is written to; by its key if not given. Joined streams must be partitioned alike. */
  readonly partitioner?: StreamPartitioner
}

/** Options of `process` and `processValues`. */
export interface ProcessOptions extends Named {
  /** Stores that the processor uses: names of existing stores, or definitions of new ones, which are added. */
  readonly stores?: readonly (string | StoreSpec)[]
}

/** When a call is attempted again. Without these options there is one attempt. */
export interface RetryOptions {
  /** Attempts at one call, at most. Default 3. */
  readonly attempts?: number
  /**
   * Bound of the pause before the second attempt; it doubles from attempt to attempt. The pause itself is random,
   * between 0 and the bound ("full jitter"). Default 100 ms.
   */
  readonly backoff?: Duration
  /** Bound of every pause. Default 30 s. */
  readonly maxBackoff?: Duration
  /** Returns true for errors after which there is another attempt; all of them if not given. MR_CALL_TIMEOUT is one. */
  readonly retryOn?: (error: unknown) => boolean
}

/** Options of `forEachAsync`, and of every other asynchronous step. `K` and `V` are the types of its input. */
export interface AsyncOptions<K, V> extends Named {
  /** Calls of one task (one partition) that run at the same time, at most: 1 to 10,000. Default 16. */
  readonly concurrency?: number
  /** Bound of one attempt, after which `signal` is aborted and the attempt fails with MR_CALL_TIMEOUT. Default 30 s. */
  readonly timeout?: Duration
  /** Whether and when a call is attempted again. One attempt if not given. */
  readonly retry?: RetryOptions
  /** `serial` (default): the next call of a key begins when the one before it has ended. */
  readonly sameKey?: 'serial' | 'concurrent'
  /**
   * `in-order` (default): results go on in the order of the records, as those of a synchronous operator.
   * `as-completed`: as they come, in order per key; they may be late for windows.
   */
  readonly emit?: 'in-order' | 'as-completed'
  /**
   * Where records that have not passed this step meet its results (in a join, a merge, a store), they wait until the
   * calls before them have ended, so that the answer is that of a synchronous operator. False: they meet as they come.
   * Default true.
   */
  readonly align?: boolean
  /** For how long a close waits for the calls that run; what has not ended is called again later. Default 5 s. */
  readonly drainTimeout?: Duration
  /** Name of the store of records whose call has not ended, and part of `idempotencyKey`: give one, and keep it. */
  readonly store?: string
  /** Serde of the input's keys, for that store; the stream's if not given. */
  readonly inputKey?: Serde<K>
  /** Serde of the input's values, for that store; the stream's if not given. */
  readonly inputValue?: Serde<NonNullable<V>>
}

/** Options of `mapValuesAsync` and `flatMapValuesAsync`. */
export interface MapValuesAsyncOptions<K, V, VR> extends AsyncOptions<K, V> {
  /** Serde of the results, for what comes after the step. */
  readonly value?: Serde<NonNullable<VR>>
}

/** Options of `mapAsync`. */
export interface MapAsyncOptions<K, V, KR, VR> extends MapValuesAsyncOptions<K, V, VR> {
  /** Serde of the resulting keys, for what comes after the step. */
  readonly key?: Serde<KR>
}

/** Options of a stream-table join (Kafka Streams' `Joined`); serdes not given are those of the stream. */
export interface TableJoinOptions<K, V> extends Named {
  readonly key?: Serde<K>
  /** Serde of the stream's values. */
  readonly value?: Serde<NonNullable<V>>
  /**
   * Stream records wait this long (in stream time) for the table to catch up, and are joined in the order of their
   * timestamps with the table's rows as of then. Versioned tables only (KIP-923).
   */
  readonly grace?: Duration
}

/** Options of a join of two streams (Kafka Streams' `StreamJoined`); serdes not given are those of the streams. */
export interface StreamJoinOptions<K, V, VO> extends Named {
  readonly key?: Serde<K>
  /** Serde of this stream's values. */
  readonly value?: Serde<NonNullable<V>>
  /** Serde of the other stream's values. */
  readonly otherValue?: Serde<NonNullable<VO>>
  /** Base of the names of the join's stores, or how they are kept. */
  readonly store?: string | StoreOptions
}

/** Options of a foreign-key join (Kafka Streams' `TableJoined` and `Materialized`). */
export interface ForeignKeyJoinOptions<K, V> extends Materialize<K, V> {
  /** How the left table is partitioned, if not by its key. Must return one partition; gets no value. */
  readonly partitioner?: StreamPartitioner
  /** How the other table is partitioned, if not by its key. Must return one partition; gets no value. */
  readonly otherPartitioner?: StreamPartitioner
}

/** Options of `transformValues`. */
export interface TransformOptions<K, V> extends Materialize<K, V> {
  /** Names of stores that the transformer uses. */
  readonly stores?: readonly string[]
}

/** How `print` shows records (Kafka Streams' `Printed`). */
export interface PrintOptions<K, V> extends Named {
  /** Label of each line; the name of the preceding operator if not given. */
  readonly label?: string
  /** Where lines go; `console.log` if not given. */
  readonly write?: (line: string) => void
  /** Text of a record; `key, value` if not given. */
  readonly mapper?: (value: V, key: K) => string
}

/** Options of every operator. */
export interface Named {
  /** Name of the processor; generated if not given. Also names the internal topics of operators that group or join. */
  readonly name?: string
}

/** Serdes for what an operator writes; those of the stream itself if not given and still valid. */
export interface SerdeOptions<K, V> {
  readonly key?: Serde<K>
  readonly value?: Serde<NonNullable<V>>
}

/** How a store is kept (Kafka Streams' `Materialized`). All parts have defaults; that of `name` is generated. */
export interface StoreOptions {
  /** Also names its changelog topic: `<application id>-<name>-changelog`. A reference gives its serdes, too. */
  readonly name?: string | AnyStoreRef
  /** `persistent` (default): on disk, rebuilt from its changelog only if the disk is lost. `memory`: always rebuilt. */
  readonly type?: 'persistent' | 'memory'
  /** True (default): holds back and deduplicates updates until the next commit, as far as `cacheBytes` reaches. */
  readonly caching?: boolean
  /** False: no changelog; the store is lost with its disk. An object: configs for the changelog topic. */
  readonly logging?: boolean | Readonly<Record<string, string>>
}

/** How the store of a table or aggregation is kept. */
export interface KeyValueStoreOptions extends StoreOptions {
  /** Keeps earlier versions of each row for `history`, readable as of a time (KIP-889, KIP-914). Never cached. */
  readonly versioned?: { readonly history: Duration }
}

/** How the store of a windowed aggregation is kept. */
export interface WindowStoreOptions extends StoreOptions {
  /** How long results are kept; at least until their window is final, which is the default. */
  readonly retention?: Duration
}

/** Where and how a table's rows are stored: a name or a reference alone, or all details. */
export interface Materialize<K, V, S extends StoreOptions = KeyValueStoreOptions> extends Named, SerdeOptions<K, V> {
  readonly store?: string | (S & StoreShape<NoInfer<NonNullable<V>>>) | StoreRef<StoreKind, K, NonNullable<V>>
  /** As Kafka Streams' `Materialized` without a name: only the numbers of generated names depend on it. */
  readonly materialized?: true
}

/** Options of `groupBy` and `groupByKey` (Kafka Streams' `Grouped`). `name` also names the repartition topic. */
export interface GroupOptions<K, V> extends Named, SerdeOptions<K, V> {}
