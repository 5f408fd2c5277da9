import type { Serde } from '../../serde/serde.ts'
import type { Duration } from '../../windowing/windows.ts'
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
  /** Also names its changelog topic: `<application id>-<name>-changelog`. */
  readonly name?: string
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

/** Where and how a table's rows are stored: a name alone, or all details. */
export interface Materialize<K, V, S extends StoreOptions = KeyValueStoreOptions> extends Named, SerdeOptions<K, V> {
  readonly store?: string | S
  /** As Kafka Streams' `Materialized` without a name: only the numbers of generated names depend on it. */
  readonly materialized?: true
}

/** Options of `groupBy` and `groupByKey` (Kafka Streams' `Grouped`). `name` also names the repartition topic. */
export interface GroupOptions<K, V> extends Named, SerdeOptions<K, V> {}
