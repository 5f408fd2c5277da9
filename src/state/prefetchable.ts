/**
 * A store that can be told which keys it is about to be asked for. This is all that prefetching knows of stores, and stores of prefetching. None of
 * the keys is null; they belong to the store from now on.
 */
export interface Prefetchable {
  /** Goes up when rows are written to the engine. */
  readonly edition: number
  /** Begins to read, beside this thread, the rows of those of these keys that are not in memory; undefined if it cannot be done, or is not worth it, now. */
  ask(keys: readonly unknown[]): AskedRows | undefined
  /** Reads them at once. */
  prefetch(keys: readonly unknown[]): PrefetchedRows
}

/** One of the two must be called, once. */
export interface AskedRows {
  /** Undefined if they have not come yet, or are not what would be read now. Never waits. */
  take(): PrefetchedRows | undefined
  drop(): void
}

/** Rows that lie in the store's memory, those that do not exist included. They stay there until they are released. */
export interface PrefetchedRows {
  readonly size: number
  /** Returns how many of them the store has been asked for. */
  release(): number
}
