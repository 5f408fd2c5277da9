/**
 * What a read sees of a store. `committed`: what the last commit left. While a commit is under way, that is the one
 * before it. `latest`: what has changed since, too, which may yet be undone.
 */
export type Consistency = 'committed' | 'latest'

/** What is read of a store. Keys are serialized; times are in ms, both bounds included. */
export type RowQuery =
  /** One key's row: key-value stores, and the latest version of versioned ones. */
  | { readonly op: 'get'; readonly key: Buffer }
  /** Rows by the bytes of their keys, both bounds included. */
  | { readonly op: 'range'; readonly from?: Buffer; readonly to?: Buffer; readonly reverse: boolean }
  | {
      readonly op: 'prefix'
      readonly prefix: Buffer
      readonly reverse: boolean
      /** A key that is passed: in ascending order, rows up to it, and its own, are left out. */
      readonly after?: Buffer
    }
  /**
   * Windows that start from `from` to `to`; sessions, and windows of a calendar, that overlap this interval. One key's:
   * by time. All keys': by segment of time, key and time.
   */
  | {
      readonly op: 'windows'
      readonly key?: Buffer
      readonly from: number
      readonly to: number
      readonly reverse: boolean
      /** A row of an earlier query of the same kind: rows up to it, and itself, are left out. */
      readonly after?: WindowPlace
    }
  /** One key's versions that were valid at some time from `from` to `to`, the oldest first. */
  | {
      readonly op: 'versions'
      readonly key: Buffer
      readonly from: number
      readonly to: number
      readonly reverse: boolean
    }

export type RowOp = RowQuery['op']

/** The rows of one key, of keys that begin with these bytes, or (neither) of all keys, and how they change. */
export interface WatchQuery {
  readonly op: 'watch'
  readonly key?: Buffer
  /** Not of windows and sessions. */
  readonly prefix?: Buffer
  /** Bounds of windows and sessions, with the meaning that they have in a query of windows. */
  readonly from?: number
  readonly to?: number
}

/** One who is notified of rows that may have changed. */
export interface RowWatcher {
  readonly consistency: Consistency
  readonly query: WatchQuery
  /** The row can be read when this is called. The bytes of its id are valid during the call. */
  changed(id: Buffer): void
}

/** The changes of a store. */
export interface RowChanges {
  /** Must be followed by `remove`. */
  add(watcher: RowWatcher): void
  remove(watcher: RowWatcher): void
  /**
   * Notifies those who watch the `latest` rows of what has changed since the last call. Commits do so, too. Those who
   * watch `committed` rows are notified by the commit itself.
   */
  look(): void
}

/** The row of a window or a session. */
export interface WindowPlace {
  readonly key: Buffer
  readonly start: number
  readonly end: number
}

/** A row as it is now. */
export interface RowNow extends WindowPlace {
  /** Undefined: there is no such row. */
  readonly value: Buffer | undefined
  /** Event time, ms; -1 in stores without timestamps, and without a row. */
  readonly timestamp: number
}

/** Rows with ids: bytes that no two rows of a store have in common, and in whose order they come. */
export interface IdentifiedRows extends StoredRows {
  readonly id: Buffer
}

/** How the rows of a store are watched. */
export interface WatchedStore {
  readonly changes: RowChanges
  /** True: windows or sessions, of which a key may have many. False: the id of a row is its key. */
  readonly isTimed: boolean
  /** Returns whether a watch that is notified of this row is of its time. */
  isOf(query: WatchQuery, id: Buffer): boolean
  /** Opens the rows that a watch is of, behind the one with the id `after`. */
  open(query: WatchQuery, after: Buffer | undefined, consistency: Consistency): IdentifiedRows
  /** Returns a row. Its bytes are valid until the store is read again. */
  row(id: Buffer, consistency: Consistency): RowNow
  /** Returns the end before which windows and sessions have expired: none is there, and none comes back. */
  expiredBefore(consistency: Consistency): number
}

/** A row of a store as bytes. */
export interface StoredRow {
  readonly key: Buffer
  readonly value: Buffer
  /** Event time, ms; -1 in stores without timestamps. */
  readonly timestamp: number
  /** Bounds of a window, or of the time for which a version is valid (ms); -1 where there are none. */
  readonly start: number
  /** Infinity for the latest version. */
  readonly end: number
}

/** Rows as they were when they were asked for, one after the other. What it shows belongs to the current row. */
export interface StoredRows extends StoredRow {
  /** Moves on; false at the end. */
  next(): boolean
  /** False: it has only passed over rows that are none of the answer, and lets its caller look at the clock. */
  readonly isRow: boolean
  close(): void
}

/** A store as queries read it: rows as bytes. Reading leaves nothing behind in memory. */
export interface StoreReads {
  readonly ops: readonly RowOp[]
  /** Absent: the rows of this store cannot be watched. */
  readonly watched?: WatchedStore
  /**
   * Must be called before committed rows are read. Returns false while only the outcome of the commit under way could
   * tell what is committed: what it replaces was not kept, because nobody had read before.
   */
  observe(): boolean
  /**
   * Opens the rows of a query. The caller closes them on every path.
   *
   * @param query its `op` must be one of `ops`
   */
  open(query: RowQuery, consistency: Consistency): StoredRows
}
