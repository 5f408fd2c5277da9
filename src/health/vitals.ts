/** What a thread tells of itself, as plain numbers that can be sent from one thread to another. */
export interface ThreadVitals {
  /** Goes on while the thread's own event loop turns; `undefined` if that is the one that asks. */
  readonly loop: number | undefined
  /** Turns of the thread so far. */
  readonly turns: number
  /** True once the group has assigned tasks to it, if only an empty list of them. */
  readonly joined: boolean
  /** False while no broker responds. */
  readonly logAnswers: boolean
  /** Records processed so far. */
  readonly processed: number
  /** Commits so far. */
  readonly commits: number
  /** Records that wait for nothing but their turn: neither for others in the log, nor for a call. */
  readonly queued: number
  /** Active tasks that are not open yet. */
  readonly waiting: number
  readonly restores: readonly StoreRestore[]
}

/** The restore of one store of an active task. */
export interface StoreRestore {
  readonly task: string
  readonly store: string
  /** First offset to replay. */
  readonly from: number
  /** Offset after the last record replayed. */
  readonly position: number
  /** Offset at which the restore ends. */
  readonly end: number
}

/** Vitals of a thread that has not reported yet. */
export const NO_VITALS: ThreadVitals = {
  loop: 0,
  turns: 0,
  joined: false,
  logAnswers: true,
  processed: 0,
  commits: 0,
  queued: 0,
  waiting: 0,
  restores: [],
}
