import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface PeerOptions {
  /** Result of `javaClassPath`. */
  readonly classPath: string
  readonly brokers: string
  readonly applicationId: string
  readonly workload: string
  readonly input: string
  readonly output: string
  readonly exactlyOnce: boolean
  readonly stateDirectory: string
  /** Approximate number of records after which it closes; 0: when it is asked to. */
  readonly records: number
}

/** An application of the Java library, as bench/java/KafkaStreamsRunner.java runs it, in a JVM of its own. */
export class KafkaStreamsPeer {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #said = ''

  constructor(options: PeerOptions) {
    // It does not leave its group when it is closed: the session has to end.
    const settings = [
      'session.timeout.ms=3000',
      'heartbeat.interval.ms=500',
      'commit.interval.ms=200',
      // The records of the workloads are years old, and so are their windows.
      'windowstore.changelog.additional.retention.ms=315360000000',
    ]
    const flags = [
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    ]
    this.#child = spawn('java', ['-cp', options.classPath, ...flags, 'KafkaStreamsRunner'], {
      env: {
        ...process.env,
        BOOTSTRAP: options.brokers,
        RUN_ID: options.applicationId,
        WORKLOAD: options.workload,
        INPUT: options.input,
        OUTPUT: options.output,
        GUARANTEE: options.exactlyOnce ? 'eos' : 'alos',
        STATE_DIR: options.stateDirectory,
        RECORDS: String(options.records),
        KAFKA_STREAMS_SETTINGS: settings.join(','),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString('utf8')
      })
    }
    this.#ended = once(this.#child, 'exit')
    const killAtExit = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', killAtExit)
    this.#child.once('exit', () => process.removeListener('exit', killAtExit))
  }

  /** Resolves when it has closed in good order. */
  async closed(): Promise<void> {
    await this.#ended
    if (!this.#said.includes('\nCLOSED ')) throw new Error(`Kafka Streams did not close:\n${this.#said.slice(-4000)}`)
  }

  /** Ends it; what it had committed is committed. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }
}
