import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError, isMillraceError } from '../../../errors/millrace-error.ts'
import { systemClock } from '../../../platform/clock.ts'
import { problemPart } from '../../http/problem.ts'
import type { Served } from '../../http/route.ts'
import { viewOf } from './instance-view.ts'
import type { InstanceView, Overview, SeenInstance } from './shown.ts'

/** Where an instance shows others what it is and does. A later version that shows something else has another path. */
export const VIEW_PATH = '/internal/v1/view'

/** ms between two rounds. */
const EVERY = 1000
/** ms for which a round waits. What comes later is in the next one. */
const PATIENCE = 600
/** ms after which an instance that has not answered is given up, and asked again. */
const TIMEOUT = 5000

interface Known {
  view?: InstanceView
  problem?: NonNullable<SeenInstance['problem']>
  isAsked: boolean
}

/**
 * Looks at all instances once a second while somebody looks, however many they are, and never otherwise: whoever asks
 * first in a second begins the round that all others of that second share.
 */
export class Lookout {
  readonly #served: Served
  readonly #known = new Map<string, Known>()
  #round: { readonly number: number; readonly overview: Promise<Overview> } | undefined

  constructor(served: Served) {
    this.#served = served
  }

  /** Returns a round each second until the signal aborts. @throws the reason of the signal */
  async *follow(signal: AbortSignal): AsyncGenerator<Overview, void> {
    for (;;) {
      signal.throwIfAborted()
      yield await this.look()
      const rest = EVERY - (systemClock.monotonic() % EVERY)
      await sleep(rest, undefined, { signal }).catch(() => {})
    }
  }

  /** Returns the round of this second. */
  look(): Promise<Overview> {
    const number = Math.floor(systemClock.monotonic() / EVERY)
    if (this.#round?.number !== number) this.#round = { number, overview: this.#look() }
    return this.#round.overview
  }

  async #look(): Promise<Overview> {
    const { streams } = this.#served
    const [own, ...others] = streams.instances()
    const endpoints = others.flatMap(({ endpoint }) => endpoint ?? [])
    for (const endpoint of this.#known.keys()) if (!endpoints.includes(endpoint)) this.#known.delete(endpoint)
    const asked = endpoints.map((endpoint) => this.#ask(endpoint))
    if (asked.length > 0) {
      const waiting = new AbortController()
      await Promise.race([Promise.all(asked), sleep(PATIENCE, undefined, waiting).catch(() => {})])
      waiting.abort()
    }
    const seen = [own, ...others].flatMap((instance): SeenInstance[] => {
      if (instance === undefined) return []
      const { endpoint = null, isLocal, active, standby } = instance
      const { view, problem }: Partial<Known> = isLocal
        ? { view: viewOf(this.#served) }
        : (this.#known.get(endpoint ?? '') ?? {})
      return [
        {
          endpoint,
          isLocal,
          active,
          standby,
          ...(view === undefined ? {} : { view }),
          ...(problem === undefined ? {} : { problem }),
        },
      ]
    })
    return { at: systemClock.monotonic(), instances: seen }
  }

  /** Asks another instance, unless it still owes an answer. */
  async #ask(endpoint: string): Promise<void> {
    const known = this.#known.get(endpoint) ?? { isAsked: false }
    this.#known.set(endpoint, known)
    if (known.isAsked) return
    known.isAsked = true
    try {
      known.view = await this.#view(endpoint)
      delete known.problem
    } catch (error) {
      known.problem = problemPart(visible(error), this.#served.streams.app.settings.logger)
    } finally {
      known.isAsked = false
    }
  }

  async #view(endpoint: string): Promise<InstanceView> {
    const { streams } = this.#served
    const view = (await streams.peers.read(endpoint, VIEW_PATH, systemClock.monotonic() + TIMEOUT)) as InstanceView
    if (view.app === streams.app.id) return view
    throw new MillraceError('MR_QUERY_PEER', `the instance at ${endpoint} is one of ${view.app}`, {
      hint: 'Give each instance an address of its own to advertise.',
    })
  }
}

/** Whatever an instance answers must not look like a failure of this one. */
function visible(error: unknown): unknown {
  if (isMillraceError(error)) return error
  return new MillraceError('MR_QUERY_PEER', 'the instance answers what is no view', { cause: error })
}
