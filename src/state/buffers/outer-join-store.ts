import { readLong } from '../../serde/big-endian.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { KeyCodec, ValueCodec, type MapKey } from '../codecs.ts'
import type { StatePlace } from '../environment.ts'
import { LoadedStore, type LoadedEntry } from './loaded-store.ts'
import type { JoinSide, OuterJoinState } from '../states.ts'
import type { OuterJoinStoreSpec } from '../../topology/store-spec.ts'
import { TimeQueue } from './time-queue.ts'

const RIGHT = 0
const LEFT = 1
const KEY_OFFSET = 9
/** First byte of a list whose elements have different lengths. */
const VARIABLE_SIZE = 1

/** The unmatched records of one (timestamp, side, key), in the order in which they were added. */
interface Unmatched<K> extends LoadedEntry {
  readonly key: K
  readonly mapKey: MapKey<K>
  readonly keyBytes: Buffer
  readonly values: Buffer[]
}

/** The unmatched records of one side at one timestamp. */
type Moment<K> = Map<MapKey<K>, Unmatched<K>>

/**
 * Unmatched records of a left or outer stream-stream join: `timestamp(8) ‖ side(1: left 1, right 0) ‖ key`, and the
 * list of values as Kafka Streams writes it (each `length(4) ‖ side(1) ‖ value`).
 */
export class OuterJoinStore<K, V> extends LoadedStore<Unmatched<K>> implements OuterJoinState<K, V, V> {
  readonly spec: OuterJoinStoreSpec
  readonly #keys: KeyCodec<K>
  readonly #leftValues: ValueCodec<V>
  readonly #rightValues: ValueCodec<V>
  readonly #left = new TimeQueue<Moment<K>>()
  readonly #right = new TimeQueue<Moment<K>>()

  constructor(
    spec: OuterJoinStoreSpec,
    place: StatePlace,
    keySerde: Serde<K>,
    leftSerde: Serde<V>,
    rightSerde: Serde<V>,
  ) {
    super(spec, place, undefined)
    this.spec = spec
    this.#keys = new KeyCodec(keySerde, spec.name, place.scratch)
    this.#leftValues = new ValueCodec(leftSerde, spec.name, place.scratch)
    this.#rightValues = new ValueCodec(rightSerde, spec.name, place.scratch)
  }

  firstTimestamp(side: JoinSide): number {
    this.ensureLoaded()
    return this.#momentsOf(side).minTime
  }

  add(timestamp: number, side: JoinSide, key: K, value: V): void {
    this.ensureLoaded()
    const mapKey = this.#keys.mapKey(key)
    const bytes = this.#valuesOf(side).encode(value)
    const known = this.#momentsOf(side).get(timestamp)?.get(mapKey)
    if (known !== undefined) {
      known.values.push(bytes)
      this.changed(known)
      return
    }
    const keyBytes = this.#keys.encode(key)
    const id = idOf(timestamp, side, keyBytes, this.place.scratch)
    const entry = { id, key, mapKey, keyBytes, values: [bytes], logTime: timestamp, logged: false }
    this.#insert(timestamp, side, entry)
    this.changed(entry)
  }

