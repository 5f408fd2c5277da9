import { Change } from '../../record/change.ts'
import { Headers, NO_HEADERS } from '../../record/headers.ts'
import type { Serde } from '../../serde/serde.ts'
import { bufferedSize, readBufferedRow, writeBufferedRow, type BufferedRow } from './buffered-row.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { KeyCodec, ValueCodec, type MapKey } from '../codecs.ts'
import type { StatePlace } from '../environment.ts'
import { LoadedStore, type LoadedEntry } from './loaded-store.ts'
import { OrderedBuffer } from './ordered-buffer.ts'
import type { SuppressBuffer } from '../states.ts'
import type { SuppressBufferSpec } from '../../topology/store-spec.ts'

class BufferedChange<K> implements LoadedEntry {
  readonly id: string
  readonly key: K
  readonly mapKey: MapKey<K>
  readonly keyBytes: Buffer
  row: BufferedRow
  logged: boolean

  constructor(key: K, mapKey: MapKey<K>, keyBytes: Buffer, row: BufferedRow, logged: boolean) {
    this.id = keyBytes.toString('latin1')
    this.key = key
    this.mapKey = mapKey
    this.keyBytes = keyBytes
    this.row = row
    this.logged = logged
  }

  get logTime(): number {
    return this.row.timestamp
  }

  get size(): number {
    return bufferedSize(this.keyBytes.length, this.row)
  }
}

/** The buffer of `suppress`, in memory, with a changelog that Kafka Streams can read. */
export class SuppressStore<K, V> extends LoadedStore<BufferedChange<K>> implements SuppressBuffer<K, V> {
  readonly spec: SuppressBufferSpec
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #entries = new Map<MapKey<K>, BufferedChange<K>>()
  readonly #order = new OrderedBuffer<BufferedChange<K>>((a, b) => Buffer.compare(a.keyBytes, b.keyBytes))
  #bytes = 0

  constructor(spec: SuppressBufferSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    super(spec, place, new Headers().add('v', Buffer.of(3)))
    this.spec = spec
    this.#keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.#values = new ValueCodec(valueSerde, spec.name, place.scratch)
  }

  get count(): number {
    this.ensureLoaded()
    return this.#entries.size
  }

  get buffered(): number {
    return this.#entries.size
  }

  get bytes(): number {
    this.ensureLoaded()
    return this.#bytes
  }

  get minTime(): number {
    this.ensureLoaded()
    return this.#order.minTime
  }

  put(time: number, key: K, change: Change<V>, timestamp: number, headers: Headers): void {
    this.ensureLoaded()
    const mapKey = this.#keys.mapKey(key)
    const old = this.#encode(change.oldValue)
    const { topic, partition, offset } = this.environment.record
    const entry = this.#entries.get(mapKey)
    const row: BufferedRow = {
      topic,
      partition,
      offset,
      timestamp,
      headers: headers.length === 0 ? null : headers.copy(),
      prior: entry === undefined ? old : entry.row.prior,
      old,
      next: this.#encode(change.newValue),
      time: entry === undefined ? time : entry.row.time,
    }
    if (entry === undefined) {
      const added = new BufferedChange(key, mapKey, this.#keys.encode(key), row, false)
      this.#add(added)
      this.changed(added)
      return
    }
    this.#bytes -= entry.size
    entry.row = row
    this.#bytes += entry.size
    this.changed(entry)
  }

  prior(key: K): V | null | undefined {
    this.ensureLoaded()
    const entry = this.#entries.get(this.#keys.mapKey(key))
    return entry === undefined ? undefined : this.#decode(entry.row.prior)
  }

  evictWhile(
    condition: () => boolean,
    emit: (key: K, change: Change<V>, timestamp: number, headers: Headers) => void,
  ): void {
    this.ensureLoaded()
    const { record, compatible } = this.environment
    const { topic, partition, offset, timestamp, headers, path } = record
    try {
      while (this.#order.size > 0 && condition()) {
        const entry = this.#order.first()
        if (entry === undefined) return
        const { row } = entry
        // Downstream has seen the value emitted last, none of those that were replaced in the buffer.
        const old = compatible ? row.old : row.prior
        const change = new Change(this.#decode(row.next), this.#decode(old))
        const rowHeaders = row.headers ?? NO_HEADERS
        record.set(row.topic, row.partition, row.offset, row.timestamp, rowHeaders)
        emit(entry.key, change, row.timestamp, rowHeaders)
        this.#order.shift()
        this.#entries.delete(entry.mapKey)
        this.#bytes -= entry.size
        this.removed(entry)
      }
    } finally {
      record.set(topic, partition, offset, timestamp, headers, path)
    }
  }

  protected load(keyBytes: Buffer, value: Buffer): void {
    const key = this.#keys.read(keyBytes, 0, keyBytes.length)
    const row = readBufferedRow(value)
    this.#add(new BufferedChange(key, this.#keys.mapKey(key), keyBytes, row, true))
  }

  protected unload(): void {
    this.#entries.clear()
    this.#order.clear()
    this.#bytes = 0
  }

  protected writeValue(entry: BufferedChange<K>, writer: ByteWriter): void {
    writeBufferedRow(writer, entry.row)
  }

  #add(entry: BufferedChange<K>): void {
    this.#entries.set(entry.mapKey, entry)
    this.#order.add(entry.row.time, entry)
    this.#bytes += entry.size
  }

  #encode(value: V | null): Buffer | null {
    return value === null ? null : this.#values.encode(value)
  }

  #decode(bytes: Buffer | null): V | null {
    return bytes === null ? null : this.#values.decode(bytes)
  }
}
