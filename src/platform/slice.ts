import type { Clock } from './clock.ts'
import type { Scheduler } from './scheduler.ts'

/** Longest time (ms) of processing before I/O, timers and other threads of the event loop get their turn. */
const SLICE = 10
/** Steps between two looks at the clock: a look at every one would cost more than many a step does. */
const STEPS_PER_LOOK = 8
/**
 * ms that a hold of the event loop loses of its length per ms since it ended, when the longest one is looked for: it is spoken of for
 * twice its length at most, and a later one of about its length takes its place.
 */
const FADING = 0.5

/** A stretch of time in which callbacks kept everything else from running. */
export interface Hold {
  /** ms. */
  readonly length: number
  /** When it ended, by the monotonic clock. */
  readonly end: number
}

/**
 * The share of the event loop that one stream thread takes at a time: heartbeats and fetches go on between two slices. Slow steps (a
 * record, a held-back update) are counted one by one, so that no slice is longer than it must be by more than one of them.
 */
export class Slice {
  readonly #clock: Clock
  readonly #scheduler: Scheduler
  #end = 0
  #lastLook = 0
  #stepsPerLook = STEPS_PER_LOOK
  #left = STEPS_PER_LOOK
  #isOver = false
  #longest: Hold = { length: 0, end: 0 }

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock
    this.#scheduler = scheduler
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The longest time between two looks at the clock, of late. */
  get longestHold(): Hold {
    return this.#longest
  }

  begin(): void {
    this.#lastLook = this.#clock.monotonic()
    this.#end = this.#lastLook + SLICE
    this.#left = this.#stepsPerLook
    this.#isOver = false
  }

  /** To be called after each step; true if it was the last one of this slice. */
  spend(): boolean {
    return --this.#left <= 0 && this.look()
  }

  /** Whether the slice is over by the clock. */
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
