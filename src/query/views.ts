import type { Duration } from '../options/options.ts'
import type { Position } from './row-request.ts'
import type { Consistency } from '../state/reads.ts'

/** How a store is asked. */
export interface QueryOptions {
  /**
   * `committed`: what the last commit left, which nothing undoes; the default under `exactly_once`. `latest`: what has
   * changed since, too; the default under `at_least_once`, which commits each 30 s.
   */
  readonly consistency?: Consistency
  /** `active` (default): the task that processes. `any`: a standby, too, if it is not further behind than `maxLag`. */
  readonly role?: 'active' | 'any'
  /** Offsets that a standby may be behind its changelog. Default 0. */
  readonly maxLag?: number
  /**
   * What the answer must have in it: the `position` of an earlier answer, so that what was seen is never taken back,
   * or the place behind a record that was written (`{ orders: { 2: 18 } }` behind offset 17), so that it is seen.
   * Topics are those that the task of the store reads. It is waited for, up to `timeout`.
   */
  readonly at?: Position
  /** The partition to be asked; that of the key, or all, if not given. For topics that others partition otherwise. */
  readonly partition?: number
  /**
   * For how long an answer is waited for, and for a task that moves or is restored. A scan waits so long for each part
   * of its rows. Default 5 s.
   */
  readonly timeout?: Duration
  /** Ends the query with the reason of the signal. */
  readonly signal?: AbortSignal
}

/** Bounds of times: ms since the epoch, or dates; both included. Without one: all times on that side. */
export interface TimeBounds {
  readonly from?: number | Date
  readonly to?: number | Date
}

interface ScanOptions {
  /** True: in descending order. */
  readonly reverse?: boolean
  /** Greatest number of rows. */
  readonly limit?: number
}

/** Bounds of keys, both included, in the order of their serialized bytes. Without one: all keys on that side. */
export interface KeyRange<K> extends QueryOptions, ScanOptions {
  readonly from?: K
  readonly to?: K
}

/** Options of scans of keys with one prefix. */
export interface PrefixOptions extends QueryOptions, ScanOptions {}

/** Bounds of times, and how they are scanned. */
export interface TimeRange extends QueryOptions, ScanOptions, TimeBounds {}

/** What is watched: a key, keys with a prefix, or (neither) all keys. */
export interface WatchOptions<K> extends QueryOptions {
  readonly key?: K
  /** What serialized keys begin with; text is taken as UTF-8. */
  readonly prefix?: string | Uint8Array
}

/** A row that is watched, as it is now. */
export interface WatchedRow<K, V> {
  readonly key: K
  /** Undefined: there is no such row any more; of a key that is watched alone also: not yet. */
  readonly value: V | undefined
  /** Event time of the row's last update, ms; -1 without a row, and in stores without timestamps. */
  readonly timestamp: number
  readonly partition: number
  /** What the watch has shown up to here, of all its partitions: `at` of a watch that is to go on from it. */
  readonly position: Position
}

/** Options of a watch of windows or sessions: those of one key, or of all if it is given none. */
export interface WatchTimesOptions<K> extends QueryOptions {
  readonly key?: K
  /** Bounds with the meaning that they have in a query: ms since the epoch, or dates; both included. */
  readonly from?: number | Date
  readonly to?: number | Date
}

/** The result of a window, or a session, that is watched, as it is now. Without a value it is gone, or has expired. */
export interface WatchedWindow<K, V> extends WatchedRow<K, V> {
  /** ms since the epoch. */
  readonly start: number
  /** ms since the epoch; of a window exclusive, of a session the time of its last record. */
  readonly end: number
}

/** A row of a store. */
export interface Row<K, V> {
  readonly key: K
  readonly value: V
  /** Event time of its last update, ms; -1 in stores without timestamps. */
  readonly timestamp: number
  readonly partition: number
}

/** The result of a window, or a session. */
export interface WindowRow<K, V> extends Row<K, V> {
  /** ms since the epoch. */
  readonly start: number
  /** ms since the epoch; of a window exclusive, of a session the time of its last record. */
  readonly end: number
}

/** A version of a row: valid from `timestamp` until `validTo`, exclusive; undefined: the latest one. */
export interface VersionRow<K, V> extends Row<K, V> {
  readonly validTo: number | undefined
}

/** An answer, and what it is an answer of. */
export interface Answer<V> {
  /** Undefined: the owner of the key has no such row. */
  readonly value: V | undefined
  /** Event time of the row's last update, ms; -1 without a row, and in stores without timestamps. */
  readonly timestamp: number
  readonly partition: number
  /** The kind of owner that answered: the task that processes, a standby of it, or a global table. */
  readonly role: 'active' | 'standby' | 'global'
  readonly consistency: Consistency
  /** Offsets that a standby is behind its changelog. */
  readonly lag: number
  /** ms since the commit that the answer is as of; 0 for the latest. */
  readonly age: number
  /** What the answer has in it, by topic and partition: the offset of the next record. Empty of a standby. */
  readonly position: Position
}

