import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaOptions } from 'millrace/kafka'
import type { Random } from '../../simulation/random.ts'
import { AppProcess } from '../kit/app-process.ts'
import { SESSION_TIMEOUT } from '../kit/brokers.ts'
import { coreWait } from '../kit/core-wait.ts'
import { within } from '../kit/within.ts'
import { PEER_TOKEN } from './app.ts'
import type { AskedSettings } from './app.ts'
import type { AskedProcessSettings, AskedStatus } from './asked-main.ts'
import { PeerProxy } from './peer-proxy.ts'

const MAIN = join(import.meta.dirname, 'asked-main.ts')
const CLOSE_PATIENCE = 40_000
/** ms for a process to run again after it was started, on a machine that is busy. */
const START_PATIENCE = 60_000

/** What happens to processes: the last two keep their tasks for a while, and the group takes a zombie for dead. */
export const PROCESS_FAULTS = ['kill', 'wipe', 'stop', 'zombie', 'pause'] as const
/** What happens to the connections by which others reach an instance. */
export const PEER_FAULTS = ['cut', 'stall', 'reset'] as const
export type FaultKind = (typeof PROCESS_FAULTS)[number] | (typeof PEER_FAULTS)[number]

export interface InstanceSettings extends AskedSettings {
  readonly name: string
  /** The directory of its state. */
  readonly directory: string
  readonly kafka: KafkaOptions
}

/** One of the instances: a process, and the proxy by which the others reach it. */
export class Instance {
  readonly name: string
  readonly #settings: AskedProcessSettings
  readonly #proxy: PeerProxy
  #process: AppProcess<AskedStatus>
  /** The last one that is known. */
  #port = 0
  #isFrozen = false
  /** When it was thawed last, by `performance.now()`. */
  #thawedAt = -Infinity
  /** True while something happens to it, and until it has recovered. */
  isStruck = false

  private constructor(name: string, settings: AskedProcessSettings, proxy: PeerProxy) {
    this.name = name
    this.#settings = settings
    this.#proxy = proxy
    this.#process = this.#spawn()
  }

  static async start({ name, directory, ...settings }: InstanceSettings): Promise<Instance> {
    mkdirSync(directory, { recursive: true })
    let instance: Instance | undefined
    const proxy = await PeerProxy.listen(() => instance?.status?.port ?? 0)
    const { endpoint: advertise } = proxy
    instance = new Instance(name, { ...settings, stateDirectory: directory, advertise }, proxy)
    return instance
  }

  /** Where clients reach it, or did before it was ended. */
  get url(): string {
    this.#port = this.status?.port ?? this.#port
    return `http://127.0.0.1:${this.#port}`
  }

  /** The directory of its state. */
  get directory(): string {
    return this.#settings.stateDirectory
  }

  get status(): AskedStatus | undefined {
    return this.#process.status
  }

  /** Its last errors and warnings. */
  get errors(): string {
    return this.#process.errors
  }

  get hasFailed(): boolean {
    return this.#process.hasFailed
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  /** True while nothing happens to it or to its connections. */
  get isSound(): boolean {
    return !this.isStruck && this.#proxy.isOpen
  }

  get isRunning(): boolean {
    return this.status?.state === 'running' && this.status.tasks.length > 0
  }

  /** ms in all for which its main thread was ready to run and had no core. */
  get coreWait(): number {
    return coreWait(this.#process.pid)
  }

  has(task: string): boolean {
    return this.status?.tasks.includes(task) ?? false
  }

  /** Returns true if it stood still at any time since then, by `performance.now()`. */
  wasFrozenSince(then: number): boolean {
    return this.#isFrozen || this.#thawedAt >= then
  }

  /**
   * Does that to it. Resolves when it has recovered.
   *
   * @param lasting resolves when it has lasted long enough
   */
  async strike(kind: FaultKind, random: Random, lasting: () => Promise<void>): Promise<void> {
    this.isStruck = true
    try {
      await this.#strike(kind, random, lasting)
    } finally {
      this.isStruck = false
    }
  }

  async #strike(kind: FaultKind, random: Random, lasting: () => Promise<void>): Promise<void> {
    switch (kind) {
      case 'zombie':
      case 'pause':
        this.#isFrozen = true
        this.#process.freeze()
        if (kind === 'zombie') await sleep(SESSION_TIMEOUT)
        await lasting()
        this.#process.thaw()
        this.#thawedAt = performance.now()
        this.#isFrozen = false
        return
      case 'cut':
        this.#proxy.cut()
        await lasting()
        this.#proxy.restore()
        return
      case 'stall':
        this.#proxy.stall()
        await lasting()
        this.#proxy.restore()
        return
      case 'reset':
        for (let times = random.between(3, 12); times > 0; times--) {
          this.#proxy.reset()
          await sleep(random.between(5, 200))
        }
        return lasting()
      default:
        return this.#restart(kind, lasting)
    }
  }

  async #restart(kind: 'kill' | 'wipe' | 'stop', lasting: () => Promise<void>): Promise<void> {
    if (kind === 'stop') await this.stop()
    else await this.kill()
    if (this.hasFailed) throw new Error(`${this.name} failed:\n${this.errors}`)
    if (kind === 'wipe') rmSync(this.#settings.stateDirectory, { recursive: true, force: true })
    await lasting()
    this.#process = this.#spawn()
    const started = performance.now()
    while (!this.isRunning) {
      if (this.hasFailed) throw new Error(`${this.name} failed:\n${this.errors}`)
      if (performance.now() - started > START_PATIENCE) throw new Error(`${this.name} does not run again`)
      await sleep(50)
    }
  }

  async stop(): Promise<void> {
    await within(CLOSE_PATIENCE, this.#process.stop(), `${this.name} does not stop`)
  }

  async kill(): Promise<void> {
    await this.#process.kill()
  }

  async close(): Promise<void> {
    await this.kill()
    await this.#proxy.close()
  }

  #spawn(): AppProcess<AskedStatus> {
    const env = { [PEER_TOKEN]: 'the-peers-of-a-round-know-each-other' }
    return new AppProcess<AskedStatus>({ main: MAIN, settings: this.#settings, env })
  }
}
