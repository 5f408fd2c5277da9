import type { Cluster } from './cluster.ts'
import { KafkaError } from '../protocol/errors.ts'
import { backoff, pause } from './retry.ts'

/** The part of a `Cluster` that `LeaderRefresh` uses. */
export type MetadataSource = Pick<Cluster, 'options' | 'refresh'>

/** Asks for the metadata of topics, one request at a time, with growing pauses while requests fail. */
export class LeaderRefresh {
  readonly #cluster: MetadataSource
  readonly #signal: AbortSignal
  readonly #onAnswer: (topics: ReadonlySet<string>, refused: Error | undefined) => void
  #wanted = new Set<string>()
  #running = false

  /** @param onAnswer called after each response; `refused` is the error if asking again is useless */
  constructor(
    cluster: MetadataSource,
    signal: AbortSignal,
    onAnswer: (topics: ReadonlySet<string>, refused: Error | undefined) => void,
  ) {
    this.#cluster = cluster
    this.#signal = signal
    this.#onAnswer = onAnswer
  }

  want(topic: string): void {
    this.#wanted.add(topic)
    if (!this.#running) void this.#run()
  }

  async #run(): Promise<void> {
    this.#running = true
    let failures = 0
    // Topics named in the same turn are asked for together.
    await undefined
    while (this.#wanted.size > 0 && !this.#signal.aborted) {
      const asked = this.#wanted
      this.#wanted = new Set()
      let failed: Error | undefined
      try {
        await this.#cluster.refresh([...asked])
        failures = 0
      } catch (error) {
        failed = error instanceof Error ? error : new Error(String(error))
      }
      if (this.#signal.aborted) return
      if (failed === undefined || !(failed instanceof KafkaError) || !failed.retriable) {
        this.#onAnswer(asked, failed)
      } else {
        for (const topic of asked) this.#wanted.add(topic)
        await pause(this.#cluster.options.clock, backoff(this.#cluster.options, failures++), this.#signal)
      }
    }
    this.#running = false
  }
}
