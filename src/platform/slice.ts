import type { Clock } from './clock.ts'
import type { Scheduler } from './scheduler.ts'

/** Longest time (ms) of processing before I/O, timers and other threads of the event loop run. */
const SLICE = 10
/** The same while somebody outside of the thread waits for it again and again. */
const SHORT_SLICE = 3
/** Steps between two looks at the clock: a look after each step would often cost more than the step. */
const STEPS_PER_LOOK = 8
/**
 * ms by which a hold of the event loop counts as shorter per ms since its end, when the longest one is sought: it is
 * reported for at most twice its length, and a later hold of about the same length replaces it.
 */
const FADING = 0.5

/** A period in which callbacks kept everything else from running. */
export interface Hold {
  /** ms. */
  readonly length: number
  /** Its end, by the monotonic clock. */
  readonly end: number
}

/**
 * The share of the event loop that one stream thread takes at a time: heartbeats and fetches run between two slices.
 * When steps (a record, a held-back update) are slow, the clock is read after each, so that a slice is at most one step
 * too long.
 */
export class Slice {
  readonly #clock: Clock
  readonly #scheduler: Scheduler
  #end = 0
  #lastLook = 0
  #stepsPerLook = STEPS_PER_LOOK
  #left = STEPS_PER_LOOK
  #isOver = false
  readonly #isAwaited: () => boolean
  #longest: Hold = { length: 0, end: 0 }

  /** @param isAwaited looked at when a slice begins: true makes it short */
  constructor(clock: Clock, scheduler: Scheduler, isAwaited: () => boolean = () => false) {
    this.#clock = clock
    this.#scheduler = scheduler
    this.#isAwaited = isAwaited
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The longest recent time between two looks at the clock. */
  get longestHold(): Hold {
    return this.#longest
  }

  begin(): void {
    this.#lastLook = this.#clock.monotonic()
    this.#end = this.#lastLook + (this.#isAwaited() ? SHORT_SLICE : SLICE)
    this.#left = this.#stepsPerLook
    this.#isOver = false
  }

  /** Must be called after each step. Returns true after the last step of this slice. */
  spend(): boolean {
    return --this.#left <= 0 && this.look()
  }

  /** Reads the clock. Returns true if the slice is over. */
  look(): boolean {
    const now = this.#clock.monotonic()
    const length = now - this.#lastLook
    this.#lastLook = now
    this.#stepsPerLook = length > SLICE ? 1 : Math.min(this.#stepsPerLook * 2, STEPS_PER_LOOK)
    this.#left = this.#stepsPerLook
    if (length > SLICE && length >= this.#longest.length - (now - this.#longest.end) * FADING) {
      this.#longest = { length, end: now }
    }
    this.#isOver = now >= this.#end
    return this.#isOver
  }

  /** Lets everything else run, then begins the next slice. */
  async giveWay(): Promise<void> {
    await this.#scheduler.yield()
    this.begin()
  }
}
