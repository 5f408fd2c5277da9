/** Decides when a stream thread continues and draws random numbers, so that a seed can replay a whole run. */
export interface Scheduler {
  /** Lets I/O, timers and other threads of this event loop run, then resolves. */
  yield(): Promise<void>
  /** Returns a number in [0, 1). */
  random(): number
}

/** The event loop's own order: each yield lets pending I/O callbacks run before processing goes on. */
export const eventLoopScheduler: Scheduler = {
  yield: () => new Promise((resolve) => setImmediate(resolve)),
  random: () => Math.random(),
}
