import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../kafka/broker/jvm-broker.ts'
import { Container, type ContainerOptions } from './podman.ts'

/** ms between two looks. */
const LOOK = 10
const PATIENCE = 90_000

/** An instance of the template's application in a container, and its HTTP server on the loopback address. */
export class Instance {
  readonly container: Container
  readonly url: string
  /** When `podman run` was called, ms of `performance.now()`. */
  readonly #began: number

  private constructor(container: Container, url: string, began: number) {
    this.container = container
    this.url = url
    this.#began = began
  }

  static async start({ env = {}, ...options }: ContainerOptions): Promise<Instance> {
    const port = await freePort()
    const began = performance.now()
    const address = `127.0.0.1:${port}`
    const container = await Container.start({
      ...options,
      env: { MILLRACE_HTTP: address, MILLRACE_ADVERTISE: address, ...env },
    })
    return new Instance(container, `http://${address}`, began)
  }

  /** Resolves with the ms from the start of the container to its first record, as its metrics show it. */
  async firstRecord(): Promise<number> {
    await this.until('has a record', async () => (await this.metric('millrace_records_processed_total')) > 0)
    return performance.now() - this.#began
  }

  /** Resolves when its probe says so. */
  async ready(): Promise<void> {
    await this.until('is ready', async () => (await this.#get('/readyz')).status === 200)
  }

  /** The sum of a metric's series. */
  async metric(name: string): Promise<number> {
    const { text } = await this.#get('/metrics')
    const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'))]
    return lines.reduce((sum, [, value]) => sum + Number(value), 0)
  }

  /** How many payments the store has counted for an account. */
  async total(key: string): Promise<number> {
    const { status, text } = await this.#get(`/v1/stores/totals/entries/${key}`)
    if (status === 404 || status === 503) return 0
    if (status !== 200) throw new Error(`${this.container.name} answered ${status}: ${text}`)
    return (JSON.parse(text) as { readonly value: { readonly count: number } }).value.count
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE
    for (;;) {
      try {
        if (await holds()) return
      } catch (error) {
        // It does not listen yet.
        if (!(error instanceof TypeError)) throw error
      }
      if (performance.now() > deadline) {
        throw new Error(`${this.container.name} never ${what}:\n${this.container.output.slice(-4000)}`)
      }
      await sleep(LOOK)
    }
  }

  async #get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${this.url}${path}`, { headers: { connection: 'close' } })
    return { status: response.status, text: await response.text() }
  }
}
