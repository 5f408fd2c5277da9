import { setTimeout as sleep } from 'node:timers/promises'
import { TopicWriter } from 'millrace'
import { kafka } from 'millrace/kafka'
import { uniqueName } from '../../kafka/broker/index.ts'
import { PARTITIONS, STORE, visitsTopic, type Visits } from './app.ts'
import { RolledInstance } from './instance.ts'

export interface RollOptions {
  readonly brokers: string
  readonly groupProtocol: 'streams' | 'classic'
  /** The directory for the state of the processes; the caller removes it. */
  readonly directory: string
  /** How often all instances are replaced: by the second version, the first one again, and so on. */
  readonly rolls: number
}

export interface RollResult {
  readonly asked: number
  /** Requests that were not answered, or not with what was asked for; the first of them. */
  readonly failed: number
  readonly failures: readonly string[]
  /** Requests that went to each instance. */
  readonly shares: readonly number[]
  /** Answers of standbys. */
  readonly standbys: number
  /** The longest that a request took, ms. */
  readonly slowest: number
  /** Keys whose count is not what was written, in the end. */
  readonly wrong: readonly string[]
  readonly records: number
  /** What happened, for a report. */
  readonly trace: readonly string[]
}

const INSTANCES = 3
const CLIENTS = 4
const KEYS = 400
/** Offsets that a standby may be behind: fewer than there are keys in a partition, so that no empty one is asked. */
const MAX_LAG = 60
/** Records a second. */
const RATE = 500
const TURN = 20
/** ms between two questions of a client. */
const PAUSE = 10
const PATIENCE = 30_000

const keyOf = (index: number): string => `k${String(index).padStart(3, '0')}`

