/** Decides when a stream thread goes on and what is random, so that a seeded schedule can replay a whole run. */
export interface Scheduler {
  /** Lets I/O, timers and other threads of this event loop run, then resolves. */
  yield(): Promise<void>
  /** A number in [0, 1). */
  random(): number
}

/** The event loop's own order: each yield lets pending I/O callbacks run before processing goes on. */
export const eventLoopScheduler: Scheduler = {
  yield: () => new Promise((resolve) => setImmediate(resolve)),
  random: () => Math.random(),
}
