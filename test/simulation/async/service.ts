import type { CallContext } from '../../../src/index.ts'
import type { Random } from '../random.ts'
import type { SimProcess } from '../sim-process.ts'
import { partitionOf } from '../world.ts'
import type { FaultCounter } from '../slow-log.ts'

/** What a call is given, as far as the service needs to know: no two records of a step have the same. */
export interface Called {
  readonly id: string
}

/** What nobody listens to any more. */
const TOO_LATE: unknown = { id: 'too late' }

/** A record that the service refuses for good. */
export class Refused extends Error {}

/** An attempt, from its beginning. */
interface Running {
  readonly key: string
  readonly context: CallContext
  isAnswered: boolean
}

/** What must hold of the calls of a step. */
export interface CallLimits {
  /**
   * `one`: all attempts at a record must have one idempotency key, and no other record that key. `numbered`: another
   * record may have the key of one whose result was not committed.
   */
  readonly keys: 'one' | 'numbered' | 'any'
  readonly concurrency: number
  readonly isSerial: boolean
}

/**
 * A service that is called by every process. The seed decides of each attempt whether and when it is answered: at once,
 * later and in any order, with an error, or never.
 */
export class Service {
  readonly problems: string[] = []
  /** Ids of the records of each step that were called. */
  readonly called = new Map<string, Set<string>>()
  /** From now on every attempt is answered. */
  isCalm = false
  readonly #random: Random
  readonly #counter: FaultCounter
  /** Share of the attempts that fail or hang. */
  readonly #trouble: number
  readonly #wasSent: (id: string) => boolean
  readonly #identityOf = new Map<string, string>()
  readonly #keyOf = new Map<string, string>()
  /** Attempts that may still run, by process, step and partition. */
  readonly #running = new Map<string, Running[]>()
  /** Calls that wait for an answer, by process. */
  readonly #open = new Map<SimProcess, number>()

  /** @param wasSent true if the result of a numbered record is committed */
  constructor(random: Random, counter: FaultCounter, trouble: number, wasSent: (id: string) => boolean) {
    this.#random = random
    this.#wasSent = wasSent
    this.#counter = counter
    this.#trouble = trouble
  }

  /**
   * Returns the function of a step in a process. `answer` is what the service makes of a value.
   */
  callFrom<V extends Called, R>(
    process: SimProcess,
    step: string,
    answer: (value: V, key: string) => R,
    limits: CallLimits,
  ): (value: V, key: string, context: CallContext) => R | PromiseLike<R> {
    return (value, key, context) => {
      this.#note(step, value.id)
      if (limits.keys === 'one') this.#checkKey(`${step} ${value.id}`, context.idempotencyKey)
      if (limits.keys === 'numbered') this.#checkNumber(value.id, context.idempotencyKey)
      const running = { key, context, isAnswered: false }
      this.#checkRunning(`${process.name} ${step}/${partitionOf(key)}`, running, limits)
      try {
        const answered = this.#attempt(process, `${step} ${value.id}`, () => answer(value, key), running)
        if (!(answered instanceof Promise)) running.isAnswered = true
        return answered
      } catch (error) {
        running.isAnswered = true
        throw error
      }
    }
  }

  #note(step: string, id: string): void {
    const ids = this.called.get(step) ?? new Set()
    this.called.set(step, ids.add(id))
  }

  #checkKey(record: string, key: string): void {
    const other = this.#identityOf.get(key) ?? record
    const before = this.#keyOf.get(record) ?? key
    this.#identityOf.set(key, record)
    this.#keyOf.set(record, key)
    if (other !== record) this.problems.push(`the idempotency key ${key} of ${record} is that of ${other}, too`)
    if (before !== key) this.problems.push(`the idempotency key of ${record} was ${before}, and then ${key}`)
  }

  #checkNumber(id: string, key: string): void {
    const other = this.#identityOf.get(key) ?? id
    this.#identityOf.set(key, id)
    if (other === id || !this.#wasSent(other)) return
    this.problems.push(`the idempotency key ${key} of ${id} is that of ${other}, whose result was committed`)
  }

  #checkRunning(place: string, attempt: Running, { concurrency, isSerial }: CallLimits): void {
    const all = [...(this.#running.get(place) ?? []), attempt]
    const isCrowded = all.length > concurrency || (isSerial && all.filter(({ key }) => key === attempt.key).length > 1)
    // Asking for the signal makes one: most attempts are to go without.
    const running = isCrowded ? all.filter(({ isAnswered, context }) => !isAnswered && !context.signal.aborted) : all
    this.#running.set(place, running)
    if (!isCrowded) return
    if (running.length > concurrency) this.problems.push(`${place}: ${running.length} calls run at once`)
    if (isSerial && running.filter(({ key }) => key === attempt.key).length > 1) {
      this.problems.push(`${place}: two calls of ${attempt.key} run at once`)
    }
  }

  #attempt<R>(process: SimProcess, name: string, answer: () => R, running: Running): R | PromiseLike<R> {
    const random = this.#random
    if (!this.isCalm && random.chance(this.#trouble)) return this.#fail(process, name, running)
    if (random.chance(0.15)) return answer()
    return this.#later(process, `answers ${name}`, running, (resolve, reject) => {
      try {
        resolve(answer())
      } catch (error) {
        reject(error)
      }
    })
  }

  #fail(process: SimProcess, name: string, running: Running): Promise<never> {
    const error = new Error('the service is out of order')
    switch (this.#random.below(5)) {
      case 0:
        this.#counter.count('call fails at once')
        throw error
      case 1:
      case 2:
        this.#counter.count('call fails later')
        return this.#later(process, `fails ${name}`, running, (_resolve, reject) =>
          reject(this.#random.chance(0.2) ? undefined : error),
        )
      case 3:
        this.#counter.count('call hangs')
        return new Promise(() => {})
      default:
        this.#counter.count('call hangs until it is aborted')
        return new Promise((_resolve, reject) =>
          running.context.signal.addEventListener('abort', () => reject(running.context.signal.reason)),
        )
    }
  }

  /** A process that has crashed hears of nothing any more. */
  #later<R>(
    process: SimProcess,
    what: string,
    running: Running,
    settle: (resolve: (result: R) => void, reject: (error: unknown) => void) => void,
  ): Promise<R> {
    this.#opened(process)
    return new Promise<R>((resolve, reject) =>
      process.later(`the service ${what}`, () => {
        this.#open.set(process, (this.#open.get(process) ?? 0) - 1)
        running.isAnswered = true
        if (!running.context.signal.aborted) return settle(resolve, reject)
        this.#counter.count('answer after the attempt was aborted')
        resolve(TOO_LATE as R)
      }),
    )
  }

  #opened(process: SimProcess): void {
    const open = this.#open.get(process)
    this.#open.set(process, (open ?? 0) + 1)
    if (open !== undefined) return
    process.onEnd.push(() => {
      if ((this.#open.get(process) ?? 0) > 0) this.#counter.count('process ends with calls in flight')
      this.#open.delete(process)
    })
  }
}
