import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../simulation/random.ts'
import { coreWait } from '../kit/core-wait.ts'
import { PARTITIONS } from './app.ts'
import type { StoreName } from './app.ts'
import type { Instance } from './instance.ts'
import { partitionOf } from './model.ts'
import type { Fault, Truth } from './model.ts'
import type { Tally } from './tally.ts'

/** A store that is asked, and what is known of it. */
export interface AskedStore {
  readonly name: StoreName
  readonly subtopology: number
  readonly truth: Truth
  /** All keys that it may have, in the order of their bytes. */
  readonly keys: readonly string[]
}

export interface AskerOptions {
  readonly random: Random
  readonly instances: readonly Instance[]
  readonly stores: readonly AskedStore[]
  readonly tally: Tally
  /** Where every store is known to be by answers that anybody has had. */
  readonly known: Positions
  /** False: it never hands back what it has seen. */
  readonly carries: boolean
}

/** Offsets by store and partition. */
export class Positions {
  readonly #offsets = new Map<string, number>()

  of(store: string, partition: number): number {
    return this.#offsets.get(`${store} ${partition}`) ?? 0
  }

  /** Returns those of all partitions of a store. */
  all(store: string): number[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => this.of(store, partition))
  }

  reach(store: string, partition: number, offset: number): void {
    if (offset > this.of(store, partition)) this.#offsets.set(`${store} ${partition}`, offset)
  }
}

/** A question, and what was known when it was asked. */
interface Question {
  readonly instance: Instance
  readonly store: AskedStore
  readonly parameters: Readonly<Record<string, string>>
  readonly timeout: number
  readonly isLatest: boolean
  readonly maxLag: number | undefined
  readonly sentAt: number
  /** ms for which instance and client had waited for a core until then. */
  readonly coreWait: number
  /** By partition: what it carries; zeros if it carries nothing. */
  readonly carried: readonly number[]
  /** By partition: where the store is known to be. */
  readonly known: readonly number[]
  /** Tasks that the instance had by its last status. */
  readonly tasks: readonly string[]
}

interface Entry {
  readonly key: string
  readonly value: number
  readonly partition: number
  readonly role: string
  readonly lag: number
  readonly consistency: string
}

interface Problem {
  readonly code: string
  readonly status: number
}

interface Row {
  readonly key: string
  readonly value: number
  readonly partition: number
}

interface End {
  readonly end: boolean
  readonly rows: number
  readonly problem?: Problem
}

/** ms by which an answer may come later than its timeout, beside those without a core: slices, commits and garbage. */
const SLACK = 500
/** ms after its timeout for which an answer is waited for, to see how late it is. */
const GIVE_UP = 10_000
/** The greatest number of ms between two questions. */
const PAUSE = 15
const TIMEOUTS = [300, 1000, 3000]
/** Problems that a client has to expect while instances come and go, as long as they come in time. */
const EXPECTED: ReadonlySet<string> = new Set([
  'MR_CLOSED',
  'MR_QUERY_BEHIND',
  'MR_QUERY_COMMITTING',
  'MR_QUERY_MOVED',
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_REBALANCING',
  'MR_QUERY_RESTORING',
  'MR_QUERY_STALE',
  'MR_QUERY_TIMEOUT',
  'MR_STATE_CLOSED',
])
const ABSENT = 'MR_QUERY_KEY_ABSENT'

/** A client: asks any instance again and again, and knows what the answers must be. */
export class Asker {
  readonly #options: AskerOptions
  readonly #carried = new Positions()

  constructor(options: AskerOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { random } = this.#options
    while (!signal.aborted) {
      const awake = this.#options.instances.filter(({ isFrozen }) => !isFrozen)
      if (awake.length > 0) await this.#ask(random.pick(awake))
      await sleep(random.between(0, PAUSE))
    }
  }

