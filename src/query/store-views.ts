import { MillraceError } from '../errors/millrace-error.ts'
import { readOptions } from '../options/options.ts'
import type { StoreSpec } from '../topology/store-spec.ts'
import { KEYS, PREFIX, QUERY, TIMES, VERSION, WATCH, WATCH_TIMES } from './query-options.ts'
import type { StoreKind, StoreRef } from '../topology/store-ref.ts'
import { timesOf } from './times.ts'
import {
  SerializedKey,
  type AskedStore,
  type CheckedQuery,
  type FoundKey,
  type FoundRow,
  type StoreQueries,
  type Watched,
} from './store-queries.ts'
import type {
  Answer,
  KeyRange,
  KeyValueView,
  PrefixOptions,
  QueryOptions,
  Row,
  SessionView,
  TimeRange,
  VersionedView,
  VersionRow,
  ViewsByKind,
  WatchedRow,
  WatchedWindow,
  WatchOptions,
  WatchTimesOptions,
  WindowRow,
  WindowView,
} from './views.ts'
import { watchRows, type ShownChange } from './watch-rows.ts'
import { Watch } from './watch.ts'

/**
 * Returns a view of a store.
 *
 * @param named the store's reference, whose kind must be that of the store, or its name
 * @throws MR_STORE_UNKNOWN, MR_QUERY_KIND
 */
export function viewOf(
  queries: StoreQueries,
  named: string | Pick<StoreRef<StoreKind, unknown, unknown>, 'kind' | 'name'>,
): ViewsByKind<unknown, unknown>[StoreKind] {
  const store = queries.store(typeof named === 'string' ? named : named.name)
  const kind = kindOf(store.spec)
  if (typeof named !== 'string' && named.kind !== kind) throw otherKind(store, named.kind)
  switch (kind) {
    case 'keyValue':
      return new AskedKeyValues(store)
    case 'window':
      return new AskedWindows(store)
    case 'session':
      return new AskedSessions(store)
    case 'versioned':
      return new AskedVersions(store)
    default:
      throw otherKind(store, 'keyValue')
  }
}

/** Returns how a store is asked; undefined: operators alone use it. */
export function kindOf({ kind }: StoreSpec): StoreKind | undefined {
  switch (kind) {
    case 'keyValue':
    case 'session':
    case 'versioned':
    case 'window':
      return kind
    case 'period':
      return 'window'
    default:
      return undefined
  }
}

function otherKind({ name, spec }: AskedStore, wanted: StoreKind): MillraceError {
  const kind = kindOf(spec)
  if (kind === undefined) {
    return new MillraceError('MR_QUERY_KIND', 'the store is the buffer of an operator, which nobody can ask', {
      store: name,
      hint: 'Ask the store of a table or of an aggregation.',
    })
  }
  return new MillraceError('MR_QUERY_KIND', `the store is of kind ${kind}, not ${wanted}`, {
    store: name,
    hint: `Name it with ${MAKERS[kind]}().`,
  })
}

const MAKERS: Readonly<Record<StoreKind, string>> = {
  keyValue: 'storeRef',
  window: 'windowStoreRef',
  session: 'sessionStoreRef',
  versioned: 'versionedStoreRef',
}

/** What views of all kinds have in common. */
abstract class AskedView<K, V> {
  protected readonly store: AskedStore

  constructor(store: AskedStore) {
    this.store = store
  }

  get name(): string {
    return this.store.name
  }

  protected row({ row, source }: FoundRow): Row<K, V> {
    const { partition } = source
    return { key: this.store.decode(row.key) as K, value: this.value(row.value), timestamp: row.timestamp, partition }
  }

  protected windowRow(found: FoundRow): WindowRow<K, V> {
    const { start, end } = found.row
    return { ...this.row(found), start, end }
  }

  protected answer({ row, source }: FoundKey): Answer<V> {
    return row === undefined
      ? { value: undefined, timestamp: -1, ...source }
      : { value: this.value(row.value), timestamp: row.timestamp, ...source }
  }

  protected value(bytes: Buffer): V {
    return this.store.values.decode(bytes) as V
  }

  /** Watches until the signal or the loop ends it. @param query with the caller's signal */
  protected watched<R>(
    watched: Watched,
    { signal, ...query }: CheckedQuery,
    show: (change: ShownChange) => R,
  ): AsyncIterableIterator<R> {
    const end = new AbortController()
    const either = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal])
    const { store } = this
    async function* changes(): AsyncGenerator<R, void> {
      for await (const change of watchRows(store, watched, { ...query, signal: either })) yield show(change)
    }
    return new Watch(changes(), end)
  }

  protected watchedRow({ key, value, timestamp, partition, position }: ShownChange): WatchedRow<K, V> {
    const shown = value === undefined ? undefined : this.value(value)
    return { key: this.store.decode(key) as K, value: shown, timestamp, partition, position }
  }

  protected keyOf(key: K | undefined): SerializedKey | undefined {
    return key === undefined ? undefined : new SerializedKey(this.store.encode(key), key)
  }
}

/** Rows by key, of key-value and of versioned stores. */
abstract class AskedKeys<K, V> extends AskedView<K, V> {
  range(range?: KeyRange<K>): AsyncIterableIterator<Row<K, V>> {
    const { from, to, reverse, limit, ...options } = readOptions(KEYS, range, 'range()', { store: this.name })
    const bounds = {
      ...(from === undefined ? {} : { from: this.store.encode(from) }),
      ...(to === undefined ? {} : { to: this.store.encode(to) }),
    }
    return this.#rows(this.store.ofAll({ op: 'range', ...bounds, reverse }, options, true, limit))
  }

