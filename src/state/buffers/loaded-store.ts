import type { Headers } from '../../record/headers.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import { restoreValue } from '../entries/entry-store.ts'
import type { LatestRows } from '../rows/latest-rows.ts'
import { noCounts, PREFIX_LENGTH, type StateEnvironment, type StatePlace, type StoreCounts } from '../environment.ts'
import type { ChangelogRecord, ChangelogSink } from '../states.ts'
import { DELETED, RowList } from '../../engine/row-list.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { TaskStore } from '../task-store.ts'
import { RecordSlice } from '../../record/record-slice.ts'

/** An entry of a store that is wholly in memory. */
export interface LoadedEntry {
  /** The changelog key as latin1 text. */
  readonly id: string
  readonly logTime: number
  /** True if the changelog may have a record of the entry. */
  logged: boolean
}

const CHANGE_OVERHEAD = 200

/**
 * A store that is small by nature and whose order is not that of its keys. Its first use reads it from the engine as a
 * whole; each change is written back by itself. A row in the engine is a record of the changelog.
 */
export abstract class LoadedStore<E extends LoadedEntry> implements TaskStore {
  readonly name: string
  readonly cached = false
  abstract readonly spec: StoreSpec
  protected readonly place: StatePlace
  protected readonly environment: StateEnvironment
  readonly #counts: StoreCounts
  /** Entries changed since changes were last logged; null: removed. */
  readonly #unlogged = new Map<string, E | null>()
  /** Rows that the engine lacks. `#stagedById` has their numbers by id. */
  readonly #staged = new RowList()
  readonly #slice = new RecordSlice()
  readonly #stagedById = new Map<string, number>()
  #stagedBytes = 0
  #loaded = false
  #accounted = 0
  readonly #changelogHeaders: Headers | undefined
  readonly #tombstoneHeaders: Headers | undefined

  protected constructor(
    spec: StoreSpec,
    place: StatePlace,
    changelogHeaders: Headers | undefined,
    tombstoneHeaders?: Headers,
  ) {
    this.name = spec.name
    this.place = place
    this.environment = place.environment
    this.#counts = place.environment.counts?.(spec.name) ?? noCounts()
    this.#changelogHeaders = changelogHeaders
    this.#tombstoneHeaders = tombstoneHeaders
  }

  // ---- what a kind of store adds

  protected abstract load(key: Buffer, value: Buffer): void
  protected abstract unload(): void
  protected abstract writeValue(entry: E, writer: ByteWriter): void

  // ---- entries

  protected ensureLoaded(): void {
    if (this.#loaded) return
    // A load that failed has left entries.
    this.unload()
    const { engine, prefix } = this.place
    const iterator = engine.iterate({ gte: prefixKey(prefix), lt: prefixKey(prefix + 1) })
    try {
      while (iterator.next()) this.load(iterator.key.subarray(PREFIX_LENGTH), iterator.value)
    } finally {
      iterator.close()
    }
    this.#loaded = true
  }

  /** Notes that the entry is new or has changed. */
  protected changed(entry: E): void {
    if (this.#unlogged.get(entry.id) === null) entry.logged = true
    this.#unlogged.set(entry.id, entry)
    this.#account()
  }

  /** Notes that an entry is gone. One added since the last commit leaves no trace; Kafka Streams logs a tombstone. */
  protected removed(entry: E): void {
    if (entry.logged || this.environment.compatible) this.#unlogged.set(entry.id, null)
    else this.#unlogged.delete(entry.id)
    this.#account()
  }

  get dirtyBytes(): number {
    return (this.#unlogged.size + this.#staged.length) * CHANGE_OVERHEAD + this.#stagedBytes
  }

  /** Counts changes as memory of the task. */
  #account(): void {
    const bytes = this.dirtyBytes
    this.place.resident.bytes += bytes - this.#accounted
    this.#accounted = bytes
  }

  // ---- commit and restore

  flushCache(): boolean {
    return false
  }

  emitOldest(): boolean {
    return false
  }

  evict(): void {}

  logChanges(sink: ChangelogSink | undefined): void {
    for (const [id, entry] of this.#unlogged) this.#log(id, entry, sink)
    this.#counts.writes += this.#unlogged.size
    this.#unlogged.clear()
    this.#account()
  }

  writeChanges(batch: WriteBatch): void {
    batch.addRows(this.#staged)
  }

  written(): void {
    this.#staged.clear()
    this.#stagedById.clear()
    this.#stagedBytes = 0
    this.#account()
  }

  restore(record: ChangelogRecord, rows: LatestRows): void {
    if (this.#loaded) this.discard()
    rows.begin().int16(this.place.prefix).range(record.buffer, record.keyStart, record.keyEnd)
    restoreValue(record, rows, false)
  }

  discard(): void {
    this.#unlogged.clear()
    this.written()
    this.#loaded = false
    this.unload()
  }

  close(): void {
    this.discard()
  }

  #log(id: string, entry: E | null, sink: ChangelogSink | undefined): void {
    const writer = this.place.rows
    writer.beginRow().int16(this.place.prefix).latin1(id)
    const keyLength = writer.position - writer.rowStart
    if (entry !== null) this.writeValue(entry, writer)
    const { buffer, rowStart, position } = writer
    const keyEnd = rowStart + keyLength
    const rowEnd = entry === null ? DELETED : position
    const staged = this.#stagedById.get(id)
    if (staged === undefined) this.#stagedById.set(id, this.#staged.add(buffer, rowStart, keyEnd, rowEnd))
    else this.#staged.replace(staged, buffer, rowStart, keyEnd, rowEnd)
    this.#stagedBytes += position - rowStart
    if (entry !== null) entry.logged = true
    const slice = this.#slice
    slice.timestamp = entry === null ? this.environment.record.timestamp : entry.logTime
    slice.buffer = buffer
    slice.setKey(rowStart + PREFIX_LENGTH, keyEnd)
    slice.setValue(entry === null ? -1 : keyEnd, position)
    slice.headers = entry === null ? this.#tombstoneHeaders : this.#changelogHeaders
    sink?.append(slice)
  }
}

function prefixKey(prefix: number): Buffer {
  return Buffer.of(prefix >>> 8, prefix & 0xff)
}
