/** What a stream thread does with its time. `io`: it lets the event loop run fetches, queries, other threads. */
export const ACTIVITIES = ['process', 'punctuate', 'commit', 'restore', 'rebalance', 'io', 'idle'] as const
export type Activity = (typeof ACTIVITIES)[number]

/** Where the time of one stream thread goes: each moment belongs to one activity, so that they add up to all of it. */
export class Activities {
  readonly #ms = new Float64Array(ACTIVITIES.length)
  #current = ACTIVITIES.indexOf('idle')
  #since: number

  /** @param now ms of the monotonic clock, here and below */
  constructor(now: number) {
    this.#since = now
  }

  enter(activity: Activity, now: number): void {
    this.#ms[this.#current]! += now - this.#since
    this.#since = now
    this.#current = ACTIVITIES.indexOf(activity)
  }

  /** Returns ms of each activity up to now, the one under way included. */
  *until(now: number): Iterable<readonly [activity: Activity, ms: number]> {
    for (const [index, activity] of ACTIVITIES.entries()) {
      yield [activity, this.#ms[index]! + (index === this.#current ? now - this.#since : 0)]
    }
  }
}
