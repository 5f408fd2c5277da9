/**
 * A store that can be told which keys it is about to be asked for. This is all that prefetching knows of stores, and
 * stores of prefetching. No key is null, and the caller does not change it afterwards.
 */
export interface Prefetchable {
  /** Goes up when rows are written to the engine. */
  readonly edition: number
  /** Begins to read the rows that memory lacks in another thread; undefined if it cannot, or is not worth it. */
  ask(keys: readonly unknown[]): AskedRows | undefined
  /** Reads the rows that memory lacks at once. */
  prefetch(keys: readonly unknown[]): PrefetchedRows
}

/** Rows that are being read. Either method must be called, once. */
export interface AskedRows {
  /** Returns the rows; undefined if they have not come yet, or have been written since. Never waits. */
  take(): PrefetchedRows | undefined
  drop(): void
}

/** Rows in the store's memory, which stay there until they are released. Keys without a row count, too. */
export interface PrefetchedRows {
  readonly size: number
  /** Lets the rows be evicted, and returns how many of them the store has been asked for. */
  release(): number
}
