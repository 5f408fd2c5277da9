import type { Change } from '../record/change.ts'
import type { Headers } from '../record/headers.ts'
import type { StoreSpec } from '../topology/store-spec.ts'
import type { LatestRows } from './rows/latest-rows.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { RecordSlice } from '../record/record-slice.ts'

/*
 * The state of operators: typed views over the engine and the uncommitted entries above it. Operators work with these
 * stores. The stores of users (`views/stores.ts`) are façades over them that never hand out a live object.
 *
 * An object belongs to one entry only. `put` keeps a copy. `get` returns the entry itself. Its caller may pass the
 * value to an aggregator, which may change it, because what the aggregator returns is put. The caller must neither keep
 * the value after the call nor give it to anybody else, who gets a copy (`operators/shown-value.ts`). Primitive values
 * are never copied.
 */

/** A value with its timestamp, ms; -1 in stores without timestamps. */
export interface Entry<V> {
  readonly value: V
  readonly timestamp: number
}

/** Bounds how much is done at a stretch. */
export interface Pace {
  /** Must be called after each step. Returns true if that was the last one for now. */
  spend(): boolean
  readonly isOver: boolean
}

/** What the runtime needs of every store, whatever its kind. */
export interface StateStore {
  readonly name: string
  readonly spec: StoreSpec
  /**
   * Emits what the cache holds back, in the order of the latest change of each entry, until the pace says stop. Returns
   * true if it emitted anything. The listener may put into this and other stores.
   */
  flushCache(pace?: Pace): boolean
  /** Appends a record with the full store key for each entry changed since the last call, if there is a sink. */
  logChanges(sink: ChangelogSink | undefined): void
  /** Adds the rows that the engine lacks, all of them logged and committed, and range deletes of expired rows. */
  writeChanges(batch: WriteBatch): void
  /** Makes changed entries clean. Called when the batch has been written. */
  written(): void
  /** Applies one changelog record. The store is not read while it is restored. */
  restore(record: ChangelogRecord, rows: LatestRows): void
  /** Entries that a buffer of an operator holds back. Absent in stores that are no such buffers. */
  readonly buffered?: number
  /** The approximate memory of what the engine lacks, bytes. */
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
  /** Null deletes. Plain stores ignore `timestamp`. */
  put(key: K, value: V | null, timestamp: number): void
  /** Returns a value that shares nothing with the entry. */
  copy(value: V): V
  /** Entries in the order of their key bytes; bounds inclusive, `undefined` open. The caller closes the cursor. */
  range(from: K | undefined, to: K | undefined, reverse: boolean): EntryCursor<K, V>
  /** Entries whose serialized key starts with these bytes, in the order of their key bytes. */
  prefix(prefix: Buffer): EntryCursor<K, V>
}

/** A cursor sees the store as it was when it was opened. It ends with the callback in which it was opened. */
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
  /** The version valid at `asOf`; undefined if none, if a tombstone, or if `asOf` precedes the history retained. */
  getAsOf(key: K, asOf: number): VersionedEntry<V> | undefined
  /**
   * Adds a version. Returns `rejected` if it is older than the history retained, which counts as dropped, `historical`
   * if a later version exists, else `latest`.
   */
  put(key: K, value: V | null, timestamp: number): 'latest' | 'historical' | 'rejected'
  copy(value: V): V
  all(): EntryCursor<K, V>
}

/** Rows by key and window. They expire by the greatest time put. */
export interface TimedState<V> extends StateStore {
  /** True if updates go to the flush listener instead of being forwarded by the operator. */
  readonly cached: boolean
  /** The greatest time ever put: a start in window stores, else an end; -1 before the first. */
  readonly observedTime: number
  /** Returns a value that shares nothing with the entry. */
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
  /** Null deletes. A put that is too old is dropped and counted. With duplicates every put adds an entry. */
  put(key: K, start: number, value: V | null, timestamp: number): void
  /** One key's unexpired entries with from <= start <= to, by (start, insertion). */
  fetch(key: K, from: number, to: number, reverse: boolean): WindowCursor<K, V>
  /** All keys' entries with from <= start <= to, by (start, key bytes). */
  fetchAll(from: number, to: number, reverse: boolean): WindowCursor<K, V>
}