  remove(timestamp: number, side: JoinSide, key: K): void {
    this.ensureLoaded()
    const moment = this.#momentsOf(side).get(timestamp)
    const entry = moment?.get(this.#keys.mapKey(key))
    if (moment !== undefined && entry !== undefined) this.#remove(timestamp, moment, side, entry)
  }

  drain(left: number, right: number, emit: (timestamp: number, side: JoinSide, key: K, value: V) => void): void {
    this.ensureLoaded()
    for (;;) {
      const nextLeft = this.#left.minTime
      const nextRight = this.#right.minTime
      if (nextRight < right && (nextRight <= nextLeft || nextLeft >= left)) this.#drainMoment(nextRight, 'right', emit)
      else if (nextLeft < left) this.#drainMoment(nextLeft, 'left', emit)
      else return
    }
  }

  visit(see: (timestamp: number, side: JoinSide) => boolean): void {
    this.ensureLoaded()
    const lefts = this.#left.times()
    const rights = this.#right.times()
    try {
      let left = lefts.next()
      let right = rights.next()
      while (!left.done || !right.done) {
        if (!right.done && (left.done || right.value <= left.value)) {
          if (!this.#visitMoment(right.value, 'right', see)) return
          right = rights.next()
        } else if (!left.done) {
          if (!this.#visitMoment(left.value, 'left', see)) return
          left = lefts.next()
        }
      }
    } finally {
      lefts.return()
      rights.return()
    }
  }

  protected load(id: Buffer, value: Buffer): void {
    const keyBytes = id.subarray(KEY_OFFSET)
    const key = this.#keys.read(keyBytes, 0, keyBytes.length)
    const values = readList(value)
    this.#insert(readLong(id, 0), id[8] === LEFT ? 'left' : 'right', {
      id: id.toString('latin1'),
      key,
      mapKey: this.#keys.mapKey(key),
      keyBytes,
      values,
      logTime: readLong(id, 0),
      logged: true,
    })
  }

  protected unload(): void {
    this.#left.clear()
    this.#right.clear()
  }

  protected writeValue(entry: Unmatched<K>, writer: ByteWriter): void {
    const side = entry.id.charCodeAt(8)
    writer.byte(VARIABLE_SIZE).int32(entry.values.length)
    for (const value of entry.values)
      writer
        .int32(1 + value.length)
        .byte(side)
        .bytes(value)
  }

  #drainMoment(
    timestamp: number,
    side: JoinSide,
    emit: (timestamp: number, side: JoinSide, key: K, value: V) => void,
  ): void {
    const moment = this.#momentsOf(side).get(timestamp)
    if (moment === undefined) return
    const entries = [...moment.values()].sort((a, b) => Buffer.compare(a.keyBytes, b.keyBytes))
    for (const entry of entries) {
      for (let value = entry.values.shift(); value !== undefined; value = entry.values.shift()) {
        if (entry.values.length === 0) this.#remove(timestamp, moment, side, entry)
        else this.changed(entry)
        emit(timestamp, side, entry.key, this.#valuesOf(side).decode(value))
      }
    }
  }

  #visitMoment(timestamp: number, side: JoinSide, see: (timestamp: number, side: JoinSide) => boolean): boolean {
    for (const { values } of this.#momentsOf(side).get(timestamp)?.values() ?? [])
      for (let i = 0; i < values.length; i++) if (!see(timestamp, side)) return false
    return true
  }

  #insert(timestamp: number, side: JoinSide, entry: Unmatched<K>): void {
    const moments = this.#momentsOf(side)
    const moment = moments.get(timestamp)
    if (moment === undefined) moments.set(timestamp, new Map([[entry.mapKey, entry]]))
    else moment.set(entry.mapKey, entry)
  }

  #remove(timestamp: number, moment: Moment<K>, side: JoinSide, entry: Unmatched<K>): void {
    moment.delete(entry.mapKey)
    this.removed(entry)
    if (moment.size === 0) this.#momentsOf(side).delete(timestamp)
  }

  #momentsOf(side: JoinSide): TimeQueue<Moment<K>> {
    return side === 'left' ? this.#left : this.#right
  }

  #valuesOf(side: JoinSide): ValueCodec<V> {
    return side === 'left' ? this.#leftValues : this.#rightValues
  }
}

function idOf(timestamp: number, side: JoinSide, keyBytes: Buffer, scratch: ByteWriter): string {
  const id = scratch
    .rewind()
    .int64(timestamp)
    .byte(side === 'left' ? LEFT : RIGHT)
    .bytes(keyBytes)
  return id.buffer.toString('latin1', 0, id.position)
}

function readList(bytes: Buffer): Buffer[] {
  const values: Buffer[] = []
  let at = 5
  for (let left = bytes.readInt32BE(1); left > 0; left--) {
    const end = at + 4 + bytes.readInt32BE(at)
    values.push(bytes.subarray(at + 5, end))
    at = end
  }
  return values
}
