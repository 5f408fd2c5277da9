import type { Clock } from '../platform/clock.ts'
import type { Cancellable, PunctuationType } from '../topology/processor-api.ts'

interface Punctuator {
  readonly node: string
  readonly interval: number
  readonly callback: (timestamp: number) => void
  /** The date that wall-clock punctuation keeps to multiples from. */
  readonly anchor: number | undefined
  /** In stream time, or by the monotonic clock. */
  due: number
  cancelled: boolean
}

/** Calls one punctuator of a node; the task attributes errors and clears the record context around it. */
export type RunPunctuator = (node: string, callback: (timestamp: number) => void, timestamp: number) => void

/** ms by which the date must have gone another way than the monotonic clock to have been set. */
const LEAP = 100

/**
 * The punctuators of a task. However many intervals have passed, a punctuator runs once, with the current time as argument,
 * and is next due at the first multiple of its interval after that.
 *
 * Wall-clock punctuation goes by the monotonic clock, so that it goes on when the date is set back; it is told the date. What is
 * anchored to a date keeps to the multiples from there: when the date is set, it falls due at the next one, at once if one was leapt over.
 */
export class PunctuationQueue {
  readonly #clock: Clock
  readonly #streamTime: Punctuator[] = []
  readonly #wallClock: Punctuator[] = []
  /** Smallest due stream time: one comparison a record when nothing is due. */
  #nextStreamTime = Infinity
  /** What the date was ahead of the monotonic clock when anchors were last translated. */
  #dateAhead: number
  /**
   * Stream time up to which punctuators ran before a restart; what is scheduled meanwhile falls due after it, or each restart
   * would add a punctuation. -1: none.
   */
  resumedFrom = -1

  constructor(clock: Clock) {
    this.#clock = clock
    this.#dateAhead = clock.now() - clock.monotonic()
  }

  schedule(
    node: string,
    interval: number,
    type: PunctuationType,
    callback: (timestamp: number) => void,
    anchor: number | undefined,
  ): Cancellable {
    const isWallClock = type === 'wall-clock-time'
    const due = isWallClock ? this.#firstWallClock(interval, anchor) : (anchor ?? 0)
    const punctuator: Punctuator = { node, interval, callback, anchor, due, cancelled: false }
    if (!isWallClock && due <= this.resumedFrom) passOver(punctuator, this.resumedFrom)
    const list = isWallClock ? this.#wallClock : this.#streamTime
    list.push(punctuator)
    this.#nextStreamTime = smallestDue(this.#streamTime)
    return {
      cancel: () => {
        punctuator.cancelled = true
        const at = list.indexOf(punctuator)
        if (at >= 0) list.splice(at, 1)
        this.#nextStreamTime = smallestDue(this.#streamTime)
      },
    }
  }

  /** By the monotonic clock: one interval from now, or at the first multiple from the anchor that is not past. */
  #firstWallClock(interval: number, anchor: number | undefined): number {
    const now = this.#clock.monotonic()
    if (anchor === undefined) return now + interval
    this.#followDate(now)
    return firstFrom(anchor - this.#dateAhead, interval, now)
  }

  /** True if any punctuator ran. */
  punctuateStreamTime(streamTime: number, run: RunPunctuator): boolean {
    if (streamTime < this.#nextStreamTime) return false
    const ran = runDue(this.#streamTime, streamTime, streamTime, run)
    this.#nextStreamTime = smallestDue(this.#streamTime)
    return ran
  }

  /** True if any punctuator ran. */
  punctuateWallClock(run: RunPunctuator): boolean {
    if (this.#wallClock.length === 0) return false
    const now = this.#clock.monotonic()
    return runDue(this.#wallClock, now, this.#followDate(now), run)
  }

  /** When the next wall-clock punctuator falls due, by the monotonic clock; Infinity if there is none. */
  get nextWallClock(): number {
    return smallestDue(this.#wallClock)
  }

  /** Translates anchors anew if the date was set; returns the date. */
  #followDate(now: number): number {
    const date = this.#clock.now()
    const before = this.#dateAhead
    if (Math.abs(date - now - before) <= LEAP) return date
    this.#dateAhead = date - now
    for (const punctuator of this.#wallClock) {
      if (punctuator.anchor === undefined) continue
      const { anchor, interval } = punctuator
      const wasLeaptOver = punctuator.due + before <= date
      punctuator.due = firstFrom(anchor - this.#dateAhead, interval, wasLeaptOver ? now - interval + 1 : now)
    }
    return date
  }
}

function runDue(punctuators: readonly Punctuator[], time: number, told: number, run: RunPunctuator): boolean {
  const due = punctuators.filter((punctuator) => punctuator.due <= time).sort((a, b) => a.due - b.due)
  for (const punctuator of due) {
    if (punctuator.cancelled) continue
    passOver(punctuator, time)
    run(punctuator.node, punctuator.callback, told)
  }
  return due.length > 0
}

/** Next due at the first multiple of the interval after `time`. */
function passOver(punctuator: Punctuator, time: number): void {
  punctuator.due += (Math.floor((time - punctuator.due) / punctuator.interval) + 1) * punctuator.interval
}

/** The first multiple of the interval from `anchor` that is not before `time`. */
function firstFrom(anchor: number, interval: number, time: number): number {
  return anchor >= time ? anchor : anchor + Math.ceil((time - anchor) / interval) * interval
}

function smallestDue(punctuators: readonly Punctuator[]): number {
  let smallest = Infinity
  for (const punctuator of punctuators) if (punctuator.due < smallest) smallest = punctuator.due
  return smallest
}
