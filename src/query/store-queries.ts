import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import type { Guarantee, Log } from '../log/log.ts'
import type { Values } from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import { KeyCodec, ValueCodec } from '../state/codecs.ts'
import type { Consistency, RowQuery, StoredRow } from '../state/reads.ts'
import { ByteWriter } from '../state/rows/byte-writer.ts'
import type { TopologyStore, Topology } from '../topology/topology.ts'
import { ask, PartitionRows, type Patience, type RowOwners } from './ask.ts'
import type { QUERY } from './query-options.ts'
import type { RowRequest, RowSource } from './row-request.ts'
import { PartitionFinder, type StorePartitions } from './store-partitions.ts'
import { merged, watchPartition, type FoundEvent } from './watch.ts'

export interface StoreQueriesOptions {
  readonly topology: Topology
  readonly applicationId: string
  readonly log: Pick<Log, 'describeTopics'>
  readonly clock: Clock
  readonly owners: RowOwners
  /** Decides the consistency of a query that does not say. */
  readonly guarantee: Guarantee
  /** Is called with each query of a partition; the outcome is `ok`, or the code of the error. */
  readonly count?: (store: string, op: string, outcome: string, ms: number) => void
}

/** Options of every query, checked. */
export type CheckedQuery = Values<typeof QUERY>

/** A row, and where it was found. */
export interface FoundRow {
  readonly row: StoredRow
  readonly source: RowSource
}

/** A key whose bytes are known already, and what they mean. Wherever a key is asked by, it may be one. */
export class SerializedKey {
  readonly bytes: Buffer
  readonly value: unknown

  constructor(bytes: Buffer, value: unknown) {
    this.bytes = bytes
    this.value = value
  }
}

/** What is watched: a key, keys that begin with these bytes, or (neither) all. */
export interface Watched {
  readonly key?: SerializedKey | undefined
  readonly prefix?: Buffer | undefined
  /** Bounds as `timesOf` returns them, given for windows and sessions, and for these alone. */
  readonly times?: { readonly from: number; readonly to: number } | undefined
}

/** The partition in which a scan of all goes on, and what is left there. */
export interface ScanRest {
  readonly partition: number
  readonly query: RowQuery
}

/** The row of one key, if there is one, and who said so. */
export interface FoundKey {
  readonly row: StoredRow | undefined
  readonly source: RowSource
}

interface KeyPlace {
  readonly bytes: Buffer
  readonly partition: number
}

/** The rows of some keys of one partition, by `textOf`. */
interface FoundKeys {
  readonly rows: ReadonlyMap<string, StoredRow>
  readonly source: RowSource
}

const GLOBAL = -1
const DEFAULTS: Readonly<Record<Guarantee, Consistency>> = { exactly_once: 'committed', at_least_once: 'latest' }

/** Asks the stores of an application, wherever they are. */
export class StoreQueries {
  readonly #options: StoreQueriesOptions
  readonly #partitions: PartitionFinder
  readonly #stores = new Map<string, AskedStore>()

  constructor(options: StoreQueriesOptions) {
    this.#options = options
    this.#partitions = new PartitionFinder(options.topology, options.applicationId, options.log)
  }

  /** @throws MR_STORE_UNKNOWN */
  store(name: string): AskedStore {
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = new AskedStore(knownStore(this.#options.topology, name), this.#options, this.#partitions)
      this.#stores.set(name, store)
    }
    return store
  }
}

/** Returns a store of the topology. @throws MR_STORE_UNKNOWN */
export function knownStore({ stores }: Topology, name: string): TopologyStore {
  const store = stores.get(name)
  if (store !== undefined) return store
  throw new MillraceError('MR_STORE_UNKNOWN', `the topology has no store "${name}"`, {
    store: name,
    hint: `Its stores are: ${[...stores.keys()].join(', ') || 'none'}.`,
  })
}

/** One store that is asked, by serialized keys. */
export class AskedStore {
  readonly name: string
  readonly spec: TopologyStore['spec']
  readonly values: ValueCodec<unknown>
  readonly #global: boolean
  readonly #options: StoreQueriesOptions
  readonly #partitions: PartitionFinder
  readonly #keys: KeyCodec<unknown>
  readonly #scratch = new ByteWriter(256)

