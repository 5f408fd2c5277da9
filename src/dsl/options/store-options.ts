import type { Serde } from '../../serde/serde.ts'
import type { Duration } from '../../windowing/windows.ts'

/** Options of every operator. */
export interface Named {
  /** Name of the processor; generated if not given. It also names the internal topics of operators that group or join. */
  readonly name?: string
}

/** Serdes for what an operator writes; those of the stream itself if not given and still fitting. */
export interface SerdeOptions<K, V> {
  readonly key?: Serde<K>
  readonly value?: Serde<NonNullable<V>>
}

/** How a store is kept (Kafka Streams' `Materialized`). All parts have defaults; without a `name` its name is generated. */
export interface StoreOptions {
  /** Also names its changelog topic: `<application id>-<name>-changelog`. */
  readonly name?: string
  /** `persistent` (default): on disk, and rebuilt from its changelog only where the disk is lost. `memory`: always rebuilt. */
  readonly type?: 'persistent' | 'memory'
  /** True (default): updates are held back and deduplicated until the next commit, as far as the application's `cacheBytes` reach. */
  readonly caching?: boolean
  /** False: no changelog, the store is lost with its disk. An object: configs for the changelog topic. */
  readonly logging?: boolean | Readonly<Record<string, string>>
}

/** How the store of a table or aggregation is kept. */
export interface KeyValueStoreOptions extends StoreOptions {
  /** Keeps earlier versions of each row for `history`, so that it can be read as of a time (KIP-889, KIP-914). Never cached. */
  readonly versioned?: { readonly history: Duration }
}

/** How the store of a windowed aggregation is kept. */
export interface WindowStoreOptions extends StoreOptions {
  /** How long results are kept; at least until their window is final, which is the default. */
  readonly retention?: Duration
}

/** Where and how a table's rows are stored. A name alone, or all details. */
export interface Materialize<K, V, S extends StoreOptions = KeyValueStoreOptions> extends Named, SerdeOptions<K, V> {
  readonly store?: string | S
  /** As Kafka Streams' `Materialized` without a name: only the numbers of generated names depend on it. */
  readonly materialized?: true
}

/** Options of `groupBy` and `groupByKey` (Kafka Streams' `Grouped`). `name` also names the repartition topic. */
export interface GroupOptions<K, V> extends Named, SerdeOptions<K, V> {}