  async #ask(instance: Instance): Promise<void> {
    const { random, tally } = this.#options
    const store = random.pick(this.#options.stores)
    const chance = random.next()
    const kind = chance < 0.7 ? 'point' : chance < 0.85 ? 'many' : 'scan'
    const question = this.#question(instance, store, kind)
    tally.asked++
    try {
      if (kind === 'point') await this.#point(question, random.pick(store.keys))
      else if (kind === 'many') await this.#many(question)
      else await this.#scan(question)
    } catch (error) {
      // The instance was killed or closed; whether it took too long is seen all the same.
      if (!isBroken(error)) throw error
      tally.cut++
      this.#time(question, question.sentAt, String(error))
    }
  }

  #question(instance: Instance, store: AskedStore, kind: 'point' | 'many' | 'scan'): Question {
    const { random, known, carries } = this.#options
    const timeout = random.pick(TIMEOUTS)
    const isLatest = kind === 'point' && random.chance(0.1)
    // A standby does not know how far the inputs are, so that it is not asked with a position.
    const maxLag = kind === 'point' && random.chance(0.15) ? random.pick([0, 1000]) : undefined
    const carried = carries && maxLag === undefined ? this.#carried.all(store.name) : []
    const parameters = {
      timeout: `${timeout}ms`,
      ...(isLatest ? { consistency: 'latest' } : {}),
      ...(maxLag === undefined ? {} : { role: 'any', maxLag: String(maxLag) }),
      ...(carried.some((offset) => offset > 0) ? { at: position(store, carried) } : {}),
    }
    const tasks = instance.status?.tasks ?? []
    const sentAt = performance.now()
    const knownNow = known.all(store.name)
    const asked = { instance, store, parameters, timeout, isLatest, maxLag, carried, known: knownNow, tasks }
    return { ...asked, sentAt, coreWait: coreWaitOf(instance) }
  }

  /** Asks for one row. */
  async #point(question: Question, key: string): Promise<void> {
    const response = await send(question, `entries/${key}`)
    const body = (await response.json()) as Entry | Problem
    this.#time(question, question.sentAt, `${response.status} ${'code' in body ? body.code : ''}`)
    if ('code' in body && body.code !== ABSENT) return this.#refused(question, body)
    const partition = partitionOf(key)
    const entry = 'code' in body ? undefined : body
    const offset = offsetOf(response, question.store, partition)
    this.#judge(question, partition, () => judgePoint(question, key, entry, offset), offset !== undefined)
    if (entry?.role === 'standby') this.#options.tally.standbys++
    if (offset === undefined || question.isLatest) return undefined
    this.#carried.reach(question.store.name, partition, offset)
    this.#options.known.reach(question.store.name, partition, offset)
    return undefined
  }

  /** Asks for the rows of several keys: those of one partition are of one moment. */
  async #many(question: Question): Promise<void> {
    const { random } = this.#options
    const { truth, keys: all } = question.store
    const keys = Array.from({ length: random.between(1, 20) }, () => random.pick(all))
    const response = await send(question, 'query', { body: JSON.stringify({ keys }) })
    const body = (await response.json()) as
      | { readonly outcomes: readonly { key: string; entry?: Entry; problem?: Problem }[] }
      | Problem
    this.#time(question, question.sentAt, `${response.status} of many`)
    if ('code' in body) return this.#refused(question, body)
    for (const [partition, outcomes] of Map.groupBy(body.outcomes, ({ key }) => partitionOf(key))) {
      const refusals = outcomes.filter(({ problem }) => problem !== undefined && problem.code !== ABSENT)
      for (const { problem } of refusals) if (problem !== undefined) this.#refused(question, problem)
      if (refusals.length > 0) continue
      const found = outcomes.flatMap(({ entry }) => (entry === undefined ? [] : [entry]))
      const counts = new Map(found.map(({ key, value }) => [key, value]))
      const asked = outcomes.map(({ key }) => key)
      const judge = (): Fault =>
        outcomes.map(({ key, entry }) => misplaced(question, key, entry)).find((fault) => fault !== undefined) ??
        truth.judgeMoment(asked, counts, reachedBy(question, partition), true)
      this.#judge(question, partition, judge, true)
    }
    return undefined
  }

  /** Asks for the rows of a range, or with a prefix, line by line. */
  async #scan(question: Question): Promise<void> {
    const { random } = this.#options
    const { keys } = question.store
    const at = random.below(keys.length)
    const first = keys[at] ?? ''
    const last = keys[Math.min(keys.length - 1, at + random.between(0, 200))] ?? ''
    const isReverse = random.chance(0.2)
    const range: Record<string, string> = random.chance(0.5)
      ? { from: first, to: last }
      : { prefix: first.slice(0, random.between(3, 5)) }
    const asked = keys.filter((key) =>
      range['prefix'] === undefined ? key >= first && key <= last : key.startsWith(range['prefix']),
    )
    const response = await send(
      question,
      'entries',
      { headers: { accept: 'application/x-ndjson' } },
      { ...range, ...(isReverse ? { reverse: 'true' } : {}) },
    )
    if (!response.ok) {
      const problem = (await response.json()) as Problem
      this.#time(question, question.sentAt, `${problem.code} of a scan`)
      return this.#refused(question, problem)
    }
    const { rows, end } = await this.#lines(question, response)
    if (end === undefined) this.#options.tally.fault('wrong', `${where(question)}: a scan ends without saying so`)
    if (end?.problem !== undefined) this.#refused(question, end.problem)
    const isWhole = end?.end === true
    const order = rows.map(({ key }) => key)
    const sorted = isReverse ? order.toSorted().reverse() : order.toSorted()
    const isOrdered = order.every((key, index) => key === sorted[index])
    if (!isOrdered || (isWhole && end.rows !== rows.length))
      this.#options.tally.fault('wrong', `${rows.length} of ${end?.rows} rows, ordered: ${isOrdered}`)
    this.#judgeRows(question, asked, rows, isWhole)
    return undefined
  }

  /** Reads the lines of a scan as they come. */
  async #lines(question: Question, response: Response): Promise<{ readonly rows: Row[]; readonly end?: End }> {
    let text = ''
    let since = question.sentAt
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      // Each page is waited for by itself.
      this.#time(question, since, 'a part of a scan')
      since = performance.now()
    }
    const lines = text.split('\n').filter((line) => line !== '')
    const parsed = lines.map((line) => JSON.parse(line) as Row | End)
    const rows = parsed.filter((line): line is Row => 'key' in line)
    const end = parsed.find((line): line is End => 'end' in line)
    return end === undefined ? { rows } : { rows, end }
  }

  #judgeRows(question: Question, asked: readonly string[], rows: readonly Row[], isWhole: boolean): void {
    const { truth } = question.store
    const expected = Map.groupBy(asked, partitionOf)
    const found = Map.groupBy(rows, ({ partition }) => partition)
    for (const partition of found.keys()) if (!expected.has(partition)) expected.set(partition, [])
    for (const [partition, keys] of expected) {
      const counts = new Map((found.get(partition) ?? []).map(({ key, value }) => [key, value]))
      const reached = reachedBy(question, partition)
      const judge = (): Fault => {
        const strange = [...counts.keys()].find((key) => !keys.includes(key))
        if (strange !== undefined) return { kind: 'wrong', why: `nobody asked for ${strange} of ${partition}` }
        return truth.judgeMoment(keys, counts, reached, isWhole)
      }
      if (isWhole || counts.size > 0) this.#judge(question, partition, judge, true)
    }
  }

  /** Counts an answer about one partition. @param isActive it came from the task that processes */
  #judge(question: Question, partition: number, judge: () => Fault, isActive: boolean): void {
    const { tally, instances } = this.#options
    const fault = judge()
    if (fault !== undefined) {
      tally.fault(fault.kind, `${where(question)}: ${fault.why}`)
      return
    }
    tally.right++
    const task = `${question.store.subtopology}_${partition}`
    // By its status before the question and after the answer.
    if (!isActive || question.tasks.includes(task) || question.instance.has(task)) return
    tally.hops++
    if (instances.some(({ isSound }) => !isSound)) tally.hopsUnderFaults++
  }

  #refused(question: Question, { status, code }: Problem): undefined {
    const { tally } = this.#options
    if (EXPECTED.has(code)) tally.refuse(code)
    else tally.fault('wrong', `${where(question)}: ${status} ${code}`)
  }

  /** Counts an answer as late if it is; not if the instance that was asked stood still, or had no core. */
  #time(question: Question, since: number, what: string): void {
    const { instance, timeout } = question
    if (instance.wasFrozenSince(since)) return
    const { tally } = this.#options
    const waited = Math.max(0, coreWaitOf(instance) - question.coreWait)
    const over = performance.now() - since - timeout - waited
    tally.overtime = Math.max(tally.overtime, Math.round(over))
    if (over > SLACK) tally.fault('late', `${where(question)}: ${Math.round(over)} ms over its timeout: ${what}`)
  }
}

