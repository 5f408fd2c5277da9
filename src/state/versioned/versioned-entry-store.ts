import { readLong } from '../../serde/big-endian.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { KeyCodec, ValueCodec, type MapKey } from '../codecs.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import { noCounts, type StateEnvironment, type StatePlace, type StoreCounts } from '../environment.ts'
import { DELETED } from '../../engine/row-list.ts'
import { KeyChanges } from '../entries/key-changes.ts'
import { StagedRows } from '../entries/staged-rows.ts'
import { NOT_STAGED } from '../entries/state-entry.ts'
import type { Consistency, StoreReads } from '../reads.ts'
import { scanPast } from './past-rows.ts'
import { VersionedReads } from './versioned-reads.ts'
import { EvictionHand } from '../entries/eviction-hand.ts'
import { KeyValueCursor, type ChangedRow } from '../key-value/key-value-cursor.ts'
import { Retention } from '../segment-retention.ts'
import type { ChangelogRecord, ChangelogSink, EntryCursor, VersionedEntry, VersionedState } from '../states.ts'
import type { VersionedStoreSpec } from '../../topology/store-spec.ts'
import type { TaskStore } from '../task-store.ts'
import { History, Version } from './version.ts'
import { LATEST_ROW, VersionedLayout } from './versioned-layout.ts'
import { RecordSlice } from '../../record/record-slice.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

const VERSION_OVERHEAD = 120
const HISTORY_OVERHEAD = 240

/** A version that the changelog or the engine lacks. */
interface VersionChange<K, V> {
  readonly history: History<K, V>
  readonly version: Version<V>
}

/**
 * Versioned key-value store. The latest version of each key has a row of its own; past ones lie in segments by the end
 * of their validity. A look-up of the latest value reads one row. Past ones are read for older times only.
 */
export class VersionedEntryStore<K, V> implements VersionedState<K, V>, TaskStore {
  readonly name: string
  readonly spec: VersionedStoreSpec
  readonly cached = false
  readonly #place: StatePlace
  readonly #environment: StateEnvironment
  readonly #counts: StoreCounts
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #retention: Retention
  readonly #layout: VersionedLayout
  readonly #histories = new Map<MapKey<K>, History<K, V>>()
  readonly #hand = new EvictionHand(this.#histories, (history) => this.#goes(history))
  #unlogged: VersionChange<K, V>[] = []
  #unwritten: VersionChange<K, V>[] = []
  #dirtyBytes = 0
  #purgedSegment = 0
  #restoring = false
  /** Logged versions that the engine lacks: `key`, `value`. */
  readonly #staged = new StagedRows()
  #stagedBytes = 0
  readonly #changes: KeyChanges<VersionChange<K, V>>
  readonly reads: StoreReads

