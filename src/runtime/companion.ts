import type { Application } from '../application/application.ts'
import type { Health, HealthCheck } from '../health/health.ts'
import type { RestoreSnapshot } from '../health/snapshot.ts'
import type { Log } from '../log/log.ts'
import type { MetricsOptions } from '../metrics/metrics-options.ts'
import type { Sample } from '../metrics/samples.ts'
import type { MetricsSnapshot } from '../metrics/snapshot.ts'
import { option, Place, type Option } from '../options/options.ts'
import type { Peers } from '../query/remote/peer-door.ts'
import type { AskedStore } from '../query/store-queries.ts'
import type { ViewsByKind } from '../query/views.ts'
import type { StoreKind, StoreRef } from '../topology/store-ref.ts'
import type { Topology } from '../topology/topology.ts'
import type { InstanceCounters } from './counters/instance-counters.ts'
import type { Instance } from './instance.ts'
import type { StreamsState, StreamsStatus } from './streams-status.ts'

/**
 * Something that lives and ends with a running application: a server that reads its stores, a connector, a reporter.
 * `Streams.start` gets the companions of an application, and `attach` adds one later. They live in the main thread,
 * wherever the tasks run.
 *
 * @example
 * ```ts
 * class Heartbeat implements Companion {
 *   readonly name = 'heartbeat'
 *   #timer: NodeJS.Timeout | undefined
 *
 *   start(streams: CompanionHost): void {
 *     this.#timer = setInterval(() => console.log(streams.state, streams.status().processed), 10_000)
 *   }
 *   stop(): void {
 *     clearInterval(this.#timer)
 *   }
 *   status(): object {
 *     return { isBeating: this.#timer !== undefined }
 *   }
 * }
 * ```
 */
export interface Companion {
  /** Its name in logs and in the status. Companions of one application have different names. */
  readonly name: string
  /**
   * Called once the stream threads run; stores may still be restoring. `Streams.start` waits for it. If it throws, the
   * companions that were started before are stopped, the application is closed, and `Streams.start` throws the error.
   */
  start(streams: CompanionHost): Promise<void> | void
  /**
   * Called when the application closes or fails. Its stream threads stop when this has ended. An error is logged. It
   * must not wait for `streams.close()` or `streams.closed`, which wait for it.
   */
  stop(): Promise<void> | void
  /** Returns what it is doing, for `Streams.status()`, as data for JSON. Called often. An error is shown as `error`. */
  status(): object
  /** Returns what `Streams.health` is to show among the checks of liveness. Called often. */
  checks?(): readonly HealthCheck[]
  /** @internal Returns what it has counted. Called whenever metrics are read. */
  samples?(): readonly Sample[]
}

/** A running application as its companions see it. `Streams` is one. */
export interface CompanionHost {
  readonly app: Application
  readonly topology: Topology
  /** The log of the application's records. It stays open when the application closes. */
  readonly log: Log
  /** Becomes `pending-shutdown` or `pending-error` before companions are stopped. */
  readonly state: StreamsState
  /** Resolves when the application has ended in good order, rejects with the error that ended it. */
  readonly closed: Promise<void>
  whenRunning(): Promise<void>
  /** Returns a store to be asked: see `Streams.store`. */
  store<Kind extends StoreKind, K, V>(ref: StoreRef<Kind, K, V>): ViewsByKind<K, V>[Kind]
  store<View extends { readonly name: string }>(name: string): View
  /** @internal Returns a store to be asked by serialized keys. @throws MR_STORE_UNKNOWN */
  askedStore(name: string): AskedStore
  /** @internal What other instances of the application may ask, and what they are asked. */
  readonly peers: Peers
  stores<S>(name: string): S[]
  status(): StreamsStatus
  health(): Health
  /** @internal Returns the stores of this process that are being restored. */
  restores(): readonly RestoreSnapshot[]
  /** @internal True after `Streams.drain`: clients had better connect elsewhere. */
  readonly isDraining: boolean
  /** @internal What companions count. */
  readonly counters: InstanceCounters
  /** Returns all metrics of this instance: see `Streams.metrics`. */
  metrics(options?: MetricsOptions): MetricsSnapshot
  /** Starts a companion of an application that runs already, and waits for it. */
  attach(companion: Companion): Promise<void>
  /** Stops a companion before the application closes, and waits for it. */
  detach(companion: Companion): Promise<void>
  /** Returns the instances of the application that this process knows, itself among them: see `Streams.instances`. */
  instances(): Instance[]
  close(): Promise<void>
}

const METHODS = ['start', 'stop', 'status'] as const

export const companionsOption: Option<readonly Companion[]> = option<readonly Companion[]>(
  'list of companions',
  {
    default: [],
    defaultText: 'none',
    description: '[what lives and ends with the application](#companions), in the order in which it is started',
  },
  (value, place) => {
    if (!Array.isArray(value)) throw place.refuse(value, 'Give a list of companions.')
    const names = new Set<string>()
    for (const [index, companion] of value.entries())
      names.add(checked(companion, names, place.inner(`[${index}]`)).name)
    return [...value]
  },
)

/** Checks what `attach` was given. @param names those that are taken. @throws MR_CONFIG */
export function readCompanion(companion: unknown, names: ReadonlySet<string>): Companion {
  return checked(companion, names, new Place('attach()', 'companion', companionsOption))
}

function checked(value: unknown, names: ReadonlySet<string>, place: Place): Companion {
  const companion = value as Companion | null | undefined
  const lacks = METHODS.filter((method) => typeof companion?.[method] !== 'function')
  if (companion === null || companion === undefined || lacks.length > 0) {
    throw place.refuse(companion, `Give a companion: it has ${lacks.join('(), ')}().`)
  }
  const { name } = companion
  if (typeof name !== 'string' || name === '') throw place.inner('.name').refuse(name, 'Give it a name.')
  if (names.has(name)) throw place.inner('.name').refuse(name, 'Give each companion a name of its own.')
  return companion
}