/** Replaces three instances, one after the other, behind clients that ask all that are ready in turn. */
export async function roll(options: RollOptions): Promise<RollResult> {
  const id = uniqueName('rolled')
  const started = performance.now()
  const trace: string[] = []
  const note = (what: string): void => void trace.push(`${((performance.now() - started) / 1000).toFixed(1)} s ${what}`)
  const log = kafka({ brokers: options.brokers })
  const ending = new AbortController()
  const instances: RolledInstance[] = []
  try {
    const visits = visitsTopic(id)
    await log.createTopics([{ name: visits.name, partitions: PARTITIONS }])
    await using writer = await TopicWriter.open(log, visits)
    const written = new Map<string, number>()
    const write = (index: number): void => {
      const key = keyOf(index % KEYS)
      writer.write(key, '')
      written.set(key, (written.get(key) ?? 0) + 1)
    }
    for (let index = 0; index < KEYS; index++) write(index)
    await writer.flush()
    for (let index = 0; index < INSTANCES; index++) {
      instances.push(await RolledInstance.start({ id, ...options }, 'first'))
    }
    const clients = new Clients(instances)
    const { signal } = ending
    const looking = instances.map((instance) => instance.watch(signal))
    await Promise.all(instances.map((instance) => instance.whenReady()))
    note('ready')
    await clients.untilAllAnswer()
    note('all keys are counted')

    const writing = (async () => {
      for (let index = 0; !signal.aborted;) {
        for (let left = (RATE * TURN) / 1000; left > 0; left--) write(index++)
        await writer.flush()
        await sleep(TURN)
      }
    })()
    const asking = Array.from({ length: CLIENTS }, () => clients.run(signal))
    for (let times = 0; times < options.rolls; times++) {
      const version = times % 2 === 0 ? 'second' : 'first'
      for (const instance of instances) {
        await instance.replace(version)
        note(`${instance.url} is ${version}`)
      }
    }
    ending.abort()
    await Promise.all([writing, ...asking, ...looking])
    const wrong = await clients.compare(written, options.rolls % 2 === 1)
    note('compared')
    await Promise.all(instances.map((instance) => instance.stop()))
    const records = [...written.values()].reduce((sum, count) => sum + count, 0)
    note('closed')
    return { ...clients.result, wrong, records, trace }
  } catch (error) {
    const said = instances.map(({ url, errors }) => `--- ${url}\n${errors}`).join('\n')
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said}`, { cause: error })
  } finally {
    ending.abort()
    await Promise.all(instances.map((instance) => instance.kill()))
    await log.close()
  }
}

interface Entry {
  readonly key: string
  readonly value: Visits
  readonly role: string
}

/** Asks the instances in turn, and never twice for one answer. */
class Clients {
  readonly #instances: readonly RolledInstance[]
  readonly #shares: number[]
  readonly #failures = new Map<string, number>()
  #turn = 0
  #failed = 0
  #standbys = 0
  #slowest = 0

  constructor(instances: readonly RolledInstance[]) {
    this.#instances = instances
    this.#shares = instances.map(() => 0)
  }

  get result(): Omit<RollResult, 'wrong' | 'records' | 'trace'> {
    const asked = this.#shares.reduce((sum, share) => sum + share, 0)
    return {
      asked,
      failed: this.#failed,
      failures: [...this.#failures].map(([failure, times]) => `${times} times: ${failure}`),
      shares: this.#shares,
      standbys: this.#standbys,
      slowest: Math.round(this.#slowest),
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const turn = this.#turn++
      const key = keyOf((turn * 7) % KEYS)
      const ready = this.#instances.filter(({ isReady }) => isReady)
      const instance = ready[turn % ready.length]
      if (instance === undefined) this.#fail('no instance is ready')
      else await this.#ask(instance, key)
      await sleep(PAUSE)
    }
  }

  async #ask(instance: RolledInstance, key: string): Promise<void> {
    const index = this.#instances.indexOf(instance)
    this.#shares[index] = (this.#shares[index] ?? 0) + 1
    const since = performance.now()
    const failure = await this.#failure(instance, key)
    const took = performance.now() - since
    this.#slowest = Math.max(this.#slowest, took)
    if (failure !== undefined) this.#fail(`${instance.url} ${key} after ${Math.round(took)} ms: ${failure}`)
  }

  async #failure(instance: RolledInstance, key: string): Promise<string | undefined> {
    try {
      const response = await entryOf(instance, key, `role=any&maxLag=${MAX_LAG}`)
      const body = (await response.json()) as Entry
      if (response.status !== 200) return `${response.status} ${JSON.stringify(body)}`
      if (body.role === 'standby') this.#standbys++
      return body.key === key && body.value.count > 0 ? undefined : JSON.stringify(body)
    } catch (error) {
      return `${String(error)} ${error instanceof Error ? String(error.cause) : ''}`
    }
  }

  #fail(failure: string): void {
    this.#failed++
    const kind = failure.replaceAll(/\d+/g, '#')
    this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1)
  }

  async untilAllAnswer(): Promise<void> {
    const deadline = performance.now() + PATIENCE
    for (let index = 0; index < KEYS; index++) {
      for (const instance of this.#instances) {
        while ((await entryOf(instance, keyOf(index), '').catch(() => undefined))?.status !== 200) {
          if (performance.now() > deadline) throw new Error(`${keyOf(index)} is not counted at ${instance.url}`)
          await sleep(20)
        }
      }
    }
  }

  /** Asks for every key until all that was written is counted. @param isSecond the second version runs */
  async compare(written: ReadonlyMap<string, number>, isSecond: boolean): Promise<string[]> {
    const deadline = performance.now() + PATIENCE
    const wrong: string[] = []
    for (const [key, count] of written) {
      for (;;) {
        const response = await entryOf(this.#instances[0]!, key, '')
        const { value } = (await response.json()) as Entry
        if (value?.count === count && (value.lately !== undefined) === isSecond) break
        if (performance.now() > deadline) {
          wrong.push(`${key}: ${JSON.stringify(value)} of ${count}`)
          break
        }
        await sleep(20)
      }
    }
    return wrong
  }
}

function entryOf(instance: RolledInstance, key: string, query: string): Promise<Response> {
  return fetch(`${instance.url}/v1/stores/${STORE}/entries/${key}?${query}`)
}
