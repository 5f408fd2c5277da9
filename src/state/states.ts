import type { Change } from '../record/change.ts'
import type { Headers } from '../record/headers.ts'
import type { StoreSpec } from '../topology/store-spec.ts'
import type { LatestRows } from './rows/latest-rows.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { RecordSlice } from '../record/record-slice.ts'

/**
 * The state of operators: typed views over the engine and the uncommitted entries that lie over it. These are what
 * processors work with; the stores that users see (`stores.ts`) are façades that never hand out a live object.
 *
 * Ownership: an object lives in one entry only. `put` keeps a copy. `get` hands out the entry itself (no copy): the caller may pass its
 * value to an aggregator, which may change it, since what the aggregator returns is put; it must not keep it beyond the call, nor give it to
 * anybody else, who gets a copy (`operators/shown-value.ts`). Primitive values are never copied.
 */

/** A value with its timestamp (ms). Stores without timestamps answer -1. */
export interface Entry<V> {
  readonly value: V
  readonly timestamp: number
}

/** How much may be done at a stretch. */
export interface Pace {
  /** To be called after each step; true if it was the last one for now. */
  spend(): boolean
  readonly isOver: boolean
}

/** What the runtime needs of every store, whatever its kind. */
export interface StateStore {
  readonly name: string
  readonly spec: StoreSpec
  /**
   * Emits what the cache holds back, in the order of the latest change of each entry, until the pace says stop; true if it
   * emitted anything. The listener may put into this and other stores.
   */
  flushCache(pace?: Pace): boolean
  /** Hands one changelog record per entry changed since the last call to the sink, if the store has one (full store key). */
  logChanges(sink: ChangelogSink | undefined): void
  /** Adds what the engine does not have yet, all of it logged and committed, and range deletes of what has expired. */
  writeChanges(batch: WriteBatch): void
  /** The batch has been written: changed entries become clean. */
  written(): void
  /** Applies one changelog record while restoring; the store is not read in between. */
  restore(record: ChangelogRecord, rows: LatestRows): void
  /** Memory held by what the engine does not have yet, about. */
  readonly dirtyBytes: number
  close(): void
}

export interface ChangelogSink {
  append(record: RecordSlice): void
}

/** A record read from a changelog; a `RecordCursor` is one. */
export interface ChangelogRecord {
  readonly timestamp: number
  readonly buffer: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
  headers(none: Headers): Headers
}

/** Called for each update that a cache held back. `oldValue` is null unless old values were asked for. */
export type FlushListener<K, V> = (
  key: K,
  newValue: V | null,
  oldValue: V | null,
  timestamp: number,
  headers: Headers,
) => void

export interface KeyValueState<K, V> extends StateStore {
  /** True if updates go to the flush listener instead of being forwarded by the operator. */
  readonly cached: boolean
  onFlush(listener: FlushListener<K, V>, sendOldValues: boolean): void
  get(key: K): Entry<V> | undefined
  /** Null deletes. `timestamp` is ignored by plain stores. */
  put(key: K, value: V | null, timestamp: number): void
  /** A value that shares nothing with the entry. */
  copy(value: V): V
  /** Entries in the order of their key bytes; bounds inclusive, `undefined` open. The caller closes the cursor. */
  range(from: K | undefined, to: K | undefined, reverse: boolean): EntryCursor<K, V>
  /** Entries whose serialized key starts with these bytes, in the order of their key bytes. */
  prefix(prefix: Buffer): EntryCursor<K, V>
}

/** Sees the store as it was when the cursor was opened. Ends at the end of the callback it was opened in. */
export interface EntryCursor<K, V> {
  next(): boolean
  readonly key: K
  readonly value: V
  readonly timestamp: number
  close(): void
}

/** A version: valid from its timestamp until `validTo` (exclusive), which is Infinity for the latest one. */
export interface VersionedEntry<V> extends Entry<V> {
  readonly validTo: number
}

export interface VersionedState<K, V> extends StateStore {
  /** The latest version; undefined if there is none or it is a tombstone. */
  get(key: K): VersionedEntry<V> | undefined
  /** The version valid at `asOf`; undefined if none, if a tombstone, or if `asOf` is older than the history retained. */
  getAsOf(key: K, asOf: number): VersionedEntry<V> | undefined
  /**
   * Adds a version. `rejected` (older than the history retained, counted as dropped), `latest`, or `historical` (a later
   * version exists).
   */
  put(key: K, value: V | null, timestamp: number): 'latest' | 'historical' | 'rejected'
  copy(value: V): V
  all(): EntryCursor<K, V>
}

/** Rows by key and window, which expire by the greatest time put. */
export interface TimedState<V> extends StateStore {
  /** True if updates go to the flush listener instead of being forwarded by the operator. */
  readonly cached: boolean
  /** Greatest time ever put: a window's start, else its end; -1 before the first. */
  readonly observedTime: number
  /** A value that shares nothing with the entry. */
  copy(value: V): V
}

export type WindowFlushListener<K, V> = (
  key: K,
  start: number,
  newValue: V | null,
  oldValue: V | null,
  timestamp: number,
  headers: Headers,
) => void

