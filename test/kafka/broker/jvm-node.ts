import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brokerReady } from './ready.ts'

const javaOptions = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

export interface JvmNodeOptions {
  readonly id: number
  /** Directory of its data, settings and log. */
  readonly directory: string
  readonly classPath: string
  /** Port of its listener for clients on this machine. */
  readonly address: string
  readonly config: Readonly<Record<string, string>>
}

/** One Kafka node in a JVM, with its data in a directory that outlives it. */
export class JvmNode {
  readonly id: number
  readonly address: string
  readonly #java: readonly string[]
  readonly #properties: string
  readonly #log: string
  #child: ChildProcess | undefined

  constructor({ id, directory, classPath, address, config }: JvmNodeOptions) {
    mkdirSync(directory, { recursive: true })
    this.id = id
    this.address = address
    this.#properties = join(directory, 'server.properties')
    this.#log = join(directory, 'broker.log')
    const log4jFile = join(directory, 'log4j2.properties')
    this.#java = ['-cp', classPath, ...javaOptions, `-Dlog4j2.configurationFile=${log4jFile}`]
    writeFileSync(log4jFile, log4j)
    writeFileSync(this.#properties, propertiesText({ 'log.dirs': join(directory, 'data'), ...config }))
  }

  async format(clusterId: string): Promise<void> {
    const args = ['format', '-t', clusterId, '-c', this.#properties]
    await promisify(execFile)('java', [...this.#java, 'kafka.tools.StorageTool', ...args])
  }

  /** Resolves when it responds as part of a cluster that knows all of `nodes`. */
  async start(nodes: readonly number[] = [this.id]): Promise<void> {
    const output = openSync(this.#log, 'a')
    const started = spawn('java', [...this.#java, 'kafka.Kafka', this.#properties], {
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    this.#child = started
    process.once('exit', this.#killAtExit)
    const ended = new AbortController()
    started.once('exit', () => ended.abort())
    try {
      await brokerReady(this.address, ended.signal, nodes)
    } catch (error) {
      await this.end('SIGKILL')
      const text = readFileSync(this.#log, 'utf8').slice(-4000)
      throw new Error(`Kafka node ${this.id} did not start:\n${text}`, { cause: error })
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#child
    this.#child = undefined
    process.removeListener('exit', this.#killAtExit)
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill(signal)
    await exited
  }

  readonly #killAtExit = (): void => void this.#child?.kill('SIGKILL')
}

function propertiesText(config: Readonly<Record<string, string>>): string {
  return Object.entries(config)
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