export interface WindowCursor<K, V> extends EntryCursor<K, V> {
  readonly start: number
}

/** Windows by both of their bounds. As in other windows, a result has the greatest timestamp of its records. */
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
   * All keys' sessions with from <= end <= to, by end, start, key bytes. With `withExpired` a persistent store for
   * emit-on-close shows what has expired but is still there, as those of Kafka Streams do.
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
  /** Forgets every record of this side, key and timestamp, because a match was found. */
  remove(timestamp: number, side: JoinSide, key: K): void
  /** The smallest timestamp held of a side; Infinity if there is none. */
  firstTimestamp(side: JoinSide): number
  /**
   * Removes the left records older than `left` and the right ones older than `right`, in the order of timestamp, right
   * before left, key bytes, and insertion. `emit` is called for each after its removal. If it throws, the scan ends and
   * the other records stay.
   */
  drain(left: number, right: number, emit: (timestamp: number, side: JoinSide, key: K, value: L | R) => void): void
  /** Shows every record held, in the order of `drain`, until `see` returns false. */
  visit(see: (timestamp: number, side: JoinSide) => boolean): void
}

/** The buffer of `suppress`: one change per key, placed by the time of its first change since it was last emitted. */
export interface SuppressBuffer<K, V> extends StateStore {
  readonly count: number
  readonly bytes: number
  /** The smallest buffer time held; Infinity if empty. */
  readonly minTime: number
  /** Keeps the bytes of the change, and the record context of the task at this moment. */
  put(time: number, key: K, change: Change<V>, timestamp: number, headers: Headers): void
  /**
   * Returns the old value of the first change held back of a key, which is what the suppressed table still shows (null:
   * nothing), or `undefined` if the key is not held back. A change leaves the buffer only when `emit` returns.
   */
  prior(key: K): V | null | undefined
  /**
   * Removes entries by buffer time, then key bytes, as long as `condition` holds. Calls `emit` for each while the
   * task's record context is that of the change.
   */
  evictWhile(
    condition: () => boolean,
    emit: (key: K, change: Change<V>, timestamp: number, headers: Headers) => void,
  ): void
}

/** Stream records in timestamp order, for a stream-table join with grace. */
export interface JoinBuffer<K, V> extends StateStore {
  readonly minTime: number
  /** Returns false if the record is older than the buffer's stream time less the grace: the caller handles it now. */
  put(key: K, value: V, timestamp: number, headers: Headers): boolean
  evictWhile(condition: () => boolean, emit: (key: K, value: V, timestamp: number, headers: Headers) => void): void
}

/** Tells a call from all others of its step. */
export interface CallPlace {
  /** The input record that it came of: topic null in punctuators. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  /** Distinguishes it from the other records that came of the same input record. */
  readonly ordinal: string
  /** False: caches or punctuators sent it. It came of no single input record, and its ordinal alone is its own. */
  readonly belongsToRecord: boolean
}

/** A record whose call had not left its step at a commit. */
export interface KeptCall<K, V> extends Omit<CallPlace, 'belongsToRecord'> {
  readonly sequence: number
  readonly key: K | null
  readonly value: V | null
  readonly timestamp: number
  readonly headers: Headers
  /** The task's stream time when it came. */
  readonly streamTime: number
}

/** The records that an asynchronous step has taken and not sent on. */
export interface CallState<K, V> extends StateStore {
  /** Returns those that are kept, in the order of their sequence numbers. */
  all(): readonly KeptCall<K, V>[]
  /** @throws MR_STATE_SERIALIZE, MR_SERDE_ROUND_TRIP */
  put(call: KeptCall<K, V> & CallPlace): void
  remove(call: CallPlace): void
  /** Returns what two equal keys have in common: the key itself if it is primitive, else its bytes as text. */
  mapKey(key: K): unknown
}
