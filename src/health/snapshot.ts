import type { StoreRestore } from './vitals.ts'

/** What is known of an application at one moment. */
export interface AppSnapshot {
  /** A `StreamsState`. */
  readonly state: string
  /** True after `drain()`: it will be closed soon. */
  readonly draining: boolean
  /** True once every thread was a member of the group. */
  readonly joined: boolean
  /** ms since every thread ran, for which this process was awake; Infinity before. */
  readonly sinceRan: number
  /** Offsets that a store may lack when the application counts as ready. */
  readonly readyLag: number
  readonly threads: readonly ThreadSnapshot[]
}

/** What is known of one thread. Times are ms for which this process was awake, and in which it should have moved. */
export interface ThreadSnapshot {
  readonly name: string
  /** A `ThreadState`. */
  readonly state: string
  readonly logAnswers: boolean
  readonly queued: number
  readonly waiting: number
  /** Since the last sign of its event loop; 0 if it is the one that asks. */
  readonly sinceLoop: number
  /** Since its last turn; 0 while it may wait, for brokers to respond above all. */
  readonly sinceTurn: number
  /** Since a record was processed or a commit made; 0 while it may wait, or nothing is queued. */
  readonly sinceProgress: number
  readonly restores: readonly RestoreSnapshot[]
}

/** How far the restore of a store is, and how fast. */
export interface RestoreSnapshot extends StoreRestore {
  /** Since the position last changed; 0 while the thread may wait. */
  readonly sinceAdvance: number
  /** Offsets per ms of late; 0 while unknown. */
  readonly rate: number
}
