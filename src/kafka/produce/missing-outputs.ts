import type { MissingTopics } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'

/** ms for which brokers may not know of a topic that is new, or of any when they have just started. */
const PATIENCE = 500

/** Topics that are written to and that no broker knows. */
export class MissingOutputs {
  readonly #options: MissingTopics
  readonly #clock: Clock
  /** Since when, and whether that was told. */
  readonly #topics = new Map<string, { readonly since: number; isTold: boolean }>()

  constructor(options: MissingTopics, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** ms for which a batch is kept for a topic that is missing. */
  get timeout(): number {
    return this.#options.timeout
  }

  missed(name: string): void {
    const now = this.#clock.monotonic()
    let topic = this.#topics.get(name)
    if (topic === undefined) this.#topics.set(name, (topic = { since: now, isTold: false }))
    if (topic.isTold || now - topic.since < PATIENCE) return
    topic.isTold = true
    this.#options.tell(name, true)
  }

  /** A batch for the topic was taken. */
  found(name: string): void {
    if (this.#topics.size === 0) return
    const isTold = this.#topics.get(name)?.isTold
    this.#topics.delete(name)
    if (isTold === true) this.#options.tell(name, false)
  }
}
