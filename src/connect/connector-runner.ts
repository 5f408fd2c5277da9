import type { Logger } from '../application/application.ts'
import { messageOf } from '../errors/millrace-error.ts'
import type { Spec } from './define-connectors.ts'
import { ConnectorThread, type ThreadOptions } from './thread/connector-thread.ts'
import { ConnectorCounters, statusOfIdle, type ConnectorStatus } from './thread/counters.ts'

/** What happens when a connector fails: all end, or the others go on, and it does after a pause. */
export type AfterFailure = 'end' | 'go on'

interface RunnerOptions extends Omit<ThreadOptions, 'counters'> {
  readonly logger: Logger
  readonly afterFailure: AfterFailure
  readonly isPaused: () => boolean
}

/**
 * One connector through its pauses. While it is paused it is no member of its group and has nothing open:
 *
 * ```
 *           pause                 fails, and others go on
 * running ────────▶ paused      running ────────▶ failed
 *    ▲                │            ▲                 │ pause
 *    └──── resume ────┘            └─── resume ─── paused
 * ```
 */
export class ConnectorRunner {
  readonly spec: Spec
  readonly #options: RunnerOptions
  readonly #counters = new ConnectorCounters()
  #thread: ConnectorThread | undefined
  #changed = Promise.withResolvers<void>()
  #failure: string | undefined
  #isStopping = false
  #isEnding = false
  #isOver = false

  constructor(options: RunnerOptions) {
    this.spec = options.spec
    this.#options = options
  }

  /** True if nothing more comes of it: with `untilEnd`, a paused one is not waited for. */
  get isOver(): boolean {
    return this.#isOver
  }

  status(): ConnectorStatus {
    if (this.#thread !== undefined) return this.#thread.status()
    const isPaused = !this.#isOver && this.#options.isPaused()
    const state = this.#failure !== undefined && !isPaused ? 'failed' : isPaused ? 'paused' : 'stopped'
    return statusOfIdle(this.spec, this.#counters, state, state === 'failed' ? this.#failure : undefined)
  }

  stop(): void {
    this.#isStopping = true
    this.changed()
  }

  /** Lets a sink end when it has written what is in its topics now. */
  end(): void {
    this.#isEnding = true
    this.#thread?.end()
  }

  /** Looks again whether it is paused or to be stopped. */
  changed(): void {
    if (this.#isStopping || this.#options.isPaused()) this.#thread?.stop()
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** Resolves when it was stopped, or is done. Rejects with what it fails with, if the others are to end. */
  async run(): Promise<void> {
    try {
      while (!this.#isStopping) {
        if (this.#options.isPaused()) {
          this.#failure = undefined
          if (this.#options.untilEnd) return
          await this.#changed.promise
        } else if (this.#failure !== undefined) await this.#changed.promise
        else if (await this.#runOnce()) return
      }
    } finally {
      this.#isOver = true
    }
  }

  /** Returns true if it is done. */
  async #runOnce(): Promise<boolean> {
    const { logger, afterFailure } = this.#options
    const thread = new ConnectorThread({ ...this.#options, counters: this.#counters })
    this.#thread = thread
    if (this.#isEnding) thread.end()
    try {
      await thread.run()
      if (thread.state === 'done') return true
    } catch (err) {
      logger.error({ connector: this.spec.name, err }, 'connector failed')
      if (afterFailure === 'end') throw err
      this.#failure = messageOf(err)
    }
    this.#thread = undefined
    return false
  }
}