export interface WindowState<K, V> extends TimedState<V> {
  onFlush(listener: WindowFlushListener<K, V>, sendOldValues: boolean): void
  get(key: K, start: number): Entry<V> | undefined
  /** Null deletes. A put that is too old is dropped and counted. Stores that retain duplicates add an entry on every put. */
  put(key: K, start: number, value: V | null, timestamp: number): void
  /** One key's entries with from <= start <= to, ascending by (start, insertion), or descending. Expired ones are not seen. */
  fetch(key: K, from: number, to: number, reverse: boolean): WindowCursor<K, V>
  /** All keys' entries with from <= start <= to, by (start, key bytes). */
  fetchAll(from: number, to: number, reverse: boolean): WindowCursor<K, V>
}

export interface WindowCursor<K, V> extends EntryCursor<K, V> {
  readonly start: number
}

/** Windows by both of their bounds. Results carry the greatest timestamp of their records, as those of other windows. */
export interface PeriodState<K, V> extends TimedState<V> {
  onFlush(listener: SessionFlushListener<K, V>, sendOldValues: boolean): void
  get(key: K, start: number, end: number): Entry<V> | undefined
  /** Null deletes. A put that is too old is dropped and counted. */
  put(key: K, start: number, end: number, value: V | null, timestamp: number): void
  /** One key's windows with end >= earliestEnd and start <= latestStart, by end, then start. */
  findOverlapping(key: K, earliestEnd: number, latestStart: number, reverse: boolean): SessionCursor<K, V>
  /** All keys' windows with from <= end <= to, by end, start, key bytes. */
  findByEnd(from: number, to: number, reverse: boolean): SessionCursor<K, V>
}

export type SessionFlushListener<K, V> = (
  key: K,
  start: number,
  end: number,
  newValue: V | null,
  oldValue: V | null,
  timestamp: number,
  headers: Headers,
) => void

export interface SessionState<K, V> extends TimedState<V> {
  onFlush(listener: SessionFlushListener<K, V>, sendOldValues: boolean): void
  get(key: K, start: number, end: number): V | undefined
  /** Null removes the session. */
  put(key: K, start: number, end: number, value: V | null): void
  /** Sessions of one key with end >= earliestEnd and start <= latestStart, in store order (by end, then start). */
  findSessions(key: K, earliestEnd: number, latestStart: number, reverse: boolean): SessionCursor<K, V>
  /**
   * All keys' sessions with from <= end <= to, in the order (end, start, key bytes). With `withExpired` a persistent store for
   * emit-on-close shows what has expired but is still there, as Kafka Streams' do.
   */
  findByEnd(from: number, to: number, withExpired: boolean): SessionCursor<K, V>
}

export interface SessionCursor<K, V> extends EntryCursor<K, V> {
  readonly start: number
  readonly end: number
}

export type JoinSide = 'left' | 'right'

/** Unmatched records of a left or outer stream-stream join. */
export interface OuterJoinState<K, L, R> extends StateStore {
  add(timestamp: number, side: JoinSide, key: K, value: L | R): void
  /** A match was found: forgets every record of this side, key and timestamp. */
  remove(timestamp: number, side: JoinSide, key: K): void
  /** Smallest timestamp held of a side; Infinity if there is none. */
  firstTimestamp(side: JoinSide): number
  /**
   * Removes the left records older than `left` and the right ones older than `right`, in order (timestamp, right before left, key bytes);
   * several records of one (timestamp, side, key) follow in the order in which they were added. `emit` is called for each when it has
   * been removed; what it throws ends the scan, and leaves the others.
   */
  drain(left: number, right: number, emit: (timestamp: number, side: JoinSide, key: K, value: L | R) => void): void
  /** Shows every record held, in the order of `drain`, until `see` answers false. */
  visit(see: (timestamp: number, side: JoinSide) => boolean): void
}

/** The buffer of `suppress`: one change per key, placed by the time of its first change since it was last emitted. */
export interface SuppressBuffer<K, V> extends StateStore {
  readonly count: number
  readonly bytes: number
  /** Smallest buffer time held; Infinity if empty. */
  readonly minTime: number
  /** Keeps bytes of the change, and the record context of the task at this moment. */
  put(time: number, key: K, change: Change<V>, timestamp: number, headers: Headers): void
  /**
   * For a key that is held back: the old value of the first change held back, which is what the suppressed table still shows
   * (null: nothing). `undefined` if the key is not held back. A change that is being emitted is still held back: it leaves the
   * buffer when `emit` returns.
   */
  prior(key: K): V | null | undefined
  /**
   * Removes entries in order (buffer time, key bytes) as long as `condition` holds, calling `emit` for each with the task's
   * record context set to that of the change.
   */
  evictWhile(
    condition: () => boolean,
    emit: (key: K, change: Change<V>, timestamp: number, headers: Headers) => void,
  ): void
}

/** Stream records in timestamp order, for a stream-table join with grace. */
export interface JoinBuffer<K, V> extends StateStore {
  readonly minTime: number
  /** False if the record is older than the buffer's stream time less the grace: the caller handles it at once. */
  put(key: K, value: V, timestamp: number, headers: Headers): boolean
  evictWhile(condition: () => boolean, emit: (key: K, value: V, timestamp: number, headers: Headers) => void): void
}
