import { MillraceError } from '../errors.ts'
import type { Serde } from '../serde/serde.ts'
import type { ByteWriter } from './rows/byte-writer.ts'
import { firstDifference } from './round-trip.ts'

const CHECKED_VALUES = 100

/** The values of one store as bytes. Every failure names the store. */
export class ValueCodec<V> {
  /** Bytes of a value, about: a moving average. */
  averageSize = 64
  readonly #serde: Serde<V>
  readonly #store: string
  readonly #scratch: ByteWriter
  #checksLeft: number

  constructor(serde: Serde<V>, store: string, scratch: ByteWriter, checkEveryValue: boolean) {
    this.#serde = serde.internal ?? serde
    this.#store = store
    this.#scratch = scratch
    this.#checksLeft = checkEveryValue ? Infinity : CHECKED_VALUES
  }

  /** @throws MR_STATE_DESERIALIZE */
  read(buffer: Buffer, start: number, end: number): V {
    try {
      const serde = this.#serde
      return serde.read === undefined ? serde.deserialize(buffer.subarray(start, end)) : serde.read(buffer, start, end)
    } catch (cause) {
      throw new MillraceError('MR_STATE_DESERIALIZE', `a value of ${end - start} bytes cannot be read`, {
        store: this.#store,
        cause,
        hint: `The store was written with another serde than ${this.#serde.name}: give the changed store a new name, or reset the application.`,
      })
    }
  }

  /** @throws MR_STATE_SERIALIZE, MR_SERDE_ROUND_TRIP */
  write(value: V, writer: ByteWriter): void {
    const offset = writer.position - writer.rowStart
    try {
      writer.value(this.#serde, value)
    } catch (cause) {
      throw new MillraceError('MR_STATE_SERIALIZE', `serde ${this.#serde.name} cannot write a value of the store`, {
        store: this.#store,
        cause,
        hint: 'What an aggregator, reducer or mapper returns must be of the type of its store.',
      })
    }
    const start = writer.rowStart + offset
    this.averageSize += (writer.position - start - this.averageSize) / 8
    if (this.#checksLeft > 0) this.#check(value, writer.buffer, start, writer.position)
  }

  encode(value: V): Buffer {
    const scratch = this.#scratch.rewind()
    this.write(value, scratch)
    return scratch.copyOfRow()
  }

  decode(bytes: Buffer): V {
    return this.read(bytes, 0, bytes.length)
  }

  /** A value that shares nothing with the one given. */
  copy(value: V): V {
    return typeof value === 'object' ? this.decode(this.encode(value)) : value
  }

  #check(value: V, buffer: Buffer, start: number, end: number): void {
    this.#checksLeft--
    const difference = firstDifference(value, this.read(buffer, start, end))
    if (difference === undefined) return
    throw new MillraceError(
      'MR_SERDE_ROUND_TRIP',
      `serde ${this.#serde.name} does not give back what it wrote: ${difference}`,
      {
        store: this.#store,
        hint: 'Keep to what the serde can hold (JSON: no Date, Map, class instance or undefined property), or use another serde for this store.',
      },
    )
  }
}

/** What an entry is found by: the key itself if it is primitive, else its bytes as latin1 text. */
export type MapKey<K> = K | string

/** The keys of one store as bytes. Every failure names the store. */
export class KeyCodec<K> {
  /** True if keys are their own map keys. */
  readonly primitive: boolean
  readonly #serde: Serde<K>
  readonly #store: string
  readonly #scratch: ByteWriter

  constructor(serde: Serde<K>, store: string, scratch: ByteWriter) {
    this.#serde = serde.internal ?? serde
    this.#store = store
    this.#scratch = scratch
    this.primitive = this.#serde.primitive === true
  }

  mapKey(key: K): MapKey<K> {
    if (this.primitive) return key
    const scratch = this.#scratch.rewind()
    this.write(key, scratch)
    return scratch.buffer.toString('latin1', 0, scratch.position)
  }

  /** @throws MR_STATE_SERIALIZE */
  write(key: K, writer: ByteWriter): void {
    try {
      writer.value(this.#serde, key)
    } catch (cause) {
      throw new MillraceError('MR_STATE_SERIALIZE', `serde ${this.#serde.name} cannot write a key of the store`, {
        store: this.#store,
        cause,
        hint: 'Keys must be of the type of the key serde; null is not a key.',
      })
    }
  }

  /** As `write`, for a key whose map key is at hand. */
  writeAs(key: K, mapKey: MapKey<K>, writer: ByteWriter): void {
    if (!this.primitive && typeof mapKey === 'string') writer.latin1(mapKey)
    else this.write(key, writer)
  }

  encode(key: K): Buffer {
    const scratch = this.#scratch.rewind()
    this.write(key, scratch)
    return scratch.copyOfRow()
  }

  /** @throws MR_STATE_DESERIALIZE */
  read(buffer: Buffer, start: number, end: number): K {
    try {
      const serde = this.#serde
      return serde.read === undefined ? serde.deserialize(buffer.subarray(start, end)) : serde.read(buffer, start, end)
    } catch (cause) {
      throw new MillraceError('MR_STATE_DESERIALIZE', `a key of ${end - start} bytes cannot be read`, {
        store: this.#store,
        cause,
        hint: `The store was written with another key serde than ${this.#serde.name}: give the changed store a new name, or reset the application.`,
      })
    }
  }
}
