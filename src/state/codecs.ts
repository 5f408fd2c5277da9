import { MillraceError, isMillraceError, withPlace } from '../errors/millrace-error.ts'
import { readerOf, readInner, type ReadValue } from '../serde/call-serde.ts'
import type { Serde } from '../serde/serde.ts'
import { MARK_START, shapeVersionOf } from '../serde/shape-mark.ts'
import { ShapedSerde, versionUnknown } from '../serde/shaped-serde.ts'
import type { ByteWriter } from './rows/byte-writer.ts'
import { KeptBytes } from '../platform/kept-bytes.ts'
import { checkRoundTrip } from '../serde/serde-error.ts'

const SHAPE_ERRORS: ReadonlySet<string> = new Set(['MR_STORE_VERSION', 'MR_STORE_MIGRATE'])

/** Reads and writes the values of one store. Every failure names the store. */
export class ValueCodec<V> {
  /** The moving average of the bytes of a value. */
  averageSize = 64
  readonly #serde: Serde<V>
  readonly #read: ReadValue<V>
  readonly #store: string
  readonly #scratch: ByteWriter
  readonly #kept = new KeptBytes()

  constructor(serde: Serde<V>, store: string, scratch: ByteWriter) {
    this.#serde = serde.internal ?? serde
    this.#read = refusingMarks(this.#serde, store)
    this.#store = store
    this.#scratch = scratch
  }

