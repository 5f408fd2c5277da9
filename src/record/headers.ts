/** One record header. Names may repeat; a value may be null. Kafka keeps the order. */
export interface Header {
  readonly name: string
  readonly value: Buffer | null
}

const NONE: Header[] = []

/**
 * The headers of a record: an ordered list in which names may repeat, as Kafka stores them. A processor has headers of
 * its own: its changes go with what it forwards from then on, and are seen nowhere else.
 *
 * @example
 * ```ts
 * record.headers.add('trace', '4bf92f35').getString('trace')
 * ```
 */
export class Headers implements Iterable<Header> {
  #entries: Header[]
  /** True if a copy may have the same entries: they must not be changed in place. */
  #shared: boolean

  constructor(entries: Iterable<Header> = NONE) {
    this.#shared = entries === NONE
    this.#entries = entries === NONE ? NONE : [...entries]
  }

  get length(): number {
    return this.#entries.length
  }

  /** Appends a header. Earlier ones of the same name stay. Strings are encoded as UTF-8. */
  add(name: string, value: string | Uint8Array | null): this {
    if (this.#shared) this.#entries = [...this.#entries]
    this.#shared = false
    this.#entries.push({ name, value: toBytes(value) })
    return this
  }

  /** Removes every header of this name. */
  remove(name: string): this {
    this.#entries = this.#entries.filter((header) => header.name !== name)
    this.#shared = false
    return this
  }

  /** Returns the value of the last header of this name: `undefined` if there is none, `null` if its value is null. */
  get(name: string): Buffer | null | undefined {
    return this.#entries.findLast((header) => header.name === name)?.value
  }

  /** Returns the value of the last header of this name as UTF-8 text; `undefined` and `null` as `get`. */
  getString(name: string): string | null | undefined {
    const value = this.get(name)
    return value instanceof Uint8Array ? value.toString('utf8') : value
  }

  /** Returns the header at this index, from 0 on. */
  at(index: number): Header | undefined {
    return this.#entries[index]
  }

  /** Returns a separate list with the same headers. */
  copy(): Headers {
    const copy = new Headers()
    copy.#entries = this.#entries
    this.#shared = true
    return copy
  }

  /** True if one of the two lists is a copy of the other and neither has been changed since. @internal */
  isCopyOf(other: Headers): boolean {
    return this.#entries === other.#entries
  }

  [Symbol.iterator](): Iterator<Header> {
    return this.#entries[Symbol.iterator]()
  }
}

/** The headers of all records without headers. Never given to a function of a user, which could add to them. */
export const NO_HEADERS = new Headers()

function toBytes(value: string | Uint8Array | null): Buffer | null {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
