import type { Cancellable, PunctuationType } from '../topology/processor-api.ts'

interface Punctuator {
  readonly node: string
  readonly interval: number
  readonly callback: (timestamp: number) => void
  due: number
  cancelled: boolean
}

/** Calls one punctuator of a node; the task attributes errors and clears the record context around it. */
export type RunPunctuator = (node: string, callback: (timestamp: number) => void, timestamp: number) => void

/**
 * The punctuators of a task. However many intervals have passed, a punctuator runs once, with the current time as argument,
 * and is next due at the first multiple of its interval after that.
 */
export class PunctuationQueue {
  readonly #streamTime: Punctuator[] = []
  readonly #wallClock: Punctuator[] = []
  /** Smallest due stream time: one comparison a record when nothing is due. */
  #nextStreamTime = Infinity
  /**
   * Stream time up to which punctuators ran before a restart; what is scheduled meanwhile falls due after it, or each restart
   * would add a punctuation. -1: none.
   */
  resumedFrom = -1

  schedule(
    node: string,
    interval: number,
    type: PunctuationType,
    callback: (timestamp: number) => void,
    start: number | undefined,
    now: number,
  ): Cancellable {
    const punctuator: Punctuator = {
      node,
      interval,
      callback,
      due: start ?? (type === 'stream-time' ? 0 : now + interval),
      cancelled: false,
    }
    const list = type === 'stream-time' ? this.#streamTime : this.#wallClock
    // An anchored wall-clock punctuator first falls due at the first multiple from its anchor that is not past.
    if (type === 'wall-clock-time' && start !== undefined && punctuator.due < now) {
      punctuator.due += Math.ceil((now - punctuator.due) / interval) * interval
    }
    if (type === 'stream-time' && punctuator.due <= this.resumedFrom) passOver(punctuator, this.resumedFrom)
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

  /** True if any punctuator ran. */
  punctuateStreamTime(streamTime: number, run: RunPunctuator): boolean {
    if (streamTime < this.#nextStreamTime) return false
    const ran = runDue(this.#streamTime, streamTime, run)
    this.#nextStreamTime = smallestDue(this.#streamTime)
    return ran
  }

  punctuateWallClock(now: number, run: RunPunctuator): boolean {
    return this.#wallClock.length > 0 && runDue(this.#wallClock, now, run)
  }

  /** Wall-clock time at which the next punctuator falls due; Infinity if there is none. */
  get nextWallClock(): number {
    return smallestDue(this.#wallClock)
  }
}

function runDue(punctuators: readonly Punctuator[], time: number, run: RunPunctuator): boolean {
  const due = punctuators.filter((punctuator) => punctuator.due <= time).sort((a, b) => a.due - b.due)
  for (const punctuator of due) {
    if (punctuator.cancelled) continue
    passOver(punctuator, time)
    run(punctuator.node, punctuator.callback, time)
  }
  return due.length > 0
}

/** Next due at the first multiple of the interval after `time`. */
function passOver(punctuator: Punctuator, time: number): void {
  punctuator.due += (Math.floor((time - punctuator.due) / punctuator.interval) + 1) * punctuator.interval
}

function smallestDue(punctuators: readonly Punctuator[]): number {
  let smallest = Infinity
  for (const punctuator of punctuators) if (punctuator.due < smallest) smallest = punctuator.due
  return smallest
}
