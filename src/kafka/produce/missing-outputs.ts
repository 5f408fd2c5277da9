import type { MissingTopics } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'

/** Time in ms for which brokers may not know a new topic, or any topic when they have just started. */
const PATIENCE = 500

/** Topics that are written to but that no broker knows. */
export class MissingOutputs {
  readonly #options: MissingTopics
  readonly #clock: Clock
  /** Since when each topic has been missing, and whether the application was notified. */
  readonly #topics = new Map<string, { readonly since: number; isNotified: boolean }>()

  constructor(options: MissingTopics, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Time in ms for which a batch is kept for a topic that is missing. */
  get timeout(): number {
    return this.#options.timeout
  }

  missed(name: string): void {
    const now = this.#clock.monotonic()
    let topic = this.#topics.get(name)
    if (topic === undefined) this.#topics.set(name, (topic = { since: now, isNotified: false }))
    if (topic.isNotified || now - topic.since < PATIENCE) return
    topic.isNotified = true
    this.#options.tell(name, true)
  }

  /** Notes that a broker accepted a batch for the topic. */
  found(name: string): void {
    if (this.#topics.size === 0) return
    const isNotified = this.#topics.get(name)?.isNotified
    this.#topics.delete(name)
    if (isNotified === true) this.#options.tell(name, false)
  }
}
