import { Headers } from '../../record/headers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { CallStoreSpec } from '../../topology/store-spec.ts'
import { LoadedStore, type LoadedEntry } from '../buffers/loaded-store.ts'
import { KeyCodec, ValueCodec } from '../codecs.ts'
import type { StatePlace } from '../environment.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { CallState, KeptCall } from '../states.ts'
import { readCallRow, writeCallRow, type CallRow } from './call-row.ts'

/** Marks the changelog records of calls with the store's name: a topology without their step recognizes them. */
export const CALLS_HEADER = 'millrace-calls'

interface CallEntry extends LoadedEntry {
  readonly row: CallRow
}

/** The calls of an asynchronous step that had not left it at a commit, in the order of their sequence numbers. */
export class CallStore<K, V> extends LoadedStore<CallEntry> implements CallState<K, V> {
  readonly spec: CallStoreSpec
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #entries = new Map<number, CallEntry>()

  constructor(spec: CallStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    const mark = new Headers().add(CALLS_HEADER, spec.name)
    super(spec, place, mark, mark)
    this.spec = spec
    this.#keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.#values = new ValueCodec(valueSerde, spec.name, place.scratch)
  }

  all(): readonly KeptCall<K, V>[] {
    this.ensureLoaded()
    return [...this.#entries].sort(([a], [b]) => a - b).map(([sequence, { row }]) => this.#call(sequence, row))
  }

  #call(sequence: number, row: CallRow): KeptCall<K, V> {
    const { key, value, ...place } = row
    return {
      ...place,
      sequence,
      key: key === null ? null : this.#keys.read(key, 0, key.length),
      value: value === null ? null : this.#values.decode(value),
    }
  }

  put({ sequence, key, value, ...place }: KeptCall<K, V>): void {
    this.ensureLoaded()
    const row: CallRow = {
      ...place,
      key: key === null ? null : this.#keys.encode(key),
      value: value === null ? null : this.#values.encode(value),
    }
    const entry: CallEntry = { id: this.#idOf(sequence), logTime: place.timestamp, logged: false, row }
    this.#entries.set(sequence, entry)
    this.changed(entry)
  }

  remove(sequence: number): void {
    const entry = this.#entries.get(sequence)
    if (entry === undefined) return
    this.#entries.delete(sequence)
    this.removed(entry)
  }

  mapKey(key: K): unknown {
    return this.#keys.mapKey(key)
  }

  protected load(id: Buffer, value: Buffer): void {
    const row = readCallRow(value)
    this.#entries.set(readLong(id, 0), { id: id.toString('latin1'), logTime: row.timestamp, logged: true, row })
  }

  protected unload(): void {
    this.#entries.clear()
  }

  protected writeValue({ row }: CallEntry, writer: ByteWriter): void {
    writeCallRow(writer, row)
  }

  #idOf(sequence: number): string {
    const id = this.place.scratch.rewind().int64(sequence)
    return id.buffer.toString('latin1', 0, id.position)
  }
}
