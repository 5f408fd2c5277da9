import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker, startCluster } from '../../kafka/broker/index.ts'
import type { PrivateCluster, PrivateNode } from '../../kafka/broker/index.ts'
import { freePort } from '../../kafka/broker/jvm-broker.ts'
import { FaultyProxy } from '../../kafka/faulty-proxy.ts'

/** Milliseconds without a heartbeat after which a member counts as dead. */
export const SESSION_TIMEOUT = 3000
export const HEARTBEAT_INTERVAL = 300

const config = {
  'group.streams.session.timeout.ms': String(SESSION_TIMEOUT),
  'group.streams.heartbeat.interval.ms': String(HEARTBEAT_INTERVAL),
  // A new broker takes partitions without leader for deleted: to abort in them would leave them open for ever.
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '5000',
}

/** Brokers behind proxies that can lose responses to any client. */
export class ProxiedBrokers {
  readonly #cluster: PrivateCluster
  readonly #proxies: readonly FaultyProxy[]
  /** Bootstrap addresses of the proxies. */
  readonly addresses: string

  private constructor(cluster: PrivateCluster, proxies: readonly FaultyProxy[], addresses: string) {
    this.#cluster = cluster
    this.#proxies = proxies
    this.addresses = addresses
  }

  static async start(size: number): Promise<ProxiedBrokers> {
    const proxies: FaultyProxy[] = []
    const addresses: string[] = []
    const listeners = []
    for (let index = 0; index < size; index++) {
      const [port, advertisedPort] = [await freePort(), await freePort()]
      proxies.push(await FaultyProxy.listen(advertisedPort, () => port))
      addresses.push(`127.0.0.1:${advertisedPort}`)
      listeners.push({ protocol: 'PLAINTEXT', port, advertisedPort } as const)
    }
    const [listener] = listeners
    try {
      const cluster =
        size === 1 && listener !== undefined
          ? await single({ config, listener })
          : await startCluster({ size, config, listeners })
      return new ProxiedBrokers(cluster, proxies, addresses.join(','))
    } catch (error) {
      for (const proxy of proxies) await proxy.close()
      throw error
    }
  }

  /** Responses that were lost so far. */
  get lost(): number {
    return this.#proxies.reduce((all, { lost }) => all + lost, 0)
  }

  get nodes(): readonly PrivateNode[] {
    return this.#cluster.nodes
  }

  loseReplies(loses: (apiKey: number) => boolean): void {
    for (const proxy of this.#proxies) proxy.loseReplies(loses)
  }

  /** Stops a broker, gracefully or at once, and starts it again `away` ms later. */
  async restart(node: PrivateNode, how: 'kill' | 'shutDown', away: number): Promise<void> {
    await node[how]()
    await sleep(away)
    await node.start()
  }

  async stop(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.close()
    await this.#cluster.stop()
  }
}

async function single(options: Parameters<typeof startBroker>[0]): Promise<PrivateCluster> {
  const broker = await startBroker(options)
  return { brokers: broker.brokers, nodes: [{ id: 1, ...broker }], stop: () => broker.stop() }
}
