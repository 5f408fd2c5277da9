import type { Logger } from '../application/application.ts'
import { ignoreRejection, isThenable } from '../platform/thenable.ts'
import type { Companion, CompanionHost } from './companion.ts'

/** The companions of one application. They are started in order, and stopped once, in reverse order. */
export class Companions {
  readonly #given: readonly Companion[]
  readonly #logger: Logger
  readonly #started: Companion[] = []
  #stopped: Promise<void> | undefined

  constructor(given: readonly Companion[], logger: Logger) {
    this.#given = given
    this.#logger = logger
  }

  /**
   * Starts one companion after the other. `stop` does not wait for one that is still starting, because it may itself
   * wait for the application: it is stopped here when it has started, and no other is started after it.
   */
  async start(streams: CompanionHost): Promise<void> {
    for (const companion of this.#given) {
      if (this.#stopped !== undefined) return
      await companion.start(streams)
      this.#started.push(companion)
      if (this.#stopped !== undefined) await this.#stopOne(companion)
    }
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stopAll(this.#started.toReversed()))
  }

  async #stopAll(companions: readonly Companion[]): Promise<void> {
    for (const companion of companions) await this.#stopOne(companion)
  }

  async #stopOne(companion: Companion): Promise<void> {
    try {
      await companion.stop()
    } catch (error) {
      this.#logger.error({ companion: companion.name, err: error }, 'a companion could not be stopped')
    }
  }

  status(): ReadonlyMap<string, object> {
    return new Map(this.#started.map((companion) => [companion.name, statusOf(companion)]))
  }
}

/** Returns an error instead of throwing it: applications are asked for their status on timers, which it would end. */
function statusOf(companion: Companion): object {
  try {
    const status = companion.status()
    if (!isThenable(status)) return status
    ignoreRejection(status)
    return { error: new TypeError('status() returned a promise') }
  } catch (error) {
    return { error }
  }
}
