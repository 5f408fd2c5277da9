import type { Serde } from '../serde/serde.ts'

/** Definition of a store, from which `TaskState` builds it. Times in ms. */
export type StoreSpec =
  | KeyValueStoreSpec
  | VersionedStoreSpec
  | WindowStoreSpec
  | PeriodStoreSpec
  | SessionStoreSpec
  | OuterJoinStoreSpec
  | SuppressBufferSpec
  | JoinBufferSpec
  | CallStoreSpec

export interface StoreSpecBase {
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  /** The version of the shape of its values; absent: none, and values have no mark. */
  readonly version?: number
  /** The newest version whose values are read. */
  readonly readsUpTo?: number
  /** False: held in memory only (and in its changelog). */
  readonly persistent: boolean
  /** False: no changelog. Else the topic configs that the user adds to the defaults of its kind. */
  readonly logging: false | Readonly<Record<string, string>>
  /** True: updates are held back and deduplicated until the cache is flushed, if the application's cache is not 0. */
  readonly caching: boolean
}

export interface KeyValueStoreSpec extends StoreSpecBase {
  readonly kind: 'keyValue'
  /** True for tables and aggregations (value with timestamp); false for plain stores that a user adds. */
  readonly timestamped: boolean
}

export interface VersionedStoreSpec extends StoreSpecBase {
  readonly kind: 'versioned'
  readonly historyRetention: number
}

export interface WindowStoreSpec extends StoreSpecBase {
  readonly kind: 'window'
  readonly timestamped: boolean
  readonly retention: number
  readonly windowSize: number
  /** True: an entry exactly as old as the retention is still seen, since both bounds belong to a join window. */
  readonly inclusiveRetention: boolean
  /** True for the stores of stream-stream joins: every put is kept, with a sequence number. */
  readonly retainDuplicates: boolean
  /** True if results are emitted on window close: the store can be scanned by time. */
  readonly timeOrdered: boolean
}

/** A window store whose rows hold both bounds of their window, since its windows have no fixed size. */
export interface PeriodStoreSpec extends StoreSpecBase {
  readonly kind: 'period'
  readonly retention: number
  /** No window is longer. */
  readonly maxSize: number
  readonly timeOrdered: boolean
}

export interface SessionStoreSpec extends StoreSpecBase {
  readonly kind: 'session'
  readonly retention: number
  readonly timeOrdered: boolean
}

/** The unmatched records of a left or outer stream-stream join, by timestamp, side (right first) and key bytes. */
export interface OuterJoinStoreSpec extends StoreSpecBase {
  readonly kind: 'outerJoin'
  readonly rightValueSerde: Serde<unknown>
}

export interface SuppressBufferSpec extends StoreSpecBase {
  readonly kind: 'suppress'
}

/** Stream records that wait for the grace period of a stream-table join. */
export interface JoinBufferSpec extends StoreSpecBase {
  readonly kind: 'joinBuffer'
  readonly grace: number
}

/** The records of an asynchronous step whose results had not left it at the last commit. */
export interface CallStoreSpec extends StoreSpecBase {
  readonly kind: 'calls'
}
