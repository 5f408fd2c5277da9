/**
 * A store that can read rows before it is asked for them. Prefetching and stores know no more than this of each other.
 * No key is null, and the caller does not change a key afterwards.
 */
export interface Prefetchable {
  /** Increases when rows are written to the engine. */
  readonly edition: number
  /** Begins to read in another thread the rows that memory lacks; undefined if it cannot, or is not worth it. */
  ask(keys: readonly unknown[]): AskedRows | undefined
  /** Reads the rows that memory lacks in this thread. */
  prefetch(keys: readonly unknown[]): PrefetchedRows
}

/** Rows that are being read. One of the methods must be called, once. */
export interface AskedRows {
  /** Returns the rows; undefined if they are not there yet, or the store was written since. Never waits. */
  take(): PrefetchedRows | undefined
  drop(): void
}

/** Rows that stay in the store's memory until they are released. Keys without rows are counted, too. */
export interface PrefetchedRows {
  readonly size: number
  /** Lets the rows be evicted, and returns how many of them the store has been asked for. */
  release(): number
}
