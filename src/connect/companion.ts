import { readOptions, text, type TableOf } from '../options/options.ts'
import { systemClock } from '../platform/clock.ts'
import { eventLoopScheduler } from '../platform/scheduler.ts'
import type { Companion, CompanionHost } from '../runtime/companion.ts'
import type { Connectors } from './define-connectors.ts'
import { startConnectors, type RunningConnectors } from './running-connectors.ts'
import type { ConnectorStatus } from './thread/counters.ts'

/** The options of `connectors`. */
export interface ConnectorsOptions {
  /** Names this instance for good: see `runConnectors`. Default: none */
  readonly instanceId?: string
}

export const CONNECTORS = {
  instanceId: text({ defaultText: 'none', description: 'names this instance for good: see `runConnectors`' }),
} satisfies TableOf<ConnectorsOptions>

/**
 * Hangs connectors on an application: they run on its log while it runs. One that fails does not end the application:
 * its status says so, and the others go on.
 *
 * @throws MR_CONFIG
 * @example
 * ```ts
 * const streams = await Streams.start(app, { log, companions: [connectors(shop)] })
 * streams.status().companions.get('shop') // { connectors: [{ name: 'buoys', state: 'running', … }] }
 * ```
 */
export function connectors(definition: Connectors, given: ConnectorsOptions = {}): Companion {
  return new ConnectorsCompanion(definition, readOptions(CONNECTORS, given, 'connectors()').instanceId)
}

class ConnectorsCompanion implements Companion {
  readonly name: string
  readonly #definition: Connectors
  readonly #instanceId: string | undefined
  #running: RunningConnectors | undefined

  constructor(definition: Connectors, instanceId: string | undefined) {
    this.name = definition.id
    this.#definition = definition
    this.#instanceId = instanceId
  }

  async start({ log }: CompanionHost): Promise<void> {
    const here = { clock: systemClock, scheduler: eventLoopScheduler, untilEnd: false, instanceId: this.#instanceId }
    this.#running = await startConnectors(this.#definition, { ...here, log }, 'go on')
  }

  async stop(): Promise<void> {
    // A connector that has failed has been logged: it must not look like a failure to stop.
    await this.#running?.close().catch(() => {})
  }

  status(): { readonly connectors: readonly ConnectorStatus[] } {
    return { connectors: this.#running?.status() ?? [] }
  }
}
