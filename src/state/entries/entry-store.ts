import type { Headers } from '../../record/headers.ts'
import { readLong } from '../../serde/big-endian.ts'
import { ValueCodec, KeyCodec } from '../codecs.ts'
import { noCounts, type StateEnvironment, type StatePlace, type StoreCounts } from '../environment.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import { HeldUpdates } from './held-updates.ts'
import { KeyChanges } from './key-changes.ts'
import type { LatestRows } from '../rows/latest-rows.ts'
import type { ChangelogRecord, ChangelogSink, Pace, StateStore } from '../states.ts'
import { DELETED } from '../../engine/row-list.ts'
import type { Consistency } from '../reads.ts'
import { StagedRows } from './staged-rows.ts'
import { NOT_STAGED, type StateEntry, type HeldUpdate } from './state-entry.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { Serde } from '../../serde/serde.ts'
import { RecordSlice } from '../../record/record-slice.ts'

/** The approximate memory of an entry besides its key and value, bytes. */
const ENTRY_OVERHEAD = 160
const TIMESTAMP_LENGTH = 8

/**
 * What stores with deserialized entries over the engine have in common: they take updates, hold them back while
 * caching, log them at a commit, and write them to the engine at this commit or a later one. A row in the engine is its
 * key, and `timestamp ‖ value` or `value`.
 */
export abstract class EntryStore<K, V, E extends StateEntry<K, V>, Listener> implements StateStore {
  readonly name: string
  readonly cached: boolean
  abstract readonly spec: StoreSpec
  protected readonly place: StatePlace
  protected readonly environment: StateEnvironment
  protected readonly keys: KeyCodec<K>
  protected readonly values: ValueCodec<V>
  protected readonly counts: StoreCounts
  /** Entries newer than their rows in the engine, in the order of the first change, each once. */
  protected readonly dirty: E[] = []
  /** Entries changed since the last log, by first change. Those whose mark `unlogged` is gone need no log. */
  #unlogged: E[] = []
  /** The rows of dirty entries as they were last logged. */
  readonly #staged = new StagedRows()
  /** The memory of dirty entries. */
  #dirtyBytes = 0
  /** The bytes of logged rows, which are added at every log until they are written. */
  #stagedBytes = 0
  /** The memory of what the commit under way has replaced and readers still see. */
  #keptBytes = 0
  readonly #rowHasTimestamp: boolean
  /** True: the cache keeps to its bound within a record, too, as those of Kafka Streams do. */
  readonly #evictsAtOnce: boolean
  readonly #held: HeldUpdates<V, E>
  /** Lets those who watch the store know which keys change. */
  protected readonly changes: KeyChanges<E>
  /** Is called with what the cache hands on. */
  protected listener: Listener | undefined
  readonly #slice = new RecordSlice()
  #sendsOldValues = false

  protected constructor(
    spec: StoreSpec,
    place: StatePlace,
    keySerde: Serde<K>,
    valueSerde: Serde<V>,
    rowHasTimestamp: boolean,
  ) {
    const { environment } = place
    this.name = spec.name
    this.place = place
    this.environment = environment
    this.counts = environment.counts?.(spec.name) ?? noCounts()
    this.cached = spec.caching && environment.cacheBytes > 0
    this.keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.values = new ValueCodec(valueSerde, spec.name, place.scratch)
    this.#rowHasTimestamp = rowHasTimestamp
    this.#evictsAtOnce = this.cached && environment.compatible
    this.#held = new HeldUpdates(place.held)
    this.changes = new KeyChanges<E>({
      mapKeyOf: (key) => this.keys.mapKeyOf(key),
      mapKey: ({ mapKey }) => mapKey,
      idOf: (entry) => {
        const scratch = place.scratch.rewind()
        this.writeId(entry, scratch)
        return scratch.row()
      },
      isUnseen: (entry) => this.isUnseen(entry),
      release: (entry) => (entry.noted = false),
      unlogged: () => this.#unlogged,
    })
  }

  get dirtyBytes(): number {
    return this.#dirtyBytes + this.#stagedBytes + this.#keptBytes
  }

