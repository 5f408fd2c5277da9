/** A row that was read ahead. */
export interface ReadAhead {
  /** True once the store has been asked for it. */
  readonly referenced: boolean
}

/** A store that can read rows ahead, by keys that it will soon be asked for. No key is null. */
export interface KeyReader {
  /** Reads the rows of these keys that are not in memory yet, in one call of the engine. Returns what was read. */
  prefetch(keys: readonly unknown[]): readonly ReadAhead[]
  /** True while `beginPrefetch` is faster than `prefetch`. */
  readonly readsBeside: boolean
  /** Begins to read beside this thread. Returns undefined if there is nothing to read, or it cannot be done now. */
  beginPrefetch(keys: readonly unknown[]): PendingReads | undefined
}

/** Rows that are being read beside the thread. Either `take` or `drop` must be called, once. */
export interface PendingReads {
  /** Returns what was read; undefined if the engine has not answered, or was written to since: nothing is read then. */
  take(): readonly ReadAhead[] | undefined
  drop(): void
}
