/** What a stream thread and its client note of its life as it goes on. */
export interface ThreadSigns {
  /** Turns of its loop so far. */
  turns: number
  /** True once tasks were assigned to it, if only an empty list of them. */
  hasJoined: boolean
  /** False while no broker responds to it. */
  logAnswers: boolean
}
