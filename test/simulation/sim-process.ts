import type { Clock, TimerHandle } from '../../src/platform/clock.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import { isPromise } from '../../src/platform/maybe-promise.ts'
import type { ManualClock } from '../../src/platform/manual-clock.ts'
import type { Scheduler } from '../../src/platform/scheduler.ts'
import type { Actor, Schedule } from './schedule.ts'

interface Timer {
  readonly callback: () => void
  handle: TimerHandle | undefined
}

/** A process of the application. It schedules everything that the process waits for. */
export class SimProcess implements Actor {
  readonly name: string
  readonly schedule: Schedule
  /** The share of answers that come at once. */
  readonly promptness: number
  /** The requests of this process that are on their way. They may arrive although the process has ended. */
  readonly #network: Actor & { stopped: boolean }
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #timers = new Set<Timer>()
  readonly #clock: ManualClock
  /** Difference in ms between the date of this process and that of the others. */
  skew = 0
  paused = false
  #crashed = false
  #buried = false
  /** Called when the process ends in any way. Its writes under way are not decided yet. */
  readonly onEnd: (() => void)[] = []

  constructor(name: string, schedule: Schedule, clock: ManualClock, promptness: number) {
    this.name = name
    this.schedule = schedule
    this.#clock = clock
    this.promptness = promptness
    this.#network = { name: `${name}>`, stopped: false }
  }

  get stopped(): boolean {
    return this.paused || this.#crashed
  }

  get crashed(): boolean {
    return this.#crashed
  }

  /** Stops everything in the process. Requests on their way may still arrive. */
  crash(): void {
    if (this.schedule.random.chance(0.5)) this.silence()
    this.end()
  }

  end(): void {
    this.#crashed = true
    this.schedule.forget(this)
    for (const decide of this.onEnd) decide()
  }

  /** Drops its requests on their way to the log. */
  silence(): void {
    this.#network.stopped = true
    this.schedule.forget(this.#network)
  }

  /** Makes everything that waits in a crashed process fail, so that it takes no memory. */
  bury(): void {
    this.#crashed = true
    this.#buried = true
    this.schedule.forget(this)
    this.schedule.forget(this.#network)
    const timers = [...this.#timers]
    this.#timers.clear()
    for (const timer of timers) {
      timer.handle?.cancel()
      timer.callback()
    }
    for (const reject of this.#waiting) reject(new Error('the process is dead'))
    this.#waiting.clear()
  }

  assertAlive(): void {
    if (this.#buried) throw new Error('the process is dead')
  }

  /** Calls `run` some time later, if the process still lives. */
  later(what: string, run: () => void): void {
    if (!this.#crashed) this.schedule.add(this, what, run)
  }

  /** Does something within the process that takes some time. */
  local<T>(what: string, act: () => MaybePromise<T>): MaybePromise<T> {
    this.assertAlive()
    if (!this.#crashed && this.schedule.random.chance(this.promptness)) return act()
    return this.#wait((resolve, reject) => this.later(what, () => settle(act, resolve, reject)))
  }

  /**
   * Sends a request to the log. The request and its answer both take some time. `receive` gets the answer before the
   * process does.
   */
  request<T>(
    what: string,
    act: () => MaybePromise<T>,
    receive: (answer: T) => T = (answer) => answer,
  ): MaybePromise<T> {
    this.assertAlive()
    if (!this.#crashed && this.schedule.random.chance(this.promptness)) {
      const answer = act()
      if (!isPromise(answer)) return receive(answer)
      return this.#wait((resolve, reject) => answer.then((found) => resolve(receive(found)), reject))
    }
    return this.#wait((resolve, reject) => {
      const respond = (answer: T): void => this.later(`${what} answered`, () => resolve(receive(answer)))
      const fail = (error: unknown): void => this.later(`${what} refused`, () => reject(error))
      this.schedule.add(this.#network, what, () => settle(act, respond, fail))
    })
  }

  #wait<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject)
      // After a crash nothing settles any more, until `bury` makes it fail.
      const settled = (): boolean => !this.#crashed && this.#waiting.delete(reject)
      start(
        (value) => {
          if (settled()) resolve(value)
        },
        (error) => {
          if (settled()) reject(error)
        },
      )
    })
  }

  readonly clock: Clock = {
    now: () => this.#clock.now() + this.skew,
    monotonic: () => this.#clock.monotonic(),
    schedule: (delayMs, callback) => {
      const timer: Timer = { callback, handle: undefined }
      if (this.#buried) return { cancel() {} }
      this.#timers.add(timer)
      timer.handle = this.#clock.schedule(delayMs, () => {
        if (this.#crashed) return
        this.later('timer', () => {
          if (this.#timers.delete(timer)) callback()
        })
      })
      return {
        cancel: () => {
          this.#timers.delete(timer)
          timer.handle?.cancel()
        },
      }
    },
  }

  readonly scheduler: Scheduler = {
    yield: async () => {
      this.assertAlive()
      await this.#wait<void>((resolve) => this.later('goes on', () => resolve()))
    },
    random: () => this.schedule.random.next(),
  }
}

function settle<T>(act: () => MaybePromise<T>, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    const answer = act()
    if (isPromise(answer)) answer.then(resolve, reject)
    else resolve(answer)
  } catch (error) {
    reject(error)
  }
}
