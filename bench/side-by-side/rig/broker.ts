import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newClusterId } from '../../../test/kafka/broker/cluster-id.ts'
import { listenerConfig } from '../../../test/kafka/broker/config.ts'
import { brokerClassPath } from '../../../test/kafka/broker/jars.ts'
import { freePort } from '../../../test/kafka/broker/jvm-broker.ts'
import { brokerReady } from '../../../test/kafka/broker/ready.ts'

export interface BenchBroker {
  readonly brokers: string
  /** Undefined where the broker is not this machine's. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

/** Groups are quick to form; everything that a running application meets is the broker's default. */
const settings = {
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'group.streams.initial.rebalance.delay.ms': '0',
}

/**
 * A single-node Kafka 4.3 in a JVM of 1 GB, warmed up by no one: the first run on it is slower for either side.
 *
 * @param more broker settings beside those that all benchmarks have
 */
export async function startBenchBroker(
  directory: string,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchBroker> {
  const classPath = await brokerClassPath('4.3.0')
  mkdirSync(directory, { recursive: true })
  const [port, controllerPort] = await Promise.all([freePort(), freePort()])
  const controllers = new Map([[1, `127.0.0.1:${controllerPort}`]])
  const properties = join(directory, 'server.properties')
  const all = {
    ...listenerConfig({ id: 1, bindHost: '127.0.0.1', port, listener: undefined, controllers }),
    'log.dirs': join(directory, 'data'),
    ...settings,
    ...more,
  }
  writeFileSync(
    properties,
    Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const java = ['-cp', classPath, '-Xmx1g', '-Xms1g']
  const format = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', properties]
  await promisify(execFile)('java', [...java, ...format])
  const log = join(directory, 'broker.log')
  const output = openSync(log, 'a')
  const child = spawn('java', [...java, 'kafka.Kafka', properties], { stdio: ['ignore', output, output] })
  closeSync(output)
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  try {
    await brokerReady(`127.0.0.1:${port}`, ended.signal)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`the broker did not start:\n${readFileSync(log, 'utf8').slice(-4000)}`, { cause: error })
  }
  return {
    brokers: `127.0.0.1:${port}`,
    pid: child.pid,
    stop: async () => {
      process.removeListener('exit', killAtExit)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
