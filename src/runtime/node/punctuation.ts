import type { Clock } from '../../platform/clock.ts'
import type { Cancellable, PunctuationType } from '../../topology/processor-api.ts'
import { DueHeap } from '../../platform/due-heap.ts'
import type { Due } from '../../platform/due-heap.ts'

interface Punctuator extends Due {
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

/** ms by which the date must have gone another way than the monotonic clock since the last look to have been set. */
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
  readonly #streamTime: DueHeap<Punctuator>
  readonly #wallClock: DueHeap<Punctuator>
  #scheduled = 0
  /** Smallest due stream time: one comparison a record when nothing is due. */
  #nextStreamTime = Infinity
  /** What the date was ahead of the monotonic clock when anchors were last translated. */
  #dateAhead: number
  /**
   * Stream time up to which punctuators ran before a restart; what is scheduled meanwhile falls due after it, or each restart
   * would add a punctuation. -1: none.
   */
  resumedFrom = -1

  constructor(clock: Clock, compatible: boolean) {
    this.#clock = clock
    this.#streamTime = new DueHeap(compatible)
    this.#wallClock = new DueHeap(compatible)
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
    const punctuator: Punctuator = {
      node,
      interval,
      callback,
      anchor,
      due,
      sequence: this.#scheduled++,
      cancelled: false,
    }
    if (!isWallClock && due <= this.resumedFrom) passOver(punctuator, this.resumedFrom)
    const heap = isWallClock ? this.#wallClock : this.#streamTime
    heap.add(punctuator)
    this.#nextStreamTime = nextDue(this.#streamTime)
    return {
      cancel: () => {
        punctuator.cancelled = true
        heap.remove(punctuator)
        this.#nextStreamTime = nextDue(this.#streamTime)
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
    this.#nextStreamTime = nextDue(this.#streamTime)
    return ran
  }

  /** True if any punctuator ran. */
  punctuateWallClock(run: RunPunctuator): boolean {
    if (this.#wallClock.first === undefined) return false
    const now = this.#clock.monotonic()
    return runDue(this.#wallClock, now, this.#followDate(now), run)
  }

  /** When the next wall-clock punctuator falls due, by the monotonic clock; Infinity if there is none. */
  get nextWallClock(): number {
    return nextDue(this.#wallClock)
  }

  /** Translates anchors again if the date went another way than the monotonic clock; returns the date. */
  #followDate(now: number): number {
    const date = this.#clock.now()
    const before = this.#dateAhead
    const drift = date - now - before
    if (drift === 0) return date
    this.#dateAhead = date - now
    this.#wallClock.reorder((punctuator) => {
      const { anchor, interval } = punctuator
      if (anchor === undefined) return
      if (Math.abs(drift) <= LEAP) {
        // Clocks are never quite alike. A punctuator that ran before its date would run again at it, and be told the hour before.
        punctuator.due -= drift
        return
      }
      const wasLeaptOver = punctuator.due + before <= date
      punctuator.due = firstFrom(anchor - this.#dateAhead, interval, wasLeaptOver ? now - interval + 1 : now)
    })
    return date
  }
}

function runDue(punctuators: DueHeap<Punctuator>, time: number, told: number, run: RunPunctuator): boolean {
  let ran = false
  while (nextDue(punctuators) <= time) {
    const punctuator = punctuators.take()
    if (punctuator === undefined || punctuator.cancelled) continue
    ran = true
    try {
      run(punctuator.node, punctuator.callback, told)
    } finally {
      passOver(punctuator, time)
      if (!punctuator.cancelled) punctuators.add(punctuator)
    }
  }
  return ran
}

/** Next due at the first multiple of the interval after `time`. */
function passOver(punctuator: Punctuator, time: number): void {
  punctuator.due += (Math.floor((time - punctuator.due) / punctuator.interval) + 1) * punctuator.interval
}

/** The first multiple of the interval from `anchor` that is not before `time`. */
function firstFrom(anchor: number, interval: number, time: number): number {
  return anchor >= time ? anchor : anchor + Math.ceil((time - anchor) / interval) * interval
}

function nextDue(punctuators: DueHeap<Punctuator>): number {
  return punctuators.first?.due ?? Infinity
}
