import { Headers } from '../../record/headers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { CallStoreSpec } from '../../topology/store-spec.ts'
import { LoadedStore, type LoadedEntry } from '../buffers/loaded-store.ts'
import { KeyCodec, ValueCodec } from '../codecs.ts'
import type { StatePlace } from '../environment.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { CallPlace, CallState, KeptCall } from '../states.ts'
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
  /** By `idOf` their places. */
  readonly #entries = new Map<string, CallEntry>()

  constructor(spec: CallStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    const mark = new Headers().add(CALLS_HEADER, spec.name)
    super(spec, place, mark, mark)
    this.spec = spec
    this.#keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.#values = new ValueCodec(valueSerde, spec.name, place.scratch)
  }

  all(): readonly KeptCall<K, V>[] {
    this.ensureLoaded()
    const rows = [...this.#entries.values()].map(({ row }) => row)
    return rows.sort((a, b) => a.sequence - b.sequence).map((row) => this.#call(row))
  }

  #call({ key, value, ...place }: CallRow): KeptCall<K, V> {
    return {
      ...place,
      key: key === null ? null : this.#keys.read(key, 0, key.length),
      value: value === null ? null : this.#values.decode(value),
    }
  }

  put(call: KeptCall<K, V> & CallPlace): void {
    this.ensureLoaded()
    const { key, value } = call
    const row: CallRow = {
      ...call,
      key: key === null ? null : this.#keys.encode(key),
      value: value === null ? null : this.#values.encode(value),
    }
    const entry: CallEntry = { id: idOf(call), logTime: call.timestamp, logged: false, row }
    this.#entries.set(entry.id, entry)
    this.changed(entry)
  }

  remove(call: CallPlace): void {
    const entry = this.#entries.get(idOf(call))
    if (entry === undefined) return
    this.#entries.delete(entry.id)
    this.removed(entry)
  }

  mapKey(key: K): unknown {
    return this.#keys.mapKey(key)
  }

  protected load(key: Buffer, value: Buffer): void {
    const row = readCallRow(value)
    const id = key.toString('latin1')
    this.#entries.set(id, { id, logTime: row.timestamp, logged: true, row })
  }

  protected unload(): void {
    this.#entries.clear()
  }

  protected writeValue({ row }: CallEntry, writer: ByteWriter): void {
    writeCallRow(writer, row)
  }
}

/**
 * Returns the row of a call, as ASCII. At least once, an owner that has lost the task without knowing it writes beside
 * the next one: a row that both write is the same record.
 */
function idOf({ topic, partition, offset, ordinal, belongsToRecord }: CallPlace): string {
  return belongsToRecord ? `${topic}/${partition}/${offset}/${ordinal}` : ordinal
}
