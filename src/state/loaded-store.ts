import type { Headers } from '../record/headers.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { WriteBatch, WriteOperation } from './engine.ts'
import { restoreRow } from './entry-store.ts'
import { PREFIX_LENGTH, type StateEnvironment, type StatePlace } from './environment.ts'
import type { ChangelogRecord, ChangelogSink } from './states.ts'
import type { StoreSpec } from './store-spec.ts'
import type { TaskStore } from './task-store.ts'

/** An entry of a store that is held in memory as a whole. */
export interface LoadedEntry {
  /** The changelog key as latin1 text. */
  readonly id: string
  readonly logTime: number
  /** True if the engine has a row for it. */
  stored: boolean
}

const CHANGE_OVERHEAD = 200

/**
 * Stores whose order is not that of their keys and that are small by nature: read from the engine as a whole at first use,
 * and written back entry by entry. A row in the engine is a record of the changelog.
 */
export abstract class LoadedStore<E extends LoadedEntry> implements TaskStore {
  readonly name: string
  readonly cached = false
  abstract readonly spec: StoreSpec
  protected readonly place: StatePlace
  protected readonly environment: StateEnvironment
  /** Changed since the last commit; null: removed. */
  readonly #changed = new Map<string, E | null>()
  #loaded = false
  #rows: WriteOperation[] = []
  readonly #changelogHeaders: Headers | undefined

  protected constructor(spec: StoreSpec, place: StatePlace, changelogHeaders: Headers | undefined) {
    this.name = spec.name
    this.place = place
    this.environment = place.environment
    this.#changelogHeaders = changelogHeaders
  }

  // ---- what a kind of store adds

  protected abstract load(key: Buffer, value: Buffer): void
  protected abstract unload(): void
  protected abstract writeValue(entry: E, writer: ByteWriter): void

  // ---- entries

  protected ensureLoaded(): void {
    if (this.#loaded) return
    this.#loaded = true
    const { engine, prefix } = this.place
    const iterator = engine.iterate({ gte: prefixKey(prefix), lt: prefixKey(prefix + 1) })
    try {
      while (iterator.next()) this.load(iterator.key.subarray(PREFIX_LENGTH), iterator.value)
    } finally {
      iterator.close()
    }
  }

  /** The entry is new or has changed. */
  protected changed(entry: E): void {
    if (this.#changed.get(entry.id) === null) entry.stored = true
    this.#changed.set(entry.id, entry)
  }

  /**
   * The entry is gone. What was added and removed between two commits leaves no trace; Kafka Streams writes a tombstone to
   * the changelog.
   */
  protected removed(entry: E): void {
    if (entry.stored || this.environment.compatible) this.#changed.set(entry.id, null)
    else this.#changed.delete(entry.id)
  }

  get dirtyBytes(): number {
    return this.#changed.size * CHANGE_OVERHEAD
  }

  // ---- commit and restore

  flushCache(): boolean {
    return false
  }

  emitOldest(): boolean {
    return false
  }

  evict(): void {}

  logChanges(sink: ChangelogSink): void {
    this.#serialize(sink)
  }

  writeChanges(batch: WriteBatch): void {
    if (this.#rows.length === 0) this.#serialize(undefined)
    for (const row of this.#rows) batch.operations.push(row)
  }

  committed(): void {
    for (const entry of this.#changed.values()) if (entry !== null) entry.stored = true
    this.#changed.clear()
    this.#rows = []
  }

  restore(record: ChangelogRecord, batch: WriteBatch): void {
    if (this.#loaded) this.discard()
    const { scratch, prefix } = this.place
    const key = scratch.rewind().int16(prefix).range(record.buffer, record.keyStart, record.keyEnd).copyOfRow()
    restoreRow(record, batch, key, false)
  }

  discard(): void {
    this.#changed.clear()
    this.#rows = []
    this.#loaded = false
    this.unload()
  }

  close(): void {
    this.discard()
  }

  #serialize(sink: ChangelogSink | undefined): void {
    const writer = this.place.rows
    for (const [id, entry] of this.#changed) {
      writer.beginRow().int16(this.place.prefix).latin1(id)
      const keyLength = writer.position - writer.rowStart
      if (entry !== null) this.writeValue(entry, writer)
      const { buffer, rowStart, position } = writer
      const keyEnd = rowStart + keyLength
      const key = buffer.subarray(rowStart, keyEnd)
      if (entry === null) {
        this.#rows.push({ type: 'delete', key })
        sink?.append(this.environment.record.timestamp, buffer, rowStart + PREFIX_LENGTH, keyEnd, -1, -1, undefined)
        continue
      }
      this.#rows.push({ type: 'put', key, value: buffer.subarray(keyEnd, position) })
      const { logTime } = entry
      sink?.append(logTime, buffer, rowStart + PREFIX_LENGTH, keyEnd, keyEnd, position, this.#changelogHeaders)
    }
  }
}

function prefixKey(prefix: number): Buffer {
  return Buffer.of(prefix >>> 8, prefix & 0xff)
}
