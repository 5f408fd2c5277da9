import type { OperatorContext } from './operator.ts'

/**
 * The stream time of one operator: the greatest timestamp that reached it. Other than the task's it does not count records
 * that were filtered out before. It is kept with the committed offsets, so that a restart does not make late records on
 * time again; Kafka Streams forgets it.
 */
export class ObservedTime {
  readonly #context: OperatorContext
  readonly #key: string
  readonly #kept: boolean
  #time: number

  constructor(context: OperatorContext, key: string) {
    this.#context = context
    this.#key = key
    this.#kept = !context.compatible
    this.#time = this.#kept ? (context.savedTime(key) ?? -1) : -1
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
    }
    return this.#time
  }
}