/** ms for which the main threads of an instance and of this process were ready and had no core. */
function coreWaitOf(instance: Instance): number {
  return instance.coreWait + coreWait(process.pid)
}

/** @throws a `TypeError` or an `AbortError` if there is no response */
function send(
  { instance, store, parameters, timeout }: Question,
  path: string,
  { body, headers }: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const query = new URLSearchParams({ ...parameters, ...more })
  return fetch(`${instance.url}/v1/stores/${store.name}/${path}?${query}`, {
    signal: AbortSignal.timeout(timeout + GIVE_UP),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { method: 'POST', body }),
  })
}

function position({ truth }: AskedStore, offsets: readonly number[]): string {
  return Buffer.from(JSON.stringify({ [truth.topic]: { ...offsets } })).toString('base64url')
}

/** Returns the offset that an answer is as of; undefined: it does not say. */
function offsetOf(response: Response, { truth }: AskedStore, partition: number): number | undefined {
  const header = response.headers.get('millrace-position')
  if (header === null) return undefined
  const position = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, Record<string, number>>
  return position[truth.topic]?.[partition]
}

/** @param entry undefined: the owner says that there is none */
function judgePoint(question: Question, key: string, entry: Entry | undefined, offset: number | undefined): Fault {
  const { store, maxLag } = question
  const partition = partitionOf(key)
  const count = entry?.value ?? 0
  const place = misplaced(question, key, entry)
  if (place !== undefined) return place
  if (offset === undefined) {
    // Standbys do not know it. Neither does their absence of a key prove anything, but that it has no more records.
    if (maxLag === undefined || (entry !== undefined && (entry.role !== 'standby' || entry.lag > maxLag)))
      return { kind: 'wrong', why: `${JSON.stringify(entry)} has no position` }
    return store.truth.judgeSince(key, count, 0)
  }
  const reached = reachedBy(question, partition)
  if (offset < reached) return { kind: 'wrong', why: `the position of ${key} is ${offset}, after ${reached} was seen` }
  return store.truth.judge(key, count, offset)
}

/** Returns the offset that the task had reached when it was asked, as the client or another one had been shown. */
function reachedBy({ carried, known }: Question, partition: number): number {
  return Math.max(carried[partition] ?? 0, known[partition] ?? 0)
}

/** Finds an answer about another key, partition or consistency than was asked for. */
function misplaced({ isLatest }: Question, key: string, entry: Entry | undefined): Fault {
  if (entry === undefined) return undefined
  const { partition, consistency, value } = entry
  const isRight =
    entry.key === key &&
    partition === partitionOf(key) &&
    consistency === (isLatest ? 'latest' : 'committed') &&
    Number.isSafeInteger(value) &&
    value > 0
  return isRight ? undefined : { kind: 'wrong', why: `${key} is ${JSON.stringify(entry)}` }
}

function where({ instance, store, parameters }: Question): string {
  return `${instance.name} ${store.name} ${JSON.stringify(parameters)}`
}

/** `fetch` throws a TypeError if the connection breaks, at any time. */
function isBroken(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')
}