/** Stores whose rows can be watched. */
interface WatchView<K, V> {
  /**
   * Shows the rows that there are, and then those that change, for as long as the loop runs. `committed` rows come with
   * their commit, `latest` ones within a second.
   *
   * Every key ends at its latest value, and none goes back. Values in between may be left out, as in a compacted topic:
   * a reader that is slow is shown what there is when it reads. When the task moves, the watch goes on where it is
   * then, with what differs from what was shown.
   *
   * A watch of several keys remembers the keys that it has shown, in some 100 bytes each. It rejects as `get` does, at
   * any time: if the task cannot be read within `timeout`, it ends.
   *
   * @throws MR_CONFIG, MR_QUERY_KEY
   * @example
   * ```ts
   * for await (const { value } of totals.watch({ key: 'alice' })) console.log(value)
   * ```
   * Kafka Streams has no such query; ksqlDB calls it a push query.
   */
  watch(options?: WatchOptions<K>): AsyncIterableIterator<WatchedRow<K, V>>
}

/**
 * A key-value store as it is asked. Every method rejects with
 *
 * - MR_QUERY_NOT_OWNER, MR_QUERY_RESTORING if the task cannot be read within `timeout`, MR_QUERY_STALE if a standby is
 *   too far behind, MR_QUERY_BEHIND if the task does not reach `at` in time, MR_QUERY_TIMEOUT if there is
 *   no answer, MR_QUERY_LIMIT if too many scans are open;
 * - where another instance has the task: MR_QUERY_PEER if it does not respond in time, MR_QUERY_PEER_AUTH without a
 *   `peerToken` in common, MR_QUERY_PEER_VERSION if it keeps the store in another format;
 * - MR_QUERY_KEY for a key that its serde refuses, MR_QUERY_POSITION for topics in `at` that the task does not read,
 *   MR_CONFIG for options that are unknown or impossible;
 * - MR_STATE_DESERIALIZE for a row that the store's serdes cannot read.
 *
 * @example
 * ```ts
 * const totals = streams.store(storeRef('totals', { key: string(), value: json<Total>() }))
 * const total = await totals.get('alice')
 * for await (const { key, value } of totals.range({ from: 'a', to: 'b', limit: 100 })) console.log(key, value)
 * ```
 */
export interface KeyValueView<K, V> extends WatchView<K, V> {
  readonly name: string
  /** Returns the value of a key; undefined means that the owner of the key has none. */
  get(key: K, options?: QueryOptions): Promise<V | undefined>
  /** Returns the value, and whose and as of when it is. */
  read(key: K, options?: QueryOptions): Promise<Answer<V>>
  /** Rows by the bytes of their keys, over all partitions; of each partition as they were at one moment. */
  range(range?: KeyRange<K>): AsyncIterableIterator<Row<K, V>>
  /** Rows whose serialized key begins with these bytes; text is taken as UTF-8. */
  prefix(prefix: string | Uint8Array, options?: PrefixOptions): AsyncIterableIterator<Row<K, V>>
}

/** Windows or sessions that can be watched. */
interface WatchTimesView<K, V> {
  /**
   * Shows the windows or sessions that there are, and then those that change, for as long as the loop runs: as the
   * `watch` of a `KeyValueView` shows rows, with the same promises, and rejects as it does.
   *
   * A window that the store has let go of, because its retention has passed, is shown without a value, within some
   * seconds. When sessions merge, those that there were are shown without a value, and the one that they have become
   * with its own.
   *
   * @throws MR_CONFIG, MR_QUERY_KEY; MR_QUERY_KIND, by rejecting, for a store that keeps duplicates
   * @example
   * ```ts
   * for await (const { start, value } of minutes.watch({ key: 'alice' })) console.log(start, value)
   * ```
   * Kafka Streams has no such query; ksqlDB calls it a push query.
   */
  watch(options?: WatchTimesOptions<K>): AsyncIterableIterator<WatchedWindow<K, V>>
}

/** A window store as it is asked; it rejects as `KeyValueView` does. */
export interface WindowView<K, V> extends WatchTimesView<K, V> {
  readonly name: string
  /** Returns the result of the window that starts then (ms, or a date). */
  get(key: K, start: number | Date, options?: QueryOptions): Promise<V | undefined>
  /** The results of one key whose windows start within these bounds, by start. */
  fetch(key: K, range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
  /** The results of all keys whose windows start within these bounds: partition by partition, in each by key. */
  range(range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
}

/** A session store as it is asked; it rejects as `KeyValueView` does. */
export interface SessionView<K, V> extends WatchTimesView<K, V> {
  readonly name: string
  /** The sessions of one key that overlap these bounds, by end. */
  sessions(key: K, range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
  /** The sessions of all keys that overlap these bounds: partition by partition, in each by key. */
  range(range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
}

/** A versioned store as it is asked; it rejects as `KeyValueView` does. */
export interface VersionedView<K, V> extends WatchView<K, V> {
  readonly name: string
  /** Returns the latest value of a key, or the one that was valid at `asOf` (ms, or a date). */
  get(key: K, options?: QueryOptions & { readonly asOf?: number | Date }): Promise<V | undefined>
  read(key: K, options?: QueryOptions & { readonly asOf?: number | Date }): Promise<Answer<V>>
  /** The versions of one key that were valid at some time within these bounds, the oldest first. */
  versions(key: K, range?: TimeRange): AsyncIterableIterator<VersionRow<K, V>>
  /** The latest versions by the bytes of their keys. */
  range(range?: KeyRange<K>): AsyncIterableIterator<Row<K, V>>
  prefix(prefix: string | Uint8Array, options?: PrefixOptions): AsyncIterableIterator<Row<K, V>>
}

/** How stores of each kind are asked. */
export interface ViewsByKind<K, V> {
  readonly keyValue: KeyValueView<K, V>
  readonly window: WindowView<K, V>
  readonly session: SessionView<K, V>
  readonly versioned: VersionedView<K, V>
}
