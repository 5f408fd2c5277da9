/** ms for which a value counts as recent, at least; at most twice as long. */
const WINDOW = 30_000

/** The greatest value of late: one that was seen once does not stay for ever. */
export class RecentGreatest {
  #current = 0
  #previous = 0
  #since = 0

  /** @param now ms of the monotonic clock, here and below */
  note(value: number, now: number): void {
    this.#turn(now)
    if (value > this.#current) this.#current = value
  }

  at(now: number): number {
    this.#turn(now)
    return Math.max(this.#current, this.#previous)
  }

  #turn(now: number): void {
    const passed = now - this.#since
    if (passed < WINDOW) return
    this.#previous = passed < 2 * WINDOW ? this.#current : 0
    this.#current = 0
    this.#since = now
  }
}