  copy(value: V): V {
    return this.values.clone(value)
  }

  // ---- what a kind of store adds

  /** Bytes of a row key before the changelog key. */
  protected abstract readonly rowHeaderLength: number
  protected abstract writeRowKey(entry: E, writer: StatePlace['rows']): void
  /** Writes what distinguishes the entry from others for those who watch. */
  protected writeId({ key, mapKey }: E, writer: ByteWriter): void {
    this.keys.writeAs(key, mapKey, writer)
  }

  /** Returns true if there is no row, and no reader can have seen one. */
  protected isUnseen(_entry: E): boolean {
    return false
  }

  protected abstract emit(entry: E, newValue: V | null, oldValue: V | null, timestamp: number, headers: Headers): void
  /** Forgets an absent entry, whose row is gone now, too. */
  protected abstract forget(entry: E): void
  /** Returns the value of the entry's row in the engine. */
  protected abstract storedValue(entry: E): V | null
  /** Returns true if the store behind the cache does not show the entry although it is there. */
  protected abstract hiddenBehindCache(entry: E): boolean
  /** Called when the cache hands the entry on. */
  protected abstract passedCache(entry: E): void
  protected abstract clearEntries(): void
  abstract restore(record: ChangelogRecord, rows: LatestRows): void
  /** Forgets about this many bytes of entries that the engine has, least recently used first. */
  abstract evict(bytes: number): void

  // ---- reading

  /** Called with what an operator reads. */
  protected noteRead(entry: E): void {
    if (entry.traced) this.environment.record.traces?.read(entry)
  }

