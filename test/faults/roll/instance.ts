import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliProcess } from '../../cli/cli-process.ts'
import { freePort } from '../../kafka/broker/jvm-broker.ts'
import { within } from '../kit/within.ts'
import { ROLL_ID } from './app.ts'

/**
 * ms between two looks at a probe, and how many must fail before a load balancer sends requests elsewhere. A rebalance
 * is one of all instances, and one that restores a little is not ready for that moment.
 */
const LOOK = 100
const FAILURES = 5
/** ms between the signal and the close, for which requests are still answered: the balancer notices in time. */
const DRAIN = 1500
const PATIENCE = 60_000

export interface RolledSettings {
  readonly id: string
  readonly brokers: string
  readonly directory: string
  readonly groupProtocol: 'streams' | 'classic'
}

/** One of the instances, as a deployment runs it: a command, on an address that stays. */
export class RolledInstance {
  readonly #settings: RolledSettings
  readonly #directory: string
  readonly #port: number
  #process: CliProcess
  /** False: a load balancer sends it no more requests. */
  isReady = false

  private constructor(settings: RolledSettings, port: number, version: string) {
    this.#settings = settings
    this.#port = port
    this.#directory = join(settings.directory, String(port))
    mkdirSync(this.#directory, { recursive: true })
    writeFileSync(this.#tokenFile, 'the-instances-of-a-roll-know-each-other\n', { mode: 0o600 })
    this.#process = this.#spawn(version)
  }

  static async start(settings: RolledSettings, version: string): Promise<RolledInstance> {
    return new RolledInstance(settings, await freePort(), version)
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get errors(): string {
    return this.#process.stderr
  }

  /** Looks at its probe again and again, and sends it requests or not by that. */
  async watch(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      failures = (await this.#look()) ? 0 : failures + 1
      this.isReady = failures === 0 || (this.isReady && failures < FAILURES)
      await sleep(LOOK)
    }
  }

  async #look(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/readyz`, { headers: { connection: 'close' } })
      await response.body?.cancel()
      return response.ok
    } catch {
      return false
    }
  }

  async whenReady(): Promise<void> {
    const deadline = performance.now() + PATIENCE
    while (!this.isReady) {
      if (performance.now() > deadline) throw new Error(`${this.url} is not ready:\n${this.errors}`)
      await sleep(LOOK)
    }
  }

  /** Ends the process as a roll does, and starts the other version in its place. */
  async replace(version: string): Promise<void> {
    await this.stop()
    this.isReady = false
    this.#process = this.#spawn(version)
    await this.whenReady()
  }

  /** @throws Error unless it ends by itself, with its last commit */
  async stop(): Promise<void> {
    this.#process.signal('SIGTERM')
    const { code } = await within(PATIENCE, this.#process.result(), `${this.url} does not end`)
    if (code !== 0) throw new Error(`${this.url} ended with ${code}:\n${this.errors}`)
  }

  async kill(): Promise<void> {
    this.#process.signal('SIGKILL')
    await this.#process.result()
  }

  get #tokenFile(): string {
    return join(this.#directory, 'token')
  }

  #spawn(version: string): CliProcess {
    const { brokers, groupProtocol, id } = this.#settings
    const address = `127.0.0.1:${this.#port}`
    return new CliProcess(
      [
        ...['run', join(import.meta.dirname, `${version}.ts`), '--kafka', brokers, '--group-protocol', groupProtocol],
        ...['--data', this.#directory, '--http', address, '--advertise', address],
        ...['--peer-token-file', this.#tokenFile, '--drain', `${DRAIN}ms`, '--log-format', 'json'],
      ],
      { [ROLL_ID]: id },
    )
  }
}
