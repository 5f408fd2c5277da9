import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newClusterId } from './cluster-id.ts'
import { listenerConfig, testBrokerConfig } from './config.ts'
import { brokerClassPath } from './jars.ts'
import { JvmNode } from './jvm-node.ts'
import type { BrokerOptions, ClusterOptions, PrivateBroker, PrivateCluster } from './start-broker.ts'

/** A single-node KRaft broker in a JVM of its own, with its data in a temporary directory. */
export async function startJvmBroker({ listener, ...options }: BrokerOptions): Promise<PrivateBroker> {
  const listeners = listener === undefined ? {} : { listeners: [listener] }
  const cluster = await startJvmCluster({ ...options, ...listeners, size: 1 })
  const node = cluster.nodes[0]!
  return {
    brokers: cluster.brokers,
    start: () => node.start(),
    shutDown: () => node.shutDown(),
    kill: () => node.kill(),
    stop: () => cluster.stop(),
  }
}

/** Settings with which the brokers left take over soon. */
const failover = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' }

/** KRaft nodes, each broker and controller in a JVM of its own, with their data in a temporary directory. */
export async function startJvmCluster(options: ClusterOptions): Promise<PrivateCluster> {
  const classPath = await brokerClassPath(options.version ?? '4.3.0')
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const ids = Array.from({ length: options.size }, (_, index) => index + 1)
  const controllers = new Map<number, string>()
  for (const id of ids) controllers.set(id, `127.0.0.1:${await freePort()}`)
  const nodes: JvmNode[] = []
  for (const id of ids) {
    const port = await freePort()
    const listener = options.listeners?.[id - 1]
    nodes.push(
      new JvmNode({
        id,
        directory: join(directory, String(id)),
        classPath,
        address: `127.0.0.1:${port}`,
        config: {
          ...listenerConfig({ id, bindHost: '127.0.0.1', port, listener, controllers }),
          ...testBrokerConfig(options.size),
          ...(options.size > 1 ? failover : {}),
          ...options.config,
        },
      }),
    )
  }
  const clusterId = newClusterId()
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.end('SIGKILL')))
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all(nodes.map((node) => node.format(clusterId)))
    await Promise.all(nodes.map((node) => node.start(ids)))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    brokers: nodes.map(({ address }) => address).join(','),
    nodes: nodes.map((node) => ({
      id: node.id,
      start: () => node.start(),
      shutDown: () => node.end('SIGTERM'),
      kill: () => node.end('SIGKILL'),
    })),
    stop,
  }
}

/** Ports below those that systems give to connections, which could take one of those before a broker listens. */
const PORTS = { from: 20_000, to: 32_000 }

/** Returns a port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue
      throw error
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