  prefix(prefix: string | Uint8Array, options?: PrefixOptions): AsyncIterableIterator<Row<K, V>> {
    const { reverse, limit, ...query } = readOptions(PREFIX, options, 'prefix()', { store: this.name })
    const bytes = Buffer.from(prefix as Uint8Array)
    return this.#rows(this.store.ofAll({ op: 'prefix', prefix: bytes, reverse }, query, true, limit))
  }

  watch(given?: WatchOptions<K>): AsyncIterableIterator<WatchedRow<K, V>> {
    const options = readOptions(WATCH, given, 'watch()', { store: this.name })
    const { key, prefix, ...query } = options
    if (key !== undefined && prefix !== undefined) throw keyAndPrefix(this.name)
    const watched = {
      key: this.keyOf(key as K | undefined),
      prefix: prefix === undefined ? undefined : Buffer.from(prefix as Uint8Array),
    }
    return this.watched(watched, query, (change) => this.watchedRow(change))
  }

  async *#rows(found: AsyncIterable<FoundRow>): AsyncGenerator<Row<K, V>> {
    for await (const each of found) yield this.row(each)
  }
}

function keyAndPrefix(store: string): MillraceError {
  return new MillraceError('MR_CONFIG', 'watch() was given both key and prefix', {
    store,
    hint: 'Give one of them, or neither to watch all keys.',
  })
}

class AskedKeyValues<K, V> extends AskedKeys<K, V> implements KeyValueView<K, V> {
  async get(key: K, options?: QueryOptions): Promise<V | undefined> {
    const { row } = await this.#find(key, options, 'get()')
    return row === undefined ? undefined : this.value(row.value)
  }

  async read(key: K, options?: QueryOptions): Promise<Answer<V>> {
    return this.answer(await this.#find(key, options, 'read()'))
  }

  #find(key: K, options: QueryOptions | undefined, owner: string): Promise<FoundKey> {
    const query = readOptions(QUERY, options, owner, { store: this.name })
    return this.store.first(key, (bytes) => ({ op: 'get', key: bytes }), query)
  }
}

/** Windows and sessions. */
abstract class AskedTimes<K, V> extends AskedView<K, V> {
  range(range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>> {
    const { from, to, reverse, limit, query } = this.#bounds(range, 'range()')
    return this.#rows(this.store.ofAll({ op: 'windows', from, to, reverse }, query, false, limit))
  }

  watch(given?: WatchTimesOptions<K>): AsyncIterableIterator<WatchedWindow<K, V>> {
    const { key, from, to, ...query } = readOptions(WATCH_TIMES, given, 'watch()', { store: this.name })
    const watched = { key: this.keyOf(key as K | undefined), times: timesOf(from, to) }
    return this.watched(watched, query, (change) => {
      const { start, end } = change
      return { ...this.watchedRow(change), start, end }
    })
  }

  protected ofKey(key: K, range: TimeRange | undefined, owner: string): AsyncIterableIterator<WindowRow<K, V>> {
    const { from, to, reverse, limit, query } = this.#bounds(range, owner)
    return this.#rows(
      this.store.ofKey(key, (bytes) => ({ op: 'windows', key: bytes, from, to, reverse }), query, limit),
    )
  }

  #bounds(range: TimeRange | undefined, owner: string) {
    const { from, to, reverse, limit, ...query } = readOptions(TIMES, range, owner, { store: this.name })
    return { ...timesOf(from, to), reverse, limit, query }
  }

  async *#rows(found: AsyncIterable<FoundRow>): AsyncGenerator<WindowRow<K, V>> {
    for await (const each of found) yield this.windowRow(each)
  }
}

class AskedWindows<K, V> extends AskedTimes<K, V> implements WindowView<K, V> {
  async get(key: K, start: number | Date, options?: QueryOptions): Promise<V | undefined> {
    for await (const row of this.ofKey(key, { ...options, from: start, to: start }, 'get()')) {
      // A calendar's windows are found by what they overlap.
      if (row.start === Number(start)) return row.value
    }
    return undefined
  }

  fetch(key: K, range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>> {
    return this.ofKey(key, range, 'fetch()')
  }
}

class AskedSessions<K, V> extends AskedTimes<K, V> implements SessionView<K, V> {
  sessions(key: K, range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>> {
    return this.ofKey(key, range, 'sessions()')
  }
}

type VersionOptions = Parameters<VersionedView<unknown, unknown>['get']>[1]

class AskedVersions<K, V> extends AskedKeys<K, V> implements VersionedView<K, V> {
  async get(key: K, options?: VersionOptions): Promise<V | undefined> {
    const { row } = await this.#find(key, options, 'get()')
    return row === undefined ? undefined : this.value(row.value)
  }

  async read(key: K, options?: VersionOptions): Promise<Answer<V>> {
    return this.answer(await this.#find(key, options, 'read()'))
  }

  async *versions(key: K, range?: TimeRange): AsyncGenerator<VersionRow<K, V>> {
    const { from, to, reverse, limit, ...query } = readOptions(TIMES, range, 'versions()', { store: this.name })
    const found = this.store.ofKey(
      key,
      (bytes) => ({ op: 'versions', key: bytes, ...timesOf(from, to), reverse }),
      query,
      limit,
    )
    for await (const each of found) {
      const { end } = each.row
      yield { ...this.row(each), validTo: end === Infinity ? undefined : end }
    }
  }

  #find(key: K, options: VersionOptions, owner: string): Promise<FoundKey> {
    const { asOf, ...query } = readOptions(VERSION, options, owner, { store: this.name })
    return this.store.first(
      key,
      (bytes) => (asOf === undefined ? { op: 'get', key: bytes } : versionAt(bytes, asOf)),
      query,
    )
  }
}

function versionAt(key: Buffer, asOf: number) {
  return { op: 'versions', key, ...timesOf(asOf, asOf), reverse: false } as const
}
