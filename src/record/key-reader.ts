/** A row that was read ahead. */
export interface ReadAhead {
  /** True as soon as the store has been asked for it. */
  readonly referenced: boolean
}

/** A store that can be told beforehand which keys it will be asked for; none of them is null. */
export interface KeyReader {
  /** Reads in one go what the engine has of these keys and is not in memory yet. The answer stands for what was read. */
  prefetch(keys: readonly unknown[]): readonly ReadAhead[]
  /** True while `beginPrefetch` is better than `prefetch`. */
  readonly readsBeside: boolean
  /** Begins to do so beside this thread; undefined if there is nothing to read, or it cannot be done now. */
  beginPrefetch(keys: readonly unknown[]): PendingReads | undefined
}

/** One of the two must be called, once. */
export interface PendingReads {
  /** As `prefetch`; undefined if the engine has not answered, or has been written to since: nothing is read then. */
  take(): readonly ReadAhead[] | undefined
  drop(): void
}
