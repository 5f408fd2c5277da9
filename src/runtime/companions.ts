import type { Logger } from '../application/application.ts'
import { messageOf, MillraceError } from '../errors/millrace-error.ts'
import type { HealthCheck } from '../health/health.ts'
import type { Sample } from '../metrics/samples.ts'
import { ignoreRejection, isThenable } from '../platform/thenable.ts'
import { readCompanion, type Companion, type CompanionHost } from './companion.ts'

/** The companions of one application. They are started in order, and stopped once, in reverse order. */
export class Companions {
  readonly #given: readonly Companion[]
  readonly #logger: Logger
  readonly #started: Companion[] = []
  /** Names that are taken, by companions that are still to be started as well. */
  readonly #names: Set<string>
  /** A companion that is detached while the application closes is stopped once, and both wait for it. */
  readonly #stops = new WeakMap<Companion, Promise<void>>()
  #stopped: Promise<void> | undefined

  constructor(given: readonly Companion[], logger: Logger) {
    this.#given = given
    this.#names = new Set(given.map(({ name }) => name))
    this.#logger = logger
  }

  /**
   * Starts one companion after the other. `stop` does not wait for one that is still starting, because it may itself
   * wait for the application: it is stopped here when it has started, and no other is started after it.
   */
  async start(streams: CompanionHost): Promise<void> {
    for (const companion of this.#given) {
      if (this.#stopped !== undefined) return
      await this.#startOne(companion, streams)
    }
  }

  /** Starts one more. @throws MR_CONFIG, MR_CLOSED if the application is closing, or closes before it has started */
  async attach(companion: Companion, streams: CompanionHost): Promise<void> {
    const { name } = readCompanion(companion, this.#names)
    if (this.#stopped !== undefined) throw closed(name)
    this.#names.add(name)
    try {
      await this.#startOne(companion, streams)
    } catch (error) {
      this.#names.delete(name)
      throw error
    }
    if (this.#stopped !== undefined) throw closed(name)
  }

  /** Stops one before the application closes, and forgets it. @throws what its `stop` throws */
  async detach(companion: Companion): Promise<void> {
    if (!this.#started.includes(companion)) return
    try {
      await this.#stopOf(companion)
    } finally {
      const at = this.#started.indexOf(companion)
      if (at !== -1) this.#started.splice(at, 1)
      this.#names.delete(companion.name)
    }
  }

  async #startOne(companion: Companion, streams: CompanionHost): Promise<void> {
    this.#stops.delete(companion)
    await companion.start(streams)
    this.#started.push(companion)
    if (this.#stopped !== undefined) await this.#stopOne(companion)
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stopAll(this.#started.toReversed()))
  }

  async #stopAll(companions: readonly Companion[]): Promise<void> {
    for (const companion of companions) await this.#stopOne(companion)
  }

  async #stopOne(companion: Companion): Promise<void> {
    try {
      await this.#stopOf(companion)
    } catch (error) {
      this.#logger.error({ companion: companion.name, err: error }, 'a companion could not be stopped')
    }
  }

  #stopOf(companion: Companion): Promise<void> {
    const known = this.#stops.get(companion)
    if (known !== undefined) return known
    // It is known before it begins: `stop` may itself detach the companion.
    const stop = Promise.resolve().then(() => companion.stop())
    this.#stops.set(companion, stop)
    return stop
  }

  /** What they let the health of the application show. One that throws has a check that fails. */
  checks(): readonly HealthCheck[] {
    return this.#started.flatMap((companion) => {
      try {
        return companion.checks?.() ?? []
      } catch (error) {
        return { name: companion.name, ok: false, message: messageOf(error) }
      }
    })
  }

  samples(): readonly Sample[] {
    return this.#started.flatMap((companion) => companion.samples?.() ?? [])
  }

  status(): ReadonlyMap<string, object> {
    return new Map(this.#started.map((companion) => [companion.name, statusOf(companion)]))
  }
}

function closed(name: string): MillraceError {
  return new MillraceError('MR_CLOSED', `the application is closed: the companion ${name} cannot be attached`, {
    hint: 'Attach it while the application runs.',
  })
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
