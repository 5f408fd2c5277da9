import type { Headers } from '../../record/headers.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { MapKey } from '../codecs.ts'
import { EntryStore, restoreValue } from '../entries/entry-store.ts'
import { PREFIX_LENGTH, type StatePlace } from '../environment.ts'
import type { LatestRows } from '../rows/latest-rows.ts'
import { KeyValueCursor, type ChangedRow, type RowForm } from './key-value-cursor.ts'
import { prefixBounds, rangeBounds, type RowBounds } from '../rows/row-bounds.ts'
import { KeyValueReads } from './key-value-reads.ts'
import type { Consistency, StoreReads } from '../reads.ts'
import type { RowChange } from '../entries/merged-rows.ts'
import { EvictionHand } from '../entries/eviction-hand.ts'
import { PrefetchedEntries } from './prefetched-entries.ts'
import { firstIndex, SortedChanges } from '../entries/sorted-changes.ts'
import { StateEntry } from '../entries/state-entry.ts'
import type { AskedRows, Prefetchable } from '../prefetchable.ts'
import type { ChangelogRecord, Entry, EntryCursor, FlushListener, KeyValueState } from '../states.ts'
import type { KeyValueStoreSpec } from '../../topology/store-spec.ts'
import type { Serde } from '../../serde/serde.ts'

/** A change as scans see it: what it came to is the entry's. */
interface SortableChange<K, V> {
  readonly rowKey: Buffer
  /** The row key as latin1 text, which has the same order and is compared in a third of the time. */
  readonly text: string
  readonly entry: StateEntry<K, V>
}

