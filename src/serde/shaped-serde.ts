import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import { ignoreRejection, isThenable } from '../platform/thenable.ts'
import { asBuffer } from './byte-view.ts'
import { readerOf, returningPlainValues, serialized, writeInner, type ReadValue } from './call-serde.ts'
import type { Serde } from './serde.ts'
import { MARK_LENGTH, shapeVersionOf, writeMark } from './shape-mark.ts'

/** Makes a value of this version of one that another version wrote. */
export type Migrate = (old: unknown, from: number) => unknown

/** The versions of the shape of a store's values. */
export interface ValueShape {
  /** The version that is written; 0 writes no mark. */
  readonly version: number
  /** The newest version that is read. */
  readonly readsUpTo: number
  readonly migrate: Migrate | undefined
  /** Serdes of versions whose bytes that of the store does not read. */
  readonly serdes: ReadonlyMap<number, Serde<unknown>>
}

/**
 * Writes the values of a store with the version of their shape before them, and makes values of this version of those
 * that others wrote. All that reads rows goes through the serde of the store, so all of it migrates: operators, scans,
 * queries of any instance. Restores and standbys take rows as they are.
 */
export class ShapedSerde implements Serde<unknown> {
  readonly name: string
  readonly #inner: Serde<unknown>
  readonly #read: ReadValue<unknown>
  readonly #shape: ValueShape
  readonly #store: string
  readonly copy?: (value: unknown) => unknown
  readonly clone?: (value: unknown) => unknown

  constructor(inner: Serde<unknown>, shape: ValueShape, store: string) {
    this.name = inner.name
    this.#inner = inner
    this.#read = readerOf(inner)
    this.#shape = shape
    this.#store = store
    if (inner.copy !== undefined) this.copy = (value) => inner.copy!(value)
    if (inner.clone !== undefined) this.clone = (value) => inner.clone!(value)
    returningPlainValues(this)
  }

  serialize(value: unknown): Uint8Array {
    const { version } = this.#shape
    const bytes = serialized(this.#inner, value)
    if (version === 0) return bytes
    const marked = Buffer.allocUnsafe(MARK_LENGTH + bytes.length)
    marked.set(bytes, writeMark(version, marked, 0))
    return marked
  }

  deserialize(bytes: Uint8Array): unknown {
    return this.read(asBuffer(bytes), 0, bytes.length)
  }

  write(value: unknown, buffer: Buffer, offset: number): number {
    const { version } = this.#shape
    if (version === 0) return writeInner(this.#inner, value, buffer, offset)
    if (buffer.length - offset < MARK_LENGTH) return -1
    return writeInner(this.#inner, value, buffer, writeMark(version, buffer, offset))
  }

  /** Is called without its object, as the readers of other serdes are. */
  readonly read = (buffer: Buffer, start: number, end: number): unknown => {
    const from = shapeVersionOf(buffer, start, end)
    const valueStart = from === 0 ? start : start + MARK_LENGTH
    if (from === this.#shape.version) return this.#read(buffer, valueStart, end)
    return this.#migrated(buffer, valueStart, end, from)
  }

  /** @throws MR_STORE_VERSION, MR_STORE_MIGRATE */
  #migrated(buffer: Buffer, start: number, end: number, from: number): unknown {
    const { version, readsUpTo, migrate, serdes } = this.#shape
    if (migrate === undefined || from > readsUpTo) throw versionUnknown(this.#store, from, version)
    const read = readerOf(serdes.get(from) ?? this.#inner)
    const old = read(buffer, start, end)
    try {
      const value = migrate(old, from)
      if (isThenable(value)) {
        ignoreRejection(value)
        throw new TypeError('it returned a promise')
      }
      if (value === null || value === undefined) throw new TypeError(`it returned ${value}`)
      return this.#asWritten(value)
    } catch (cause) {
      throw new MillraceError(
        'MR_STORE_MIGRATE',
        `migrate() cannot make version ${version} of a value of version ${from}: ${messageOf(cause)}`,
        {
          store: this.#store,
          cause,
          hint: 'The row stays as it is. Let migrate() return a value of the type of the store for every old one.',
        },
      )
    }
  }

  /** Returns the value as it comes back from the row that a put will write. */
  #asWritten(value: unknown): unknown {
    const { copy } = this.#inner
    if (copy !== undefined) return copy(value)
    const bytes = asBuffer(serialized(this.#inner, value))
    return this.#read(bytes, 0, bytes.length)
  }
}

/** The error about a value whose shape is not known here: a newer version of the application has written it. */
export function versionUnknown(store: string, found: number, own: number | undefined): MillraceError {
  const here = own === undefined ? 'has none' : `is ${own}`
  return new MillraceError(
    'MR_STORE_VERSION',
    `a value was written by version ${found} of the store, which ${here} in this application`,
    {
      store,
      hint:
        found < (own ?? 0)
          ? 'Give the store a function `migrate` that takes values of that version.'
          : 'Nothing is lost. Run the newer application again, or give the store a later version that leads back.',
    },
  )
}
