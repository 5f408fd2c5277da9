import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { listenerConfig, testBrokerConfig } from './config.ts'
import { freePort } from './jvm-broker.ts'
import { brokerReady } from './ready.ts'
import type { BrokerOptions, PrivateBroker } from './start-broker.ts'

/** Returns whether a Docker engine responds. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await promisify(execFile)('docker', ['info'], { timeout: 5000 })
    return true
  } catch {
    return false
  }
}

/** Runs the `apache/kafka` image with testcontainers. Brokers advertise the port, so it is the same in and outside. */
export async function startContainerBroker(options: BrokerOptions): Promise<PrivateBroker> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const port = await freePort()
  const ports = options.listener === undefined ? [port] : [port, options.listener.port]
  const controllers = new Map([[1, 'localhost:9093']])
  const config: Record<string, string> = {
    ...listenerConfig({ id: 1, bindHost: '0.0.0.0', port, listener: options.listener, controllers }),
    ...testBrokerConfig(1),
    ...options.config,
  }
  const environment: Record<string, string> = { KAFKA_HEAP_OPTS: '-Xmx512m' }
  for (const [name, value] of Object.entries(config))
    environment[`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`] = value
  const container = await new GenericContainer(`apache/kafka:${options.version ?? '4.3.0'}`)
    .withEnvironment(environment)
    .withExposedPorts(...ports.map((exposed) => ({ container: exposed, host: exposed })))
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
  const brokers = `127.0.0.1:${port}`
  const docker = async (command: string) => void (await promisify(execFile)('docker', [command, container.getId()]))
  const ready = () => brokerReady(brokers, new AbortController().signal)
  await ready()
  return {
    brokers,
    start: async () => {
      await docker('start')
      await ready()
    },
    shutDown: () => docker('stop'),
    kill: () => docker('kill'),
    stop: async () => void (await container.stop()),
  }
}