  /** @throws MR_STATE_DESERIALIZE, MR_STORE_VERSION, MR_STORE_MIGRATE */
  read(buffer: Buffer, start: number, end: number): V {
    try {
      return this.#read(buffer, start, end)
    } catch (cause) {
      if (isMillraceError(cause) && SHAPE_ERRORS.has(cause.code)) throw cause
      if (!(this.#serde instanceof ShapedSerde)) refuseMarked(buffer, start, end, this.#store)
      throw new MillraceError('MR_STATE_DESERIALIZE', `a value of ${end - start} bytes cannot be read`, {
        store: this.#store,
        cause,
        hint:
          `The store was written with another serde than ${this.#serde.name}: give it a version and migrate() with ` +
          'the old serde, or another name, or reset the application.',
      })
    }
  }

  /** Copies a value that is put, as writing and reading would. @throws MR_SERDE_ROUND_TRIP, MR_STATE_SERIALIZE */
  copy(value: V): V {
    const serde = this.#serde
    if (serde.copy === undefined) return this.#readBack(value, this.#bytes(value))
    try {
      return serde.copy(value)
    } catch (cause) {
      throw this.#refused(cause)
    }
  }

  /** Copies a value that the store holds. @throws MR_SERDE_ROUND_TRIP, MR_STATE_SERIALIZE */
  clone(value: V): V {
    return this.#serde.clone === undefined ? this.copy(value) : this.#serde.clone(value)
  }

  /** @throws MR_STATE_SERIALIZE */
  write(value: V, writer: ByteWriter): void {
    const offset = writer.position - writer.rowStart
    try {
      writer.value(this.#serde, value)
    } catch (cause) {
      throw this.#refused(cause)
    }
    const start = writer.rowStart + offset
    this.averageSize += (writer.position - start - this.averageSize) / 8
  }

  /** Returns the bytes of a value that is put. @throws MR_SERDE_ROUND_TRIP, MR_STATE_SERIALIZE */
  encode(value: V): Buffer {
    if (this.#serde.copy !== undefined) return this.#keptBytes(this.copy(value))
    const bytes = this.#keptBytes(value)
    this.#readBack(value, bytes)
    return bytes
  }

  decode(bytes: Buffer): V {
    return this.read(bytes, 0, bytes.length)
  }

  #readBack(value: V, bytes: Buffer): V {
    const readBack = this.decode(bytes)
    try {
      checkRoundTrip(this.#serde.name, value, readBack)
    } catch (error) {
      throw this.#refused(error)
    }
    return readBack
  }

  #keptBytes(value: V): Buffer {
    const scratch = this.#scratch.rewind()
    this.write(value, scratch)
    return this.keep(scratch.buffer, scratch.rowStart, scratch.position)
  }

  /** Copies a value's bytes, to be kept. */
  keep(buffer: Buffer, start: number, end: number): Buffer {
    return this.#kept.of(buffer, start, end)
  }

  #bytes(value: V): Buffer {
    const scratch = this.#scratch.rewind()
    this.write(value, scratch)
    return scratch.copyOfRow()
  }

  #refused(cause: unknown): MillraceError {
    if (isMillraceError(cause) && cause.code === 'MR_SERDE_ROUND_TRIP') {
      return withPlace(cause, { store: this.#store })
    }
    return new MillraceError('MR_STATE_SERIALIZE', `serde ${this.#serde.name} cannot write a value of the store`, {
      store: this.#store,
      cause,
      hint: 'What an aggregator, reducer or mapper returns must be of the type of its store.',
    })
  }
}

/**
 * Returns the reader of a store's values. A serde may read any bytes, as that of text does, and make garbage of a value
 * of a newer version: that is refused before. JSON refuses it itself, and is read without a look.
 */
function refusingMarks<V>(serde: Serde<V>, store: string): ReadValue<V> {
  const read = readerOf(serde)
  if (serde instanceof ShapedSerde || read === serde.read) return read
  return (buffer, start, end) => {
    if (buffer[start] === MARK_START && start < end) refuseMarked(buffer, start, end, store)
    return readInner(serde, buffer, start, end)
  }
}

/** @throws MR_STORE_VERSION if a newer version of the store wrote the value */
function refuseMarked(buffer: Buffer, start: number, end: number, store: string): void {
  const version = shapeVersionOf(buffer, start, end)
  if (version !== 0) throw versionUnknown(store, version, undefined)
}

/** An entry's key in maps: the key itself if it is primitive, else its bytes as latin1 text. */
export type MapKey<K> = K | string

/** Reads and writes the keys of one store. Every failure names the store. */
export class KeyCodec<K> {
  /** True if keys are their own map keys. */
  readonly primitive: boolean
  readonly #serde: Serde<K>
  readonly #read: ReadValue<K>
  readonly #store: string
  readonly #scratch: ByteWriter
  readonly #kept = new KeptBytes()

  constructor(serde: Serde<K>, store: string, scratch: ByteWriter) {
    this.#serde = serde.internal ?? serde
    this.#read = readerOf(this.#serde)
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

  /** Returns the map key of a serialized key. @throws MR_STATE_DESERIALIZE */
  mapKeyOf(key: Buffer): MapKey<K> {
    return this.primitive ? this.read(key, 0, key.length) : key.toString('latin1')
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

  /** Does the same as `write`, for a key whose map key is at hand. */
  writeAs(key: K, mapKey: MapKey<K>, writer: ByteWriter): void {
    if (!this.primitive && typeof mapKey === 'string') writer.latin1(mapKey)
    else this.write(key, writer)
  }

  /** Returns the bytes of a key, to be kept. */
  encode(key: K): Buffer {
    const scratch = this.#scratch.rewind()
    this.write(key, scratch)
    return this.keep(scratch)
  }

  /** Copies the bytes in the scratch, to be kept. */
  keep({ buffer, rowStart, position }: ByteWriter): Buffer {
    return this.#kept.of(buffer, rowStart, position)
  }

  /** @throws MR_STATE_DESERIALIZE */
  read(buffer: Buffer, start: number, end: number): K {
    try {
      return this.#read(buffer, start, end)
    } catch (cause) {
      throw new MillraceError('MR_STATE_DESERIALIZE', `a key of ${end - start} bytes cannot be read`, {
        store: this.#store,
        cause,
        hint:
          `The store was written with another key serde than ${this.#serde.name}: ` +
          'give the changed store a new name, or reset the application.',
      })
    }
  }
}
