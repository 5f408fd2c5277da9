import type { Logger } from '../../application/application.ts'
import type { GroupInstance } from '../../group/group-instances.ts'
import type { Log } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Routes } from './routes.ts'

export interface GroupLookOptions {
  readonly applicationId: string
  readonly log: Pick<Log, 'groupInstances'>
  readonly routes: Routes
  readonly clock: Clock
  readonly logger: Logger
}

/** ms between two looks, however many queries wait for one. */
const PAUSE = 1000
/** ms for which one that was killed may be a member yet, beside the one that was started in its place. */
const TWINS_PASS = 60_000

/** Asks the group where the tasks are when queries find that the routes are old: heartbeats bring them late. */
export class GroupLook {
  readonly #options: GroupLookOptions
  #lookedAt = -Infinity
  /** When the group last said it. */
  #knownAt = -Infinity
  #isLooking = false
  /** By endpoint: since when two processes have been seen to advertise it. */
  readonly #shared = new Map<string, number>()
  readonly #warned = new Set<string>()

  constructor(options: GroupLookOptions) {
    this.#options = options
  }

  /**
   * Looks unless it has just looked. Nobody waits for it: queries try again by themselves.
   *
   * @returns whether the routes are those of the last second
   */
  doubt(): boolean {
    const { clock, routes } = this.#options
    const now = clock.monotonic()
    // Where nobody advertises there is nobody to find.
    if (!this.#isLooking && routes.all.length > 0 && now - this.#lookedAt >= PAUSE) {
      this.#isLooking = true
      void this.#look()
    }
    return now - this.#knownAt < PAUSE
  }

  async #look(): Promise<void> {
    const { applicationId, log, routes, clock, logger } = this.#options
    try {
      const instances = await log.groupInstances(applicationId)
      const found = instances.flatMap(({ endpoint, active, standby }) =>
        endpoint === undefined ? [] : { endpoint, active, standby },
      )
      // While members join again the group has none. None are no reason to look no more.
      if (found.length > 0) routes.replace(found)
      this.#knownAt = clock.monotonic()
      this.#warnOfTwins(instances)
    } catch (err) {
      // The next query that fails looks again, and heartbeats bring routes as well.
      logger.debug({ err }, 'the group could not be asked where its tasks are')
    } finally {
      this.#lookedAt = clock.monotonic()
      this.#isLooking = false
    }
  }

  /** Warns once of an address that several processes advertise: half of what is asked there is elsewhere. */
  #warnOfTwins(instances: readonly GroupInstance[]): void {
    const now = this.#options.clock.monotonic()
    const shared = [...Map.groupBy(instances, ({ endpoint }) => endpoint ?? '')].filter(
      ([endpoint, each]) => endpoint !== '' && each.length > 1,
    )
    for (const endpoint of this.#shared.keys()) {
      if (!shared.some(([each]) => each === endpoint)) this.#shared.delete(endpoint)
    }
    for (const [endpoint, each] of shared) {
      const since = this.#shared.get(endpoint) ?? now
      this.#shared.set(endpoint, since)
      if (now - since < TWINS_PASS || this.#warned.has(endpoint)) continue
      this.#warned.add(endpoint)
      const processes = each.map(({ processId }) => processId)
      this.#options.logger.warn({ endpoint, processes }, 'several instances advertise one address: queries fail there')
    }
  }
}