  constructor({ spec, global }: TopologyStore, options: StoreQueriesOptions, partitions: PartitionFinder) {
    this.name = spec.name
    this.spec = spec
    this.#global = global
    this.#options = options
    this.#partitions = partitions
    this.#keys = new KeyCodec(spec.keySerde, spec.name, this.#scratch)
    this.values = new ValueCodec(spec.valueSerde, spec.name, this.#scratch)
  }

  /** Returns the bytes of a key. @throws MR_QUERY_KEY */
  encode(key: unknown): Buffer {
    try {
      if (key === null || key === undefined) throw new TypeError('null is not a key')
      this.#keys.write(key, this.#scratch.rewind())
    } catch (cause) {
      throw new MillraceError('MR_QUERY_KEY', `serde ${this.spec.keySerde.name} refuses the key`, {
        store: this.name,
        cause,
        hint: 'Ask by a key of the type of the store.',
      })
    }
    return this.#scratch.copyOfRow()
  }

  /** @throws MR_STATE_DESERIALIZE */
  decode(key: Buffer): unknown {
    return this.#keys.read(key, 0, key.length)
  }

  /** Returns the number of partitions; undefined: the store is global. @throws MR_QUERY_REBALANCING */
  async partitions(options: CheckedQuery): Promise<number | undefined> {
    return this.#global ? undefined : (await this.#place(options)).tasks
  }

  /** Returns the first row of a query about one key. */
  async first(key: unknown, query: (key: Buffer) => RowQuery, options: CheckedQuery): Promise<FoundKey> {
    const rows = await this.#open(await this.#requestOf(key, query, options), options)
    try {
      const row = (await rows.fill()) ? rows.head : undefined
      return { row, source: rows.source }
    } finally {
      rows.close()
    }
  }

  /**
   * Finds the rows of many keys, with one request for each partition that they are in. Settles for each of them on its
   * own: a partition may be out of reach, and what was given may be no key.
   *
   * @param keys return a key each, or throw what is wrong with it
   */
  async firstOfEach(
    keys: readonly (() => unknown)[],
    options: CheckedQuery,
  ): Promise<PromiseSettledResult<FoundKey>[]> {
    const places = await Promise.allSettled(keys.map(async (key) => this.#placeOf(key(), options)))
    const known = places.flatMap((place) => (place.status === 'fulfilled' ? place.value : []))
    const answers = new Map<number, Promise<FoundKeys>>()
    for (const [partition, group] of Map.groupBy(known, (place) => place.partition)) {
      const request = this.#request(partition, { op: 'keys', keys: group.map(({ bytes }) => bytes) }, options)
      answers.set(partition, this.#readKeys(request, options))
    }
    return Promise.allSettled(
      places.map(async (place) => {
        if (place.status === 'rejected') throw place.reason
        const { bytes, partition } = place.value
        const { rows, source } = await (answers.get(partition) as Promise<FoundKeys>)
        return { row: rows.get(textOf(bytes)), source }
      }),
    )
  }

  /** The rows of a query about one key. */
  async *ofKey(
    key: unknown,
    query: (key: Buffer) => RowQuery,
    options: CheckedQuery,
    limit?: number,
  ): AsyncGenerator<FoundRow> {
    const rows = await this.#open(await this.#requestOf(key, query, options), options)
    yield* limited([rows], limit, () => rows)
  }

  /**
   * The rows of a query about all keys, partition by partition or (`byKey`) in the order of keys.
   *
   * @param rest of a scan partition by partition that goes on: those before it are left out
   */
  async *ofAll(
    query: RowQuery,
    options: CheckedQuery,
    byKey: boolean,
    limit?: number,
    rest?: ScanRest,
  ): AsyncGenerator<FoundRow> {
    const partitions = await this.#allPartitions(options)
    const open = (partition: number): Promise<PartitionRows> =>
      this.#open(this.#request(partition, partition === rest?.partition ? rest.query : query, options), options)
    const isReverse = 'reverse' in query && query.reverse
    if (byKey) {
      const opened = await allOrNone(partitions.map(open))
      yield* limited(opened, limit, () => leastKey(opened, isReverse))
      return
    }
    let left = limit ?? Infinity
    for (const partition of isReverse ? partitions.toReversed() : partitions) {
      if (left <= 0) return
      if (rest !== undefined && (isReverse ? partition > rest.partition : partition < rest.partition)) continue
      const rows = await open(partition)
      for await (const found of limited([rows], left, () => rows)) {
        left--
        yield found
      }
    }
  }

  /** What there is, and then what changes, until `options.signal` ends it: partitions as their owners report. */
  async *watch(watched: Watched, options: CheckedQuery): AsyncGenerator<FoundEvent, void> {
    const end = new AbortController()
    const { signal = end.signal } = options
    const given = { ...options, signal: AbortSignal.any([signal, end.signal]) }
    const requests = await this.#watchRequests(watched, given)
    const patience = this.#patience(given)
    try {
      yield* merged(requests.map((request) => watchPartition(this.#options.owners, request, patience)))
    } finally {
      end.abort()
    }
  }

  async #watchRequests({ key, prefix, times }: Watched, options: CheckedQuery): Promise<RowRequest[]> {
    if (key !== undefined)
      return [await this.#requestOf(key, (bytes) => ({ op: 'watch', key: bytes, ...times }), options)]
    const query = { op: 'watch', ...(prefix === undefined ? {} : { prefix }), ...times } as const
    return (await this.#allPartitions(options)).map((partition) => this.#request(partition, query, options))
  }

  async #requestOf(
    key: unknown,
    query: (key: Buffer) => RowRequest['query'],
    options: CheckedQuery,
  ): Promise<RowRequest> {
    const { bytes, partition } = await this.#placeOf(key, options)
    return this.#request(partition, query(bytes), options)
  }

  /** Returns the bytes of a key, and the partition that it is in. */
  async #placeOf(key: unknown, options: CheckedQuery): Promise<KeyPlace> {
    const { bytes, value } = key instanceof SerializedKey ? key : new SerializedKey(this.encode(key), key)
    if (this.#global) return { bytes, partition: GLOBAL }
    const { tasks, partitionOf } = await this.#place(options)
    return { bytes, partition: this.#within(options.partition ?? partitionOf(bytes, value), tasks) }
  }

  async #readKeys(request: RowRequest, options: CheckedQuery): Promise<FoundKeys> {
    const opened = await this.#open(request, options)
    const rows = new Map<string, StoredRow>()
    try {
      for (; await opened.fill(); opened.take()) {
        const row = opened.head as StoredRow
        rows.set(textOf(row.key), row)
      }
      return { rows, source: opened.source }
    } finally {
      opened.close()
    }
  }

  async #allPartitions(options: CheckedQuery): Promise<number[]> {
    if (this.#global) return [GLOBAL]
    const { tasks } = await this.#place(options)
    if (options.partition !== undefined) return [this.#within(options.partition, tasks)]
    return Array.from({ length: tasks }, (_, partition) => partition)
  }

  #place(options: CheckedQuery): MaybePromise<StorePartitions> {
    return this.#partitions.of(this.name, this.#patience(options))
  }

  /** @throws MR_QUERY_PARTITION */
  #within(partition: number, tasks: number): number {
    if (partition >= 0 && partition < tasks) return partition
    throw new MillraceError('MR_QUERY_PARTITION', `the store has ${tasks} partitions`, {
      store: this.name,
      partition,
      hint: `Ask one from 0 to ${tasks - 1}.`,
    })
  }

  #request(partition: number, query: RowRequest['query'], options: CheckedQuery): RowRequest {
    const { consistency = DEFAULTS[this.#options.guarantee], role, maxLag, at } = options
    // Records of global topics are committed before they are read.
    return {
      store: this.name,
      partition,
      query,
      consistency: partition === GLOBAL ? 'latest' : consistency,
      role,
      maxLag,
      at,
    }
  }

  async #open(request: RowRequest, options: CheckedQuery): Promise<PartitionRows> {
    const patience = this.#patience(options)
    const { owners, clock, count } = this.#options
    const begin = clock.monotonic()
    let outcome = 'ok'
    try {
      return new PartitionRows(await ask(owners, request, patience), request, patience)
    } catch (error) {
      outcome = isMillraceError(error) ? error.code : 'aborted'
      throw error
    } finally {
      count?.(request.store, request.query.op, outcome, clock.monotonic() - begin)
    }
  }

  #patience({ timeout, signal }: CheckedQuery): Patience {
    return { clock: this.#options.clock, timeout, signal }
  }
}

/** Makes of bytes what a map can be keyed by. */
function textOf(bytes: Buffer): string {
  return bytes.toString('latin1')
}

/** Yields rows until there are no more, or enough; ends all that is open in any case. */
async function* limited(
  opened: readonly PartitionRows[],
  limit: number | undefined,
  next: () => PartitionRows | undefined,
): AsyncGenerator<FoundRow> {
  try {
    let left = limit ?? Infinity
    await Promise.all(opened.map((rows) => rows.fill()))
    for (let rows = next(); rows?.head !== undefined && left > 0; rows = next()) {
      left--
      const { head: row, source } = rows
      rows.take()
      yield { row, source }
      if (rows.head === undefined) await rows.fill()
    }
  } finally {
    for (const rows of opened) rows.close()
  }
}

/** Returns those whose next row is the first by the bytes of its key. */
function leastKey(opened: readonly PartitionRows[], isReverse: boolean): PartitionRows | undefined {
  let least: PartitionRows | undefined
  for (const rows of opened) {
    if (rows.head === undefined) continue
    const order = least?.head === undefined ? -1 : Buffer.compare(rows.head.key, least.head.key)
    if (least === undefined || (isReverse ? order > 0 : order < 0)) least = rows
  }
  return least
}

/** Resolves to the rows of all partitions. If some cannot be opened the others are closed. */
async function allOrNone(opening: readonly Promise<PartitionRows>[]): Promise<PartitionRows[]> {
  try {
    return await Promise.all(opening)
  } catch (error) {
    for (const opened of await Promise.allSettled(opening)) if (opened.status === 'fulfilled') opened.value.close()
    throw error
  }
}