  /** Makes the entry live. Returns false if it is absent. */
  protected thaw(entry: E): boolean {
    if (entry.current !== null) return true
    if (entry.bytes === null) return false
    entry.current = this.values.decode(entry.bytes)
    if (!entry.dirty && !this.#sendsOldValues) entry.bytes = null
    return true
  }

  /** Sets a clean entry to the content of its row. */
  protected load(entry: E, row: Buffer): void {
    const start = this.#rowHasTimestamp ? TIMESTAMP_LENGTH : 0
    entry.timestamp = this.#rowHasTimestamp ? readLong(row, 0) : -1
    entry.bytes = start === 0 ? row : row.subarray(start)
    entry.size = ENTRY_OVERHEAD + 2 * row.length
  }

  /** Loads a row that may share its memory with many. Returns false if its value cannot be read. */
  protected loadAhead(entry: E, row: Buffer): boolean {
    try {
      this.load(entry, row)
      if (!this.#sendsOldValues) this.thaw(entry)
      else if (entry.bytes !== null) entry.bytes = alone(entry.bytes)
      return true
    } catch {
      return false
    }
  }

  protected valueOfRow(row: Buffer): V {
    return this.values.read(row, this.#rowHasTimestamp ? TIMESTAMP_LENGTH : 0, row.length)
  }

  protected timestampOfRow(row: Buffer): number {
    return this.#rowHasTimestamp ? readLong(row, 0) : -1
  }

  /** Counts an entry that is in memory from now on. */
  protected track(entry: E): void {
    if (entry.size === 0) entry.size = ENTRY_OVERHEAD + 2 * this.values.averageSize
    this.place.resident.bytes += entry.size
  }

  protected untrack(entry: E): void {
    this.place.resident.bytes -= entry.size
  }

  // ---- reading without a trace

  /** Returns the row of an entry as a reader sees it; null if it is deleted, undefined if the engine has it. */
  seenRow(entry: E, consistency: Consistency): Buffer | null | undefined {
    if (consistency === 'committed' || !entry.unlogged) return this.#staged.seen(entry.row, consistency)
    if (!entry.present) return null
    const scratch = this.place.scratch.rewind()
    this.#writeRow(entry, scratch)
    return scratch.copyOfRow()
  }

  /** Returns true if the entry has a row that was logged and is not deleted, and that the engine lacks. */
  protected isStaged({ row }: E): boolean {
    return this.#staged.has(row)
  }

  observe(): boolean {
    return this.#staged.observe()
  }

  // ---- changing

  protected update(entry: E, value: V | null, timestamp: number, logTime: number): void {
    this.#change(entry, value, timestamp, logTime)
    if (!this.#evictsAtOnce) return
    const { held } = this.place
    while (held.bytes > this.environment.cacheBytes && this.emitOldest());
  }

  #change(entry: E, value: V | null, timestamp: number, logTime: number): void {
    this.counts.puts++
    // May throw, and must do so before anything is changed.
    const kept = value === null ? null : this.values.copy(value)
    if (this.cached) this.#held.hold(entry, this.environment.record, entry.size)
    entry.current = kept
    entry.bytes = null
    entry.timestamp = timestamp
    if (!this.#rowHasTimestamp) entry.logTime = logTime
    entry.referenced = true
    const { traces } = this.environment.record
    if (traces !== undefined) traces.wrote(entry)
    if (entry.noted) return
    this.changes.note(entry)
    if (entry.unlogged) {
      entry.noted = true
      return
    }
    entry.unlogged = true
    this.#unlogged.push(entry)
    if (entry.dirty) return
    entry.dirty = true
    this.#dirtyBytes += entry.size
    this.dirty.push(entry)
  }

  // ---- caching

  protected get sendsOldValues(): boolean {
    return this.#sendsOldValues
  }

  /** Call once, before the first update. */
  onFlush(listener: Listener, sendOldValues: boolean): void {
    this.listener = listener
    this.#sendsOldValues = sendOldValues
  }

  flushCache(pace?: Pace): boolean {
    let emitted = false
    while (this.emitOldest()) {
      emitted = true
      if (pace?.spend()) break
    }
    return emitted
  }

  /** Emits the update that has been held back longest. Returns false if there is none. */
  emitOldest(): boolean {
    const held = this.#held.takeOldest()
    if (held === null || held.entry === null) return false
    try {
      this.#emitHeld(held, held.entry)
    } finally {
      this.#held.recycle(held)
    }
    return true
  }

  #emitHeld(held: HeldUpdate<V, E>, entry: E): void {
    const newValue = this.thaw(entry) ? entry.value : null
    let { existed } = held
    let oldValue = held.oldValue
    if (!held.known && (newValue === null || this.#sendsOldValues)) {
      oldValue = this.storedValue(entry)
      existed = oldValue !== null
    } else if (this.#sendsOldValues && held.oldBytes !== null && oldValue === null) {
      oldValue = this.values.decode(held.oldBytes)
    }
    if (this.#sendsOldValues && entry.bytes === null && typeof newValue === 'object' && newValue !== null) {
      entry.bytes = this.values.encode(newValue)
    }
    entry.known = true
    if (existed && this.hiddenBehindCache(entry)) {
      existed = false
      oldValue = null
    }
    // Neither downstream nor the changelog knows of an entry that was made and deleted between two flushes.
    if (newValue === null && !existed) {
      if (this.listener !== undefined && !held.unlogged) entry.unlogged = false
      return
    }
    this.passedCache(entry)
    const { record } = this.environment
    const { topic, partition, offset, timestamp, headers, path } = record
    record.set(held.topic, held.partition, held.offset, held.timestamp, held.headers)
    try {
      // Downstream may change what it gets.
      const shown = newValue === null ? null : this.values.clone(newValue)
      this.emit(entry, shown, this.#sendsOldValues ? oldValue : null, entry.timestamp, held.headers)
    } finally {
      record.set(topic, partition, offset, timestamp, headers, path)
    }
  }

  // ---- committing

  logChanges(sink: ChangelogSink | undefined): void {
    this.#staged.beginCommit()
    let rows = 0
    for (const entry of this.#unlogged) {
      if (!entry.unlogged) continue
      this.#log(entry, sink)
      rows++
    }
    this.counts.writes += rows
    this.changes.logging(this.#unlogged)
    this.#unlogged = []
    this.#countKept()
  }

  committed(): void {
    this.#staged.committed()
    this.#countKept()
    this.changes.committed()
  }

  writeChanges(batch: WriteBatch): void {
    batch.addRows(this.#staged.rows)
  }

  written(): void {
    for (const entry of this.dirty) {
      entry.dirty = false
      entry.row = NOT_STAGED
      entry.known = true
      if (!entry.present) this.forget(entry)
      else if (entry.current !== null && !this.#sendsOldValues) entry.bytes = null
    }
    this.dirty.length = 0
    this.#forgetStaged()
    this.changes.written()
  }

  #forgetStaged(): void {
    this.#staged.clear()
    this.#countKept()
    this.place.resident.bytes -= this.#stagedBytes
    this.#stagedBytes = 0
    this.#dirtyBytes = 0
  }

  /** Forgets everything above the engine. */
  clear(): void {
    this.#held.clear()
    this.changes.clear()
    this.dirty.length = 0
    this.#unlogged = []
    this.#forgetStaged()
    this.clearEntries()
  }

  /** Forgets everything that is not committed. */
  discard(): void {
    this.clear()
  }

  close(): void {
    this.clear()
  }

  #log(entry: E, sink: ChangelogSink | undefined): void {
    entry.unlogged = false
    const writer = this.place.rows
    writer.beginRow()
    this.writeRowKey(entry, writer)
    const keyLength = writer.position - writer.rowStart
    if (!entry.present) {
      const { buffer, rowStart } = writer
      entry.row = this.#staged.stage(entry.row, buffer, rowStart, rowStart + keyLength, DELETED)
      if (sink !== undefined) this.#append(entry, keyLength, -1, -1, sink)
      return
    }
    this.#writeRow(entry, writer)
    const valueOffset = keyLength + (this.#rowHasTimestamp ? TIMESTAMP_LENGTH : 0)
    const { buffer, rowStart, position } = writer
    const keyEnd = rowStart + keyLength
    entry.row = this.#staged.stage(entry.row, buffer, rowStart, keyEnd, position)
    if (sink !== undefined) this.#append(entry, keyLength, rowStart + valueOffset, position, sink)
    this.#stagedBytes += position - rowStart
    this.place.resident.bytes += position - rowStart
    this.#resize(entry, position - rowStart)
  }

  #countKept(): void {
    const { keptBytes } = this.#staged
    this.place.resident.bytes += keptBytes - this.#keptBytes
    this.#keptBytes = keptBytes
  }

  #writeRow(entry: E, writer: ByteWriter): void {
    if (this.#rowHasTimestamp) writer.int64(entry.timestamp)
    if (entry.bytes !== null) writer.bytes(entry.bytes)
    else if (entry.current !== null) this.values.write(entry.current, writer)
  }

  /** Appends the row written last to the changelog, without the part of its key that only the engine has. */
  #append(entry: E, keyLength: number, valueStart: number, valueEnd: number, sink: ChangelogSink): void {
    const slice = this.#slice
    const { buffer, rowStart } = this.place.rows
    slice.timestamp = this.#rowHasTimestamp ? entry.timestamp : entry.logTime
    slice.buffer = buffer
    slice.setKey(rowStart + this.rowHeaderLength, rowStart + keyLength)
    slice.setValue(valueStart, valueEnd)
    sink.append(slice)
  }

  #resize(entry: E, rowLength: number): void {
    const size = ENTRY_OVERHEAD + 2 * rowLength
    this.place.resident.bytes += size - entry.size
    this.#dirtyBytes += size - entry.size
    entry.size = size
  }
}

/** Adds the value of a changelog record, as `timestamp ‖ value` or `value`, to a row whose key is written. */
export function restoreValue(record: ChangelogRecord, rows: LatestRows, rowHasTimestamp: boolean): void {
  if (record.valueStart < 0) return rows.delete()
  const writer = rows.endKey()
  if (rowHasTimestamp) writer.int64(record.timestamp)
  writer.range(record.buffer, record.valueStart, record.valueEnd)
  rows.put()
}

/** Returns these bytes without what else is in the same memory. */
function alone(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 2 * bytes.length) return bytes
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
