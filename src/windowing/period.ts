/** A window `[start, end)`. Milliseconds since the epoch. */
export interface WindowBounds {
  readonly start: number
  /** The first millisecond that no longer belongs to the window. */
  readonly end: number
}

/** Windows whose length is not fixed: a function gives the bounds, and rows keep both of them. Milliseconds. */
export interface PeriodWindows {
  readonly kind: 'period'
  /** No window is longer; stores keep windows for this long and the grace. */
  readonly maxSize: number
  readonly grace: number
  /**
   * True if windows of one key never overlap: a record joins its key's existing window for its time, and a new window
   * ends where an existing one begins.
   */
  readonly disjoint: boolean
  /** Returns the windows of a time, each with `start <= timestamp < end`. The result is read before the next call. */
  readonly windowsOf: (timestamp: number) => readonly WindowBounds[]
}