/** Key-value store: a table of deserialized entries over rows `prefix ‖ key`. */
export class KeyValueEntryStore<K, V>
  extends EntryStore<K, V, StateEntry<K, V>, FlushListener<K, V>>
  implements KeyValueState<K, V>, Prefetchable
{
  readonly spec: KeyValueStoreSpec
  protected readonly rowHeaderLength = PREFIX_LENGTH
  readonly #entries = new Map<MapKey<K>, StateEntry<K, V>>()
  readonly #hand = new EvictionHand(this.#entries, (entry) => this.#goes(entry))
  edition = 0
  /** The bytes before the key in every row. */
  readonly #header: Buffer
  /** True once memory has been too small for its entries. */
  #hasEvicted = false
  readonly #sorted: SortedChanges<StateEntry<K, V>, SortableChange<K, V>>
  /** The entry used last: a put mostly follows a get of the same key. */
  #last: StateEntry<K, V> | null = null
  readonly reads: StoreReads

  constructor(spec: KeyValueStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    super(spec, place, keySerde, valueSerde, spec.timestamped)
    this.spec = spec
    this.#sorted = new SortedChanges(
      this.dirty,
      (entry) => {
        const rowKey = this.keys.keep(this.#rowKey(entry.key, entry.mapKey))
        return { rowKey, text: rowKey.toString('latin1'), entry }
      },
      (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
    )
    const { engine } = place
    const header = place.scratch.rewind().int16(place.prefix).copyOfRow()
    this.#header = header
    this.reads = new KeyValueReads({
      timestamped: spec.timestamped,
      changes: this.changes,
      observe: () => this.observe(),
      rows: (consistency) => ({
        engine,
        header,
        seen: (key) => this.#seen(key, consistency),
        changes: (lower, upper) => this.#changes(lower, upper, consistency),
      }),
    })
  }

  get(key: K): Entry<V> | undefined {
    this.counts.reads++
    const entry = this.#find(key) ?? this.#read(key)
    entry.referenced = true
    this.noteRead(entry)
    return this.thaw(entry) ? entry : undefined
  }

  put(key: K, value: V | null, timestamp: number): void {
    const entry = this.#find(key) ?? this.#add(key, this.keys.mapKey(key), false)
    if (this.spec.timestamped) this.update(entry, value, timestamp, timestamp)
    else this.update(entry, value, -1, this.environment.record.timestamp)
  }

  get prefetchable(): Prefetchable | undefined {
    return this.place.engine.getMany === undefined ? undefined : this
  }

  ask(keys: readonly K[]): AskedRows | undefined {
    const { engine, rowKeys } = this.place
    // Until memory is too small a missing row is new, or cold for a moment: another thread costs more than it saves.
    if (!this.#hasEvicted || engine.beginGetMany === undefined) return undefined
    const missing = this.#missing(keys)
    const pending = missing.length === 0 ? undefined : engine.beginGetMany(rowKeys.all)
    if (pending === undefined) return undefined
    const { edition } = this
    const take = (): PrefetchedEntries<K, V> | undefined => {
      const rows = pending.take()
      return rows === undefined || edition !== this.edition ? undefined : this.#hold(missing, rows)
    }
    return { take, drop: () => pending.drop() }
  }

  prefetch(keys: readonly K[]): PrefetchedEntries<K, V> {
    const { engine, rowKeys } = this.place
    const missing = this.#missing(keys)
    if (missing.length === 0 || engine.getMany === undefined) return new PrefetchedEntries()
    return this.#hold(missing, engine.getMany(rowKeys.all))
  }

  range(from: K | undefined, to: K | undefined, reverse: boolean): EntryCursor<K, V> {
    return this.#scan(rangeBounds(this.#header, this.#bytesOf(from), this.#bytesOf(to)), reverse)
  }

  prefix(prefix: Buffer): EntryCursor<K, V> {
    return this.#scan(prefixBounds(this.#header, prefix), false)
  }

  restore(record: ChangelogRecord, rows: LatestRows): void {
    if (this.#entries.size > 0) this.clear()
    rows.begin().int16(this.place.prefix).range(record.buffer, record.keyStart, record.keyEnd)
    restoreValue(record, rows, this.spec.timestamped)
  }

  get isWatched(): boolean {
    return this.changes.isWatched
  }

  restoredRows(rowKeys: readonly Buffer[]): void {
    for (const rowKey of rowKeys) {
      if (rowKey.compare(this.#header, 0, PREFIX_LENGTH, 0, PREFIX_LENGTH) !== 0) continue
      const key = rowKey.subarray(PREFIX_LENGTH)
      this.changes.restoredRow(key, key)
    }
  }

  override written(): void {
    super.written()
    this.edition++
    this.#sorted.reset()
  }

  evict(bytes: number): void {
    this.#hasEvicted = true
    this.#hand.evict(this.place.resident, bytes)
  }

  // ---- for the base class

  protected writeRowKey(entry: StateEntry<K, V>, writer: ByteWriter): void {
    writer.int16(this.place.prefix)
    this.keys.writeAs(entry.key, entry.mapKey, writer)
  }

  protected emit(
    entry: StateEntry<K, V>,
    newValue: V | null,
    oldValue: V | null,
    timestamp: number,
    headers: Headers,
  ): void {
    this.listener?.(entry.key, newValue, oldValue, timestamp, headers)
  }

  protected forget(entry: StateEntry<K, V>): void {
    this.#drop(entry)
  }

  protected storedValue(entry: StateEntry<K, V>): V | null {
    const row = this.place.engine.get(this.#rowKey(entry.key, entry.mapKey).row())
    return row === undefined ? null : this.valueOfRow(row)
  }

  protected hiddenBehindCache(): boolean {
    return false
  }

  protected passedCache(): void {}

  protected clearEntries(): void {
    for (const entry of this.#entries.values()) this.untrack(entry)
    this.#entries.clear()
    this.#sorted.reset()
    this.#last = null
  }

  // ---- entries

  #find(key: K): StateEntry<K, V> | undefined {
    if (!this.keys.primitive) return this.#entries.get(this.keys.mapKey(key))
    if (this.#last !== null && this.#last.key === key) return this.#last
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#last = entry
    return entry
  }

  #read(key: K): StateEntry<K, V> {
    this.counts.engineReads++
    const mapKey = this.keys.mapKey(key)
    const row = this.place.engine.get(this.#rowKey(key, mapKey).row())
    return this.#fill(this.#add(key, mapKey, true), row)
  }

  #add(key: K, mapKey: MapKey<K>, known: boolean): StateEntry<K, V> {
    const entry = new StateEntry<K, V>(key, mapKey, known)
    this.track(entry)
    this.#entries.set(entry.mapKey, entry)
    this.#last = entry
    return entry
  }

  #fill(entry: StateEntry<K, V>, row: Buffer | undefined): StateEntry<K, V> {
    if (row === undefined) return entry
    this.untrack(entry)
    this.load(entry, row)
    this.track(entry)
    return entry
  }

  /**
   * Those of these keys that are not in memory, as entries that are not there yet; `rowKeys` has the keys of their
   * rows.
   */
  #missing(keys: readonly K[]): StateEntry<K, V>[] {
    const missing: StateEntry<K, V>[] = []
    const rowKeys = this.place.rowKeys.begin()
    for (const key of keys) {
      const mapKey = this.keys.mapKey(key)
      if (this.#entries.has(mapKey)) continue
      rowKeys.add(this.#rowKey(key, mapKey))
      missing.push(new StateEntry<K, V>(key, mapKey, true))
    }
    this.counts.engineReads += missing.length
    return missing
  }

  /** Takes into memory what the engine had of entries that were missing when it was asked. */
  #hold(missing: readonly StateEntry<K, V>[], rows: readonly (Buffer | undefined)[]): PrefetchedEntries<K, V> {
    const prefetched = new PrefetchedEntries<K, V>()
    for (let i = 0; i < missing.length; i++) {
      const entry = missing[i]!
      // It is twice among the keys, or newer than the engine by now.
      if (this.#entries.has(entry.mapKey)) continue
      const row = rows[i]
      if (row !== undefined && !this.loadAhead(entry, row)) continue
      this.#entries.set(entry.mapKey, entry)
      this.track(entry)
      prefetched.add(entry)
    }
    return prefetched
  }

  #drop(entry: StateEntry<K, V>): void {
    this.#let(entry)
    this.#entries.delete(entry.mapKey)
  }

  #let(entry: StateEntry<K, V>): void {
    if (this.#last === entry) this.#last = null
    this.untrack(entry)
  }

  #goes(entry: StateEntry<K, V>): boolean {
    if (entry.dirty || entry.awaited || entry.held !== null) return false
    if (entry.referenced) {
      entry.referenced = false
      return false
    }
    this.#let(entry)
    return true
  }

  // ---- scanning

  #seen(key: Buffer, consistency: Consistency): Buffer | null | undefined {
    const entry = this.#entries.get(this.keys.mapKeyOf(key))
    return entry === undefined ? undefined : this.seenRow(entry, consistency)
  }

  #changes(lower: Buffer, upper: Buffer, consistency: Consistency): RowChange[] {
    const changes: RowChange[] = []
    for (const { rowKey, entry } of this.#changed(lower, upper)) {
      const row = this.seenRow(entry, consistency)
      if (row !== undefined) changes.push({ rowKey, row })
    }
    return changes
  }

  #changed(lower: Buffer, upper: Buffer): readonly SortableChange<K, V>[] {
    const sorted = this.#sorted.sorted()
    const begin = firstIndex(sorted, ({ rowKey }) => Buffer.compare(rowKey, lower) >= 0)
    const end = firstIndex(sorted, ({ rowKey }) => Buffer.compare(rowKey, upper) >= 0)
    return sorted.slice(begin, end)
  }

  #scan({ lower, upper }: RowBounds, reverse: boolean): EntryCursor<K, V> {
    const changes = this.#changed(lower, upper).map(({ rowKey, entry }): ChangedRow<K, V> => {
      const { key, current, bytes, timestamp } = entry
      return { rowKey, key, current, bytes, timestamp }
    })
    if (reverse) changes.reverse()
    const { engine } = this.place
    const form = this.spec.timestamped ? TIMESTAMPED_ROW : PLAIN_ROW
    return new KeyValueCursor({ engine, lower, upper, reverse, changes, keys: this.keys, values: this.values, form })
  }

  #rowKey(key: K, mapKey: MapKey<K>): ByteWriter {
    const scratch = this.place.scratch.rewind().int16(this.place.prefix)
    this.keys.writeAs(key, mapKey, scratch)
    return scratch
  }

  #bytesOf(key: K | undefined): Buffer | undefined {
    if (key === undefined) return undefined
    const scratch = this.place.scratch.rewind()
    this.keys.write(key, scratch)
    return scratch.copyOfRow()
  }
}

const PLAIN_ROW: RowForm = { keyOffset: PREFIX_LENGTH, valueOffset: 0, timestamped: false, isTombstone: () => false }
const TIMESTAMPED_ROW: RowForm = { ...PLAIN_ROW, valueOffset: 8, timestamped: true }
