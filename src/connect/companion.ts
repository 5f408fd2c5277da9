import type { HealthCheck } from '../health/health.ts'
import { Samples, type Sample } from '../metrics/samples.ts'
import { readOptions, text, type TableOf } from '../options/options.ts'
import { systemClock } from '../platform/clock.ts'
import { eventLoopScheduler } from '../platform/scheduler.ts'
import type { Companion, CompanionHost } from '../runtime/companion.ts'
import type { Connectors } from './define-connectors.ts'
import { startConnectors, type RunningConnectors } from './running-connectors.ts'
import { CONNECTOR_STATES, type ConnectorStatus } from './thread/counters.ts'

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

  /** A connector that has failed is begun again by a restart alone, or by being paused and resumed. */
  checks(): readonly HealthCheck[] {
    return this.#connectors.map(({ name, state, reason }) => {
      const message = reason === undefined ? state : `${state}: ${reason}`
      return { name: `connector ${name}`, ok: state !== 'failed', message }
    })
  }

  /** @internal */
  samples(): readonly Sample[] {
    const samples = new Samples()
    for (const { name: connector, kind, state, records, bad, commits, retries, lag } of this.#connectors) {
      for (const each of CONNECTOR_STATES)
        samples.add('millrace_connector_state', { connector, state: each }, each === state ? 1 : 0)
      samples.add('millrace_connector_records_total', { connector, kind }, records)
      samples.add('millrace_connector_bad_records_total', { connector }, bad)
      samples.add('millrace_connector_commits_total', { connector }, commits)
      samples.add('millrace_connector_retries_total', { connector }, retries)
      if (lag !== undefined) samples.add('millrace_connector_lag_records', { connector }, lag)
    }
    return samples.list()
  }

  get #connectors(): readonly ConnectorStatus[] {
    return this.#running?.status() ?? []
  }

  status(): { readonly connectors: readonly ConnectorStatus[] } {
    return { connectors: this.#connectors }
  }
}
