import type { Log } from 'millrace'
import type { LogReader } from '../../src/log/log.ts'

/** ms between two portions: a reader of a log in memory has at most 256 KiB of a partition at once. */
const PAUSE = 1000

/** A log whose readers outside of groups, such as those of restores, get a portion now and then. */
export class TricklingLog {
  readonly log: Log
  #pause = PAUSE
  readonly #wakes = new Set<() => void>()

  constructor(inner: Log) {
    this.log = overridden(inner, 'openReader', () => this.#trickling(inner.openReader()))
  }

  /** Nothing comes any more. */
  hold(): void {
    this.#pause = Infinity
  }

  /** Everything comes. */
  release(): void {
    this.#pause = 0
    for (const wake of this.#wakes) wake()
  }

  #trickling(inner: LogReader): LogReader {
    let last = -Infinity
    let wake: (() => void) | undefined
    this.#wakes.add(() => wake?.())
    const poll: LogReader['poll'] = (receive) => {
      const now = performance.now()
      if (now < last + this.#pause) return 0
      last = now
      setTimeout(() => wake?.(), PAUSE)
      return inner.poll(receive)
    }
    const onReady: LogReader['onReady'] = (callback) => {
      wake = callback
      inner.onReady(callback)
    }
    return overridden(overridden(inner, 'poll', poll), 'onReady', onReady)
  }
}

function overridden<T extends object, Name extends keyof T>(target: T, name: Name, method: T[Name]): T {
  return new Proxy(target, {
    get(of, asked) {
      if (asked === name) return method
      const member: unknown = Reflect.get(of, asked, of)
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
}
