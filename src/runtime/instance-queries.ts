import type { Application, Logger } from '../application/application.ts'
import { systemClock } from '../platform/clock.ts'
import { InstanceRows } from '../query/remote/instance-rows.ts'
import { noToken, PeerClient } from '../query/remote/peer-client.ts'
import { LocalDoor, type PeerDoor, type Peers } from '../query/remote/peer-door.ts'
import { formatOf } from '../query/remote/wire.ts'
import { knownStore, StoreQueries, type StoreQueriesOptions } from '../query/store-queries.ts'
import { PeerToken } from '../credentials/peer-token.ts'
import { PemFiles } from '../credentials/pem-files.ts'
import type { Topology } from '../topology/topology.ts'
import type { InstanceCounters } from './counters/instance-counters.ts'
import { GroupLook } from './routes/group-look.ts'
import { Routes } from './routes/routes.ts'
import type { Options } from './streams-options.ts'
import type { StreamsState } from './streams-status.ts'
import { ThreadRows } from './thread-rows.ts'
import type { ThreadHandle } from './thread/thread-handle.ts'

export interface InstanceQueriesOptions {
  readonly app: Application
  readonly topology: Topology
  readonly options: Options
  readonly credentials: PeerCredentials
  readonly threads: () => readonly ThreadHandle[]
  readonly state: () => StreamsState
  readonly counters: InstanceCounters
}

/** What this instance is known by to others, and they to it. */
export interface PeerCredentials {
  readonly token: PeerToken | undefined
  readonly pems: PemFiles | undefined
}

/** @throws MR_SERVER_TOKENS, MR_SERVER_CERTIFICATE */
export async function openCredentials(
  { peerToken, peerTls }: Pick<Options, 'peerToken' | 'peerTls'>,
  logger: Logger,
): Promise<PeerCredentials> {
  const token = peerToken === undefined ? undefined : await PeerToken.open(peerToken, logger)
  const pems = peerTls === undefined ? undefined : await PemFiles.open(peerTls, logger)
  return { token, pems }
}

/** Queries of this process: to its own tasks and to other instances, and from those. */
export class InstanceQueries implements Peers {
  /** Where the tasks of the application are, as far as this process knows. */
  readonly routes = new Routes()
  readonly door: PeerDoor
  readonly stores: StoreQueries
  readonly #client: PeerClient | undefined

  constructor({ app, topology, options, credentials, threads, state, counters }: InstanceQueriesOptions) {
    const { clock = systemClock, log, advertise } = options
    const { guarantee, logger } = app.settings
    const local = new ThreadRows(threads, state)
    const formatOfStore = (store: string): string => formatOf(knownStore(topology, store).spec)
    const look = new GroupLook({ applicationId: app.id, log, routes: this.routes, clock, logger })
    const { token, pems } = credentials
    if (token !== undefined || pems !== undefined) {
      this.#client = new PeerClient({ application: app.id, clock, token: async () => token?.text(), pems })
    }
    this.door = new LocalDoor(app.id, local, formatOfStore, async (given) => (await token?.accepts(given)) ?? false)
    const owners = new InstanceRows({
      local,
      own: advertise,
      hostsOf: (store, partition) => {
        const subtopology = topology.subtopologies.find(({ stores }) => stores.includes(store))?.id ?? -1
        return this.routes.hostsOf({ subtopology, partition })
      },
      doubt: () => look.doubt(),
      client: this.#client,
      formatOf: formatOfStore,
    })
    const count: StoreQueriesOptions['count'] = (...query) => counters.query(...query)
    this.stores = new StoreQueries({ topology, applicationId: app.id, log, clock, owners, guarantee, count })
  }

  async read(endpoint: string, path: string, deadline: number): Promise<unknown> {
    if (this.#client === undefined) throw noToken({})
    return this.#client.read(endpoint, path, deadline)
  }

  /** Closes the connections to other instances. */
  close(): void {
    this.#client?.close()
  }
}
