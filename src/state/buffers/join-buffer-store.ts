import { NO_HEADERS, type Headers } from '../../record/headers.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { Serde } from '../../serde/serde.ts'
import { readBufferedRow, writeBufferedRow, type BufferedRow } from './buffered-row.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { KeyCodec, ValueCodec } from '../codecs.ts'
import type { LatestRows } from '../rows/latest-rows.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import type { StatePlace } from '../environment.ts'
import { LoadedStore, type LoadedEntry } from './loaded-store.ts'
import { OrderedBuffer } from './ordered-buffer.ts'
import type { ChangelogRecord, JoinBuffer } from '../states.ts'
import type { JoinBufferSpec } from '../../topology/store-spec.ts'

interface BufferedRecord<K> extends LoadedEntry {
  readonly key: K
  readonly keyBytes: Buffer
  readonly sequence: number
  readonly row: BufferedRow
}

const TIME_LENGTH = 8
const SEQUENCE_LENGTH = 4

/** Stream records that wait for the grace of a stream-table join: `time(8) ‖ key ‖ sequence(4)`. */
export class JoinBufferStore<K, V> extends LoadedStore<BufferedRecord<K>> implements JoinBuffer<K, V> {
  readonly spec: JoinBufferSpec
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #order = new OrderedBuffer<BufferedRecord<K>>(
    (a, b) => Buffer.compare(a.keyBytes, b.keyBytes) || distance(b.sequence, a.sequence),
  )
  #observed = -1
  /**
   * The number of the newest record that waits. It comes from the rows themselves: a changelog ends with tombstones of
   * lower numbers, and a number in use would overwrite the record that has it.
   */
  #sequence = 0
  /** The observed time that the engine has. */
  #keptObserved = -1

  constructor(spec: JoinBufferSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    super(spec, place, undefined)
    this.spec = spec
    this.#keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.#values = new ValueCodec(valueSerde, spec.name, place.scratch)
    if (place.kept === null) return
    this.#keptObserved = this.#observed = readLong(place.kept, 0)
  }

  get buffered(): number {
    return this.#order.size
  }

  get minTime(): number {
    this.ensureLoaded()
    return this.#order.minTime
  }

  put(key: K, value: V, timestamp: number, headers: Headers): boolean {
    this.ensureLoaded()
    if (timestamp < this.#observed - this.spec.grace) return false
    this.#observed = Math.max(this.#observed, timestamp)
    this.#sequence = (this.#sequence + 1) & 0x7fffffff
    const { topic, partition, offset } = this.environment.record
    const keyBytes = this.#keys.encode(key)
    const entry: BufferedRecord<K> = {
      id: idOf(timestamp, keyBytes, this.#sequence, this.place.scratch),
      key,
      keyBytes,
      sequence: this.#sequence,
      row: {
        topic,
        partition,
        offset,
        timestamp,
        headers: headers.length === 0 ? null : headers.copy(),
        prior: null,
        old: null,
        next: this.#values.encode(value),
        time: 0,
      },
      logTime: timestamp,
      logged: false,
    }
    this.#order.add(timestamp, entry)
    this.changed(entry)
    return true
  }

  evictWhile(condition: () => boolean, emit: (key: K, value: V, timestamp: number, headers: Headers) => void): void {
    this.ensureLoaded()
    const { record } = this.environment
    const { topic, partition, offset, timestamp, headers, path } = record
    try {
      while (this.#order.size > 0 && condition()) {
        const entry = this.#order.first()
        if (entry === undefined || entry.row.next === null) return
        this.#order.shift()
        this.removed(entry)
        const { row } = entry
        const rowHeaders = row.headers ?? NO_HEADERS
        record.set(row.topic, row.partition, row.offset, row.timestamp, rowHeaders)
        emit(entry.key, this.#values.decode(entry.row.next), row.timestamp, rowHeaders)
      }
    } finally {
      record.set(topic, partition, offset, timestamp, headers, path)
    }
  }

  override writeChanges(batch: WriteBatch): void {
    super.writeChanges(batch)
    if (this.#observed === this.#keptObserved) return
    const { rows, keptKey } = this.place
    // The number is for 0.1.0 alone, which cannot read the row without it.
    batch.put(keptKey, rows.beginRow().int64(this.#observed).int64(this.#sequence).row())
  }

  override written(): void {
    super.written()
    this.#keptObserved = this.#observed
  }

  override restore(record: ChangelogRecord, latest: LatestRows): void {
    super.restore(record, latest)
    this.#observed = Math.max(this.#observed, readLong(record.buffer, record.keyStart))
  }

  override discard(): void {
    this.#observed = this.#keptObserved
    super.discard()
  }

  protected load(id: Buffer, value: Buffer): void {
    const keyBytes = id.subarray(TIME_LENGTH, id.length - SEQUENCE_LENGTH)
    const row = readBufferedRow(value)
    const sequence = id.readInt32BE(id.length - SEQUENCE_LENGTH)
    if (this.#order.size === 0 || distance(this.#sequence, sequence) > 0) this.#sequence = sequence
    this.#order.add(row.timestamp, {
      id: id.toString('latin1'),
      key: this.#keys.read(keyBytes, 0, keyBytes.length),
      keyBytes,
      sequence,
      row,
      logTime: row.timestamp,
      logged: true,
    })
  }

  protected unload(): void {
    this.#order.clear()
  }

  protected writeValue(entry: BufferedRecord<K>, writer: ByteWriter): void {
    writeBufferedRow(writer, entry.row)
  }
}

/** Returns how far `to` is ahead of `from`; negative: behind. Numbers begin again at 0 after 2^31. */
function distance(from: number, to: number): number {
  return ((to - from) << 1) >> 1
}

function idOf(time: number, keyBytes: Buffer, sequence: number, scratch: ByteWriter): string {
  const id = scratch.rewind().int64(time).bytes(keyBytes).int32(sequence)
  return id.buffer.toString('latin1', 0, id.position)
}
