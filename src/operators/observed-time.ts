import type { DropReason } from '../record/drop-reason.ts'
import { isWindowClosed, type WindowDefinition } from '../windowing/windows.ts'
import type { OperatorContext } from './operator.ts'

/**
 * The stream time of one operator: the greatest timestamp that reached it, and what passed since while its partitions
 * were idle. Other than the task's it does not count records that were filtered out before. It is kept with the
 * committed offsets, so that a restart does not make late records on time again; Kafka Streams forgets it.
 */
export class ObservedTime {
  readonly #context: OperatorContext
  readonly #key: string
  readonly #kept: boolean
  #time: number
  /** Greatest timestamp of a record, while time has gone on without records; else that is the time itself. */
  #byRecords: number
  #isAhead: boolean

  constructor(context: OperatorContext, key: string) {
    this.#context = context
    this.#key = key
    this.#kept = !context.compatible
    this.#time = this.#kept ? (context.savedTime(key) ?? -1) : -1
    this.#byRecords = (this.#kept ? context.savedTime(this.#recordsKey) : undefined) ?? this.#time
    this.#isAhead = this.#byRecords < this.#time
  }

  /** -1 before the first record. */
  get time(): number {
    return this.#time
  }

  /** Takes a record's timestamp in and returns the time then. */
  advance(timestamp: number): number {
    if (timestamp > this.#time) {
      this.#time = timestamp
      if (this.#kept) this.#context.saveTime(this.#key, timestamp)
      if (this.#isAhead) this.#caughtUp()
    } else if (this.#isAhead && timestamp > this.#byRecords) {
      this.#byRecords = timestamp
      this.#context.saveTime(this.#recordsKey, timestamp)
    }
    return this.#time
  }

  /** Goes on by `ms`, but not beyond `limit`. False if it stays: before the first record, or at the limit. */
  pass(ms: number, limit: number): boolean {
    const time = Math.min(this.#time + ms, limit)
    if (this.#time === -1 || time <= this.#time) return false
    if (!this.#isAhead) {
      this.#isAhead = true
      this.#byRecords = this.#time
      this.#context.saveTime(this.#recordsKey, this.#time)
    }
    this.#time = time
    this.#context.saveTime(this.#key, time)
    return true
  }

  /** Why a record is late for a window that is closed. */
  lateness(windows: WindowDefinition, end: number): DropReason {
    return this.#isAhead && !isWindowClosed(windows, end, this.#byRecords) ? 'late-after-idle' : 'late'
  }

  get #recordsKey(): string {
    return `${this.#key} by records`
  }

  #caughtUp(): void {
    this.#isAhead = false
    this.#context.forgetTime(this.#recordsKey)
  }
}