  constructor(spec: VersionedStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    this.name = spec.name
    this.spec = spec
    this.#place = place
    this.#environment = place.environment
    this.#counts = place.environment.counts?.(spec.name) ?? noCounts()
    this.#keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.#values = new ValueCodec(valueSerde, spec.name, place.scratch)
    this.#retention = new Retention(spec.historyRetention, false, true)
    this.#layout = new VersionedLayout(place.prefix)
    if (place.kept !== null) this.#retention.begin(readLong(place.kept, 0))
    this.#changes = new KeyChanges({
      mapKeyOf: (key) => this.#keys.mapKeyOf(key),
      mapKey: ({ history }) => history.mapKey,
      idOf: ({ history }) => {
        const scratch = place.scratch.rewind()
        this.#keys.writeAs(history.key, history.mapKey, scratch)
        return scratch.row()
      },
      isUnseen: () => false,
      release: ({ version }) => (version.noted = false),
      unlogged: () => this.#unlogged,
    })
    this.reads = new VersionedReads({
      engine: place.engine,
      layout: this.#layout,
      retention: this.#retention,
      keys: this.#keys,
      changes: this.#changes,
      observe: () => this.#staged.observe(),
      history: (key) => this.#histories.get(this.#keys.mapKeyOf(key)),
      changed: () => new Set(this.#unwritten.map(({ history }) => history)),
      seen: (version, consistency) => this.#seen(version, consistency),
    })
  }

  get dirtyBytes(): number {
    return this.#dirtyBytes + this.#stagedBytes
  }

  copy(value: V): V {
    return this.#values.clone(value)
  }

  get(key: K): VersionedEntry<V> | undefined {
    this.#counts.reads++
    const { latest } = this.#history(key)
    return latest === undefined ? undefined : this.#entry(latest, Infinity)
  }

  getAsOf(key: K, asOf: number): VersionedEntry<V> | undefined {
    this.#counts.reads++
    const history = this.#history(key)
    const { latest } = history
    if (latest === undefined) return undefined
    if (latest.from <= asOf) return this.#entry(latest, Infinity)
    if (asOf < this.#retention.firstVisible) return undefined
    this.#complete(history)
    const version = history.pastAt(asOf)
    return version === undefined ? undefined : this.#entry(version, history.validTo(version))
  }

  put(key: K, value: V | null, timestamp: number): 'latest' | 'historical' | 'rejected' {
    this.#counts.puts++
    if (!this.#retention.accept(timestamp)) {
      this.#environment.drop('expired', this.name)
      return 'rejected'
    }
    const isObject = typeof value === 'object' && value !== null
    const bytes = isObject ? this.#values.encode(value) : null
    const kept = isObject || value === null ? null : this.#values.copy(value)
    const history = this.#history(key)
    const version = this.#versionAt(history, timestamp)
    version.current = kept
    version.bytes = bytes
    if (!version.noted) this.#note({ history, version })
    return version === history.latest ? 'latest' : 'historical'
  }

  #note(change: VersionChange<K, V>): void {
    const { version } = change
    version.noted = true
    this.#changes.note(change)
    if (version.unlogged) return
    version.unlogged = true
    this.#unlogged.push(change)
  }

  all(): EntryCursor<K, V> {
    const changes: ChangedRow<K, V>[] = []
    for (const { history, version } of this.#unwritten) {
      if (version !== history.latest) continue
      history.rowKey ??= this.#keys.keep(this.#layout.latest(this.#place.scratch.rewind(), this.#keys, history))
      const { key, rowKey } = history
      changes.push({ rowKey, key, current: version.current, bytes: version.bytes, timestamp: version.from })
    }
    changes.sort((a, b) => Buffer.compare(a.rowKey, b.rowKey))
    return new KeyValueCursor({
      engine: this.#place.engine,
      lower: this.#layout.latestSpace(this.#place.scratch.rewind()).copyOfRow(),
      upper: this.#layout.latestSpaceEnd(this.#place.scratch.rewind()).copyOfRow(),
      reverse: false,
      changes,
      keys: this.#keys,
      values: this.#values,
      form: LATEST_ROW,
    })
  }

  // ---- commit and restore

  flushCache(): boolean {
    return false
  }

  emitOldest(): boolean {
    return false
  }

  logChanges(sink: ChangelogSink | undefined): void {
    this.#staged.beginCommit()
    this.#retention.logged()
    const { rows } = this.#place
    const slice = new RecordSlice()
    for (const { history, version } of this.#unlogged) {
      version.unlogged = version.noted = false
      rows.beginRow()
      this.#keys.writeAs(history.key, history.mapKey, rows)
      const keyLength = rows.position - rows.rowStart
      if (!version.tombstone) this.#writeValue(version, rows)
      const { buffer, rowStart, position } = rows
      const keyEnd = rowStart + keyLength
      version.row = this.#staged.stage(version.row, buffer, rowStart, keyEnd, version.tombstone ? DELETED : position)
      this.#stagedBytes += position - rowStart
      this.#place.resident.bytes += position - rowStart
      if (sink === undefined) continue
      slice.timestamp = version.from
      slice.buffer = buffer
      slice.setKey(rowStart, keyEnd)
      slice.setValue(version.tombstone ? -1 : keyEnd, position)
      sink.append(slice)
    }
    this.#counts.writes += this.#unlogged.length
    this.#changes.logging(this.#unlogged)
    this.#unlogged = []
  }

  committed(): void {
    this.#staged.committed()
    this.#retention.committed()
    this.#changes.committed()
  }

  writeChanges(batch: WriteBatch): void {
    this.#purge(batch)
    for (const change of this.#unwritten) this.#writeVersion(change, batch)
    if (!this.#retention.isUnwritten) return
    batch.put(this.#place.keptKey, this.#place.rows.beginRow().int64(this.#retention.observed).row())
  }

  written(): void {
    const first = this.#retention.firstVisible
    for (const { history, version } of this.#unwritten) {
      version.unwritten = false
      version.stored = true
      version.row = NOT_STAGED
      history.changes = 0
      history.rowKey = null
      while (history.past.length > 0 && history.validTo(history.past[0]!) < first)
        this.#forget(history, history.past.shift()!)
    }
    const restored = this.#restoring && this.#changes.isWatched ? this.#unwritten : []
    this.#unwritten = []
    this.#retention.written()
    this.#dirtyBytes = 0
    this.#forgetStaged()
    this.#changes.written()
    if (this.#restoring) this.#clear()
    this.#restoring = false
    this.#changes.restored(restored)
  }

  restore(record: ChangelogRecord): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestamp } = record
    this.#restoring = true
    if (!this.#retention.accept(timestamp)) return
    const version = this.#versionAt(this.#history(this.#keys.read(buffer, keyStart, keyEnd)), timestamp)
    version.current = null
    version.bytes = valueStart < 0 ? null : this.#values.keep(buffer, valueStart, valueEnd)
  }

  evict(bytes: number): void {
    this.#hand.evict(this.#place.resident, bytes)
  }

  discard(): void {
    this.#clear()
    this.#purgedSegment = 0
    this.#retention.discard()
  }

  close(): void {
    this.#clear()
  }

  // ---- versions

  #entry(version: Version<V>, validTo: number): VersionedEntry<V> | undefined {
    const { current, bytes, from } = version
    if (current !== null) return { value: current, timestamp: from, validTo }
    // Decoded again each time: an aggregator that changes its argument must not change a past version.
    return bytes === null ? undefined : { value: this.#values.decode(bytes), timestamp: from, validTo }
  }

  /** Returns the version of this time, to be changed. Makes it if there is none. */
  #versionAt(history: History<K, V>, timestamp: number): Version<V> {
    const { latest } = history
    if (latest?.from === timestamp) return this.#touch(history, latest)
    if (latest === undefined || timestamp > latest.from) {
      const version = this.#grown(history, new Version<V>(timestamp))
      history.latest = version
      if (latest !== undefined) {
        history.past.push(latest)
        this.#touch(history, latest)
      }
      return this.#touch(history, version)
    }
    this.#complete(history)
    const existing = history.pastFrom(timestamp)
    if (existing !== undefined) return this.#touch(history, existing)
    const version = this.#grown(history, new Version<V>(timestamp))
    const before = history.insertPast(version)
    if (before !== undefined) this.#touch(history, before)
    return this.#touch(history, version)
  }

  #touch(history: History<K, V>, version: Version<V>): Version<V> {
    if (version.unwritten) return version
    version.unwritten = true
    history.changes++
    this.#unwritten.push({ history, version })
    this.#dirtyBytes += VERSION_OVERHEAD + this.#values.averageSize
    return version
  }

  #grown(history: History<K, V>, version: Version<V>): Version<V> {
    version.size = VERSION_OVERHEAD + this.#values.averageSize
    history.size += version.size
    this.#place.resident.bytes += version.size
    return version
  }

  /** Takes a version that was removed off the count of memory. */
  #forget(history: History<K, V>, { size }: Version<V>): void {
    history.size -= size
    this.#place.resident.bytes -= size
  }

  #history(key: K): History<K, V> {
    const mapKey = this.#keys.mapKey(key)
    let history = this.#histories.get(mapKey)
    if (history === undefined) {
      history = new History<K, V>(key, mapKey)
      const rowKey = this.#layout.latest(this.#place.scratch.rewind(), this.#keys, history).row()
      this.#counts.engineReads++
      // May throw. A history without its row would be taken for that of a key without versions.
      const row = this.#place.engine.get(rowKey)
      history.size = HISTORY_OVERHEAD
      this.#place.resident.bytes += HISTORY_OVERHEAD
      this.#histories.set(mapKey, history)
      if (row !== undefined) history.latest = this.#grown(history, this.#layout.readLatest<V>(row))
    }
    history.referenced = true
    return history
  }

  /** Reads the past versions that the engine has. */
  #complete(history: History<K, V>): void {
    if (history.complete) return
    this.#counts.engineReads++
    const { engine, scratch } = this.#place
    const { firstLiveSegment: first, observed } = this.#retention
    const last = this.#retention.segment(observed)
    this.#keys.writeAs(history.key, history.mapKey, scratch.rewind())
    scanPast(engine, this.#layout, scratch, scratch.copyOfRow(), { first, last }, ({ key, value }, segment) => {
      const version = this.#layout.readPast<V>(key, value, segment)
      const known =
        history.pastFrom(version.from) ?? (history.latest?.from === version.from ? history.latest : undefined)
      if (known === undefined) history.insertPast(this.#grown(history, version))
      else known.storedSegment = segment
    })
    history.complete = true
  }

  #goes(history: History<K, V>): boolean {
    if (history.referenced) {
      history.referenced = false
      return false
    }
    if (history.changes > 0) return false
    this.#place.resident.bytes -= history.size
    return true
  }

  #clear(): void {
    for (const history of this.#histories.values()) this.#place.resident.bytes -= history.size
    this.#histories.clear()
    this.#changes.clear()
    this.#unlogged = []
    this.#unwritten = []
    this.#dirtyBytes = 0
    this.#forgetStaged()
  }

  #forgetStaged(): void {
    this.#staged.clear()
    this.#place.resident.bytes -= this.#stagedBytes
    this.#stagedBytes = 0
  }

  // ---- reading without a trace

  /** Returns a version's value as a reader sees it; null: a deletion, undefined: the engine has what is seen. */
  #seen(version: Version<V>, consistency: Consistency): Buffer | null | undefined {
    if (consistency === 'committed' || !version.unlogged) return this.#staged.seen(version.row, consistency)
    if (version.tombstone) return null
    const scratch = this.#place.scratch.rewind()
    this.#writeValue(version, scratch)
    return scratch.copyOfRow()
  }

  // ---- rows

  #writeValue(version: Version<V>, writer: ByteWriter): void {
    if (version.bytes !== null) writer.bytes(version.bytes)
    else if (version.current !== null) this.#values.write(version.current, writer)
  }

  #writeVersion({ history, version }: VersionChange<K, V>, batch: WriteBatch): void {
    const { rows } = this.#place
    const validTo = history.validTo(version)
    const segment = version === history.latest ? -1 : this.#retention.segment(validTo)
    if (version.storedSegment >= 0 && version.storedSegment !== segment) {
      const old = this.#layout.past(rows.beginRow(), version.storedSegment, this.#keys, history)
      batch.delete(old.int64(version.from).row())
    }
    // Time has moved on since the put: nobody can ask for it, and rows of a dead segment are never deleted.
    if (segment >= 0 && segment < this.#retention.firstLiveSegment) return
    version.storedSegment = segment
    rows.beginRow()
    if (segment < 0) this.#layout.latest(rows, this.#keys, history)
    else this.#layout.past(rows, segment, this.#keys, history).int64(version.from)
    const keyLength = rows.position - rows.rowStart
    rows.int64(segment < 0 ? version.from : validTo).byte(version.tombstone ? 0 : 1)
    this.#writeValue(version, rows)
    const row = rows.row()
    batch.put(row.subarray(0, keyLength), row.subarray(keyLength))
    if (segment < 0 && version.tombstone) {
      batch.put(
        this.#layout.tombstone(rows.beginRow(), this.#retention.segment(version.from), this.#keys, history).row(),
        NO_BYTES,
      )
    }
  }

  /** Deletes past versions that nobody can ask for, and keys with a tombstone of that age. */
  #purge(batch: WriteBatch): void {
    const live = this.#retention.firstLiveSegment
    if (live <= this.#purgedSegment) return
    this.#purgedSegment = live
    const layout = this.#layout
    const { rows, engine } = this.#place
    batch.deleteRange(layout.pastSpace(rows.beginRow(), 0).row(), layout.pastSpace(rows.beginRow(), live).row())
    const gte = layout.tombstoneSpace(rows.beginRow(), 0).row()
    const lt = layout.tombstoneSpace(rows.beginRow(), live).row()
    const iterator = engine.iterate({ gte, lt })
    try {
      while (iterator.next()) this.#purgeTombstone(layout.keyOfTombstone(iterator.key), live, batch)
    } finally {
      iterator.close()
    }
    batch.deleteRange(gte, lt)
  }

  #purgeTombstone(keyBytes: Buffer, live: number, batch: WriteBatch): void {
    const rowKey = this.#layout.latestSpace(this.#place.rows.beginRow()).bytes(keyBytes).row()
    const row = this.#place.engine.get(rowKey)
    if (row === undefined) return
    const stored = this.#layout.readLatest<V>(row)
    if (!stored.tombstone || this.#retention.segment(stored.from) >= live) return
    batch.delete(rowKey)
    const history = this.#histories.get(this.#keys.mapKey(this.#keys.read(keyBytes, 0, keyBytes.length)))
    // Unwritten versions before it need it: it is the end of their validity.
    if (history?.latest?.from !== stored.from || history.changes > 0) return
    this.#forget(history, history.latest)
    history.latest = undefined
  }
}
