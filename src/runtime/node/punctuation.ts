import type { Clock } from '../../platform/clock.ts'
import type { Cancellable, PunctuationType } from '../../topology/processor-api.ts'
import { DueHeap, type Due } from '../../platform/due-heap.ts'

interface Punctuator extends Due {
  readonly node: string
  readonly interval: number
  readonly callback: (timestamp: number) => void
  /** Date from which wall-clock punctuation counts its intervals; undefined in stream time. */
  readonly anchor: number | undefined
  /** A stream time, or a time of the monotonic clock. */
  due: number
  cancelled: boolean
}

/** Calls one punctuator of a node; the task attributes errors and clears the record context around it. */
export type RunPunctuator = (node: string, callback: (timestamp: number) => void, timestamp: number) => void

/** ms: if the date and the monotonic clock have drifted apart by more since the last look, the date was set. */
const LEAP = 100

/**
 * The punctuators of a task. However many intervals have passed, a punctuator runs once, with the current time as its
 * argument. It is next due at the first multiple of its interval after that.
 *
 * Wall-clock punctuation goes by the monotonic clock, so that it goes on when the date is set back; its argument is the
 * date. With an anchor it keeps to the multiples of its interval from that date: when the date is set, it is due at the
 * next multiple, or at once if one was leapt over.
 */
export class PunctuationQueue {
  readonly #clock: Clock
  readonly #streamTime: DueHeap<Punctuator>
  readonly #wallClock: DueHeap<Punctuator>
  #scheduled = 0
  /** Punctuator whose callback runs: it is in no heap meanwhile. */
  #running: Punctuator | undefined
  /** Smallest due stream time. A record costs one comparison when nothing is due. */
  #nextStreamTime = Infinity
  /** ms that the date was ahead of the monotonic clock when anchors were last translated. */
  #dateAhead: number
  /** During `init`, stream time that punctuators reached before a restart: a restart adds no punctuation. Else -1. */
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
      anchor: isWallClock ? anchor : undefined,
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

  /** Returns a time of the monotonic clock: one interval from now, or the anchor's first multiple that is not past. */
  #firstWallClock(interval: number, anchor: number | undefined): number {
    const now = this.#clock.monotonic()
    if (anchor === undefined) return now + interval
    this.#followDate(now)
    return firstFrom(anchor - this.#dateAhead, interval, now)
  }

  /** Returns true if any punctuator ran. */
  punctuateStreamTime(streamTime: number, run: RunPunctuator): boolean {
    if (streamTime < this.#nextStreamTime) return false
    const ran = this.#runDue(this.#streamTime, streamTime, streamTime, run)
    this.#nextStreamTime = nextDue(this.#streamTime)
    return ran
  }

  /** Returns true if any punctuator ran. */
  punctuateWallClock(run: RunPunctuator): boolean {
    if (this.#wallClock.first === undefined) return false
    const now = this.#clock.monotonic()
    return this.#runDue(this.#wallClock, now, this.#followDate(now), run)
  }

  #runDue(punctuators: DueHeap<Punctuator>, time: number, told: number, run: RunPunctuator): boolean {
    let ran = false
    while (nextDue(punctuators) <= time) {
      const punctuator = punctuators.take()
      if (punctuator === undefined || punctuator.cancelled) continue
      ran = true
      // Before the callback: if that finds that the date was set, what is translated is the time that is due next.
      passOver(punctuator, time)
      this.#running = punctuator
      try {
        run(punctuator.node, punctuator.callback, told)
      } finally {
        this.#running = undefined
        if (!punctuator.cancelled) punctuators.add(punctuator)
      }
    }
    return ran
  }

  /** Time of the monotonic clock at which the next wall-clock punctuator is due; Infinity if there is none. */
  get nextWallClock(): number {
    return nextDue(this.#wallClock)
  }

  /** Returns the date. If it and the monotonic clock have drifted apart, translates anchors again. */
  #followDate(now: number): number {
    const date = this.#clock.now()
    const before = this.#dateAhead
    const drift = date - now - before
    if (drift === 0) return date
    this.#dateAhead = date - now
    const translate = (punctuator: Punctuator): void => {
      const { anchor, interval } = punctuator
      if (anchor === undefined) return
      if (Math.abs(drift) <= LEAP) {
        // Clocks drift. A punctuator that ran just before its date would get the hour before, and run again at it.
        punctuator.due -= drift
        return
      }
      const wasLeaptOver = punctuator.due + before <= date
      punctuator.due = firstFrom(anchor - this.#dateAhead, interval, wasLeaptOver ? now - interval + 1 : now)
    }
    this.#wallClock.reorder(translate)
    if (this.#running !== undefined) translate(this.#running)
    return date
  }
}

/** Makes it due at the first multiple of the interval after `time`. */
function passOver(punctuator: Punctuator, time: number): void {
  punctuator.due += (Math.floor((time - punctuator.due) / punctuator.interval) + 1) * punctuator.interval
}

/** Returns the first multiple of the interval from `anchor` that is not before `time`. */
function firstFrom(anchor: number, interval: number, time: number): number {
  return anchor >= time ? anchor : anchor + Math.ceil((time - anchor) / interval) * interval
}

function nextDue(punctuators: DueHeap<Punctuator>): number {
  return punctuators.first?.due ?? Infinity
}
