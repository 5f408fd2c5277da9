import type { KeyValueEngine } from '../../engine/engine.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'
import type { KeyCodec } from '../codecs.ts'
import { sortedByRowKey, type RowChange } from '../entries/merged-rows.ts'
import { openKeyed, type KeyedCursor } from '../key-value/key-value-reads.ts'
import { WatchedKeys } from '../key-value/watched-keys.ts'
import { ListedRows } from '../listed-rows.ts'
import type {
  Consistency,
  IdentifiedRows,
  RowChanges,
  RowOp,
  RowQuery,
  StoredRow,
  StoredRows,
  StoreReads,
} from '../reads.ts'
import { ByteWriter } from '../rows/byte-writer.ts'
import type { Retention } from '../segment-retention.ts'
import { scanPast } from './past-rows.ts'
import type { History, Version } from './version.ts'
import { latestRow, latestVersion, pastVersion, type SeenVersion, type VersionedLayout } from './versioned-layout.ts'

/** What the reads of a versioned store need of it. */
export interface VersionedSource<K, V> {
  readonly engine: KeyValueEngine
  readonly layout: VersionedLayout
  readonly retention: Retention
  readonly keys: KeyCodec<K>
  readonly changes: RowChanges
  observe(): boolean
  /** Returns what is in memory of a key. */
  history(key: Buffer): History<K, V> | undefined
  /** Returns the keys of which the engine lacks something. */
  changed(): Iterable<History<K, V>>
  /** Returns a version's value as a reader sees it; null: a deletion, undefined: the engine has what is seen. */
  seen(version: Version<V>, consistency: Consistency): Buffer | null | undefined
}

const OPS: readonly RowOp[] = ['get', 'range', 'prefix', 'versions']

/** Reads of a versioned store. */
export class VersionedReads<K, V> implements StoreReads {
  readonly ops = OPS
  readonly watched: WatchedKeys
  readonly #source: VersionedSource<K, V>
  readonly #header: Buffer
  readonly #writer = new ByteWriter(256)

  constructor(source: VersionedSource<K, V>) {
    this.#source = source
    this.watched = new WatchedKeys(source.changes, (query, consistency) => this.#latestRows(query, consistency))
    this.#header = source.layout.latestSpace(this.#writer.rewind()).copyOfRow()
  }

  observe(): boolean {
    return this.#source.observe()
  }

  open(query: RowQuery, consistency: Consistency): StoredRows {
    if (query.op === 'versions') return new ListedRows(this.#versions(query, consistency))
    return this.#latestRows(query, consistency)
  }

  #latestRows(query: RowQuery, consistency: Consistency): LatestRows {
    const { engine, history } = this.#source
    const rows = {
      engine,
      header: this.#header,
      seen: (key: Buffer) => this.#latest(history(key), consistency),
      changes: (lower: Buffer, upper: Buffer) => this.#changes(lower, upper, consistency),
    }
    return new LatestRows(openKeyed(rows, query), this.#header.length)
  }

  /** Returns the row of a key's latest version; undefined if the engine has it. */
  #latest(history: History<K, V> | undefined, consistency: Consistency): Buffer | undefined {
    if (history?.latest === undefined) return undefined
    for (let i = history.past.length; i >= 0; i--) {
      const version = history.past[i] ?? history.latest
      const value = this.#source.seen(version, consistency)
      if (value !== undefined) return latestRow({ from: version.from, value })
      if (version.stored) return undefined
    }
    return undefined
  }

  #changes(lower: Buffer, upper: Buffer, consistency: Consistency): RowChange[] {
    const { layout, keys, changed } = this.#source
    const changes: RowChange[] = []
    for (const history of changed()) {
      const rowKey = layout.latest(this.#writer.rewind(), keys, history).copyOfRow()
      if (Buffer.compare(rowKey, lower) < 0 || Buffer.compare(rowKey, upper) >= 0) continue
      const row = this.#latest(history, consistency)
      if (row !== undefined) changes.push({ rowKey, row })
    }
    return sortedByRowKey(changes)
  }

  #versions({ key, from, to, reverse }: Extract<RowQuery, { op: 'versions' }>, consistency: Consistency): StoredRow[] {
    const { retention } = this.#source
    const firstVisible = retention.firstVisibleAt(retention.observedBy(consistency))
    const versions = this.#seenVersions(key, Math.max(from, firstVisible), to, consistency)
    const rows: StoredRow[] = []
    for (const [index, { from: start, value }] of versions.entries()) {
      const end = versions[index + 1]?.from ?? Infinity
      // As of times before the history nothing is known but the latest version.
      const shownFrom = end === Infinity ? start : Math.max(start, firstVisible)
      if (value === null || shownFrom > to || end <= Math.max(from, firstVisible)) continue
      rows.push({ key, value, timestamp: start, start, end })
    }
    return reverse ? rows.reverse() : rows
  }

  /**
   * Returns a key's versions from the one that is valid at `from` to the one after `to`, the oldest first, deletions
   * among them; and perhaps others.
   */
  #seenVersions(key: Buffer, from: number, to: number, consistency: Consistency): SeenVersion[] {
    const versions = new Map<number, Buffer | null>()
    for (const { from: start, value } of this.#storedVersions(key, from, to)) versions.set(start, value)
    const history = this.#source.history(key)
    for (const version of history?.latest === undefined ? [] : [...history.past, history.latest]) {
      const value = this.#source.seen(version, consistency)
      if (value !== undefined) versions.set(version.from, value)
    }
    return [...versions].map(([start, value]) => ({ from: start, value })).sort((a, b) => a.from - b.from)
  }

  #storedVersions(key: Buffer, from: number, to: number): SeenVersion[] {
    const { engine, layout, retention } = this.#source
    const latest = engine.get(layout.latestSpace(this.#writer.rewind()).bytes(key).copyOfRow())
    if (latest === undefined) return []
    const versions = [latestVersion(latest)]
    const first = Math.max(0, retention.segment(from))
    const last = retention.segment(latestVersion(latest).from)
    scanPast(engine, layout, this.#writer, key, { first, last, from }, (row) => {
      const version = pastVersion(row.key, row.value)
      versions.push(version)
      return version.from > to
    })
    return versions
  }
}

/** The latest versions of keys, without those that are deletions. */
class LatestRows implements IdentifiedRows {
  readonly end = Infinity
  readonly #cursor: KeyedCursor
  readonly #keyOffset: number
  #version: SeenVersion = NONE

  constructor(cursor: KeyedCursor, keyOffset: number) {
    this.#cursor = cursor
    this.#keyOffset = keyOffset
  }

  next(): boolean {
    if (!this.#cursor.next()) return false
    this.#version = latestVersion(this.#cursor.row)
    return true
  }

  /** Keys whose latest version is a deletion are passed over. */
  get isRow(): boolean {
    return this.#version.value !== null
  }

  get id(): Buffer {
    return this.key
  }

  get key(): Buffer {
    return this.#cursor.rowKey.subarray(this.#keyOffset)
  }

  get value(): Buffer {
    return this.#version.value ?? NO_BYTES
  }

  get timestamp(): number {
    return this.#version.from
  }

  get start(): number {
    return this.#version.from
  }

  close(): void {
    this.#cursor.close()
  }
}

const NONE: SeenVersion = { from: -1, value: null }
