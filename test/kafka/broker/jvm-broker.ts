import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listenerConfig, testBrokerConfig } from './config.ts'
import { brokerClassPath } from './jars.ts'
import { brokerReady } from './ready.ts'
import type { BrokerOptions, PrivateBroker } from './start-broker.ts'

const javaOptions = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** A single-node KRaft broker in a JVM of its own, with its data in a temporary directory. */
export async function startJvmBroker(options: BrokerOptions): Promise<PrivateBroker> {
  const classPath = await brokerClassPath(options.version ?? '4.3.0')
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const [port, controllerPort] = await Promise.all([freePort(), freePort()])
  const properties = join(directory, 'server.properties')
  const log = join(directory, 'broker.log')
  writeFileSync(properties, propertiesText(directory, port, controllerPort, options))
  writeFileSync(join(directory, 'log4j2.properties'), log4j)
  const java = ['-cp', classPath, ...javaOptions, `-Dlog4j2.configurationFile=${join(directory, 'log4j2.properties')}`]
  const clusterId = randomBytes(16).toString('base64url')
  await promisify(execFile)('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties])

  const brokers = `127.0.0.1:${port}`
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const output = openSync(log, 'a')
    const started = spawn('java', [...java, 'kafka.Kafka', properties], { stdio: ['ignore', output, output] })
    closeSync(output)
    child = started
    const ended = new AbortController()
    started.once('exit', () => ended.abort())
    try {
      await brokerReady(brokers, ended.signal)
    } catch (error) {
      await end('SIGKILL')
      throw new Error(`the Kafka broker did not start:\n${readFileSync(log, 'utf8').slice(-4000)}`, { cause: error })
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill(signal)
    await exited
  }

  const killAtExit = () => child?.kill('SIGKILL')
  process.once('exit', killAtExit)
  await start()
  return {
    brokers,
    start,
    shutDown: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGKILL')
      process.removeListener('exit', killAtExit)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function propertiesText(directory: string, port: number, controllerPort: number, options: BrokerOptions): string {
  const all: Record<string, string> = {
    ...listenerConfig('127.0.0.1', port, `127.0.0.1:${controllerPort}`, options.listener),
    'log.dirs': join(directory, 'data'),
    ...testBrokerConfig,
    ...options.config,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value.replaceAll('\n', '\\n')}\n`)
    .join('')
}

const log4j = `rootLogger.level=WARN
rootLogger.appenderRef.stdout.ref=STDOUT
appender.console.name=STDOUT
appender.console.type=Console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
`

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = addressOf(server.address())
  server.close()
  await once(server, 'close')
  return port
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('not a TCP server')
  return address
}
