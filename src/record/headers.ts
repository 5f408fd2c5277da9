/** One record header. Names may repeat; a value may be null. Kafka keeps the order. */
export interface Header {
  readonly name: string
  readonly value: Buffer | null
}

/**
 * The headers of a record: an ordered list in which names may repeat, as Kafka stores them. The list travels with the
 * record by reference: a change made by one processor is seen by the processors that get the same record later, as in
 * Kafka Streams.
 *
 * @example
 * ```ts
 * record.headers.add('trace', '4bf92f35').getString('trace')
 * ```
 */
export class Headers implements Iterable<Header> {
  #entries: Header[]

  constructor(entries: Iterable<Header> = []) {
    this.#entries = [...entries]
  }

  get length(): number {
    return this.#entries.length
  }

  /** Appends a header; earlier ones of the same name stay. Strings are encoded as UTF-8. */
  add(name: string, value: string | Uint8Array | null): this {
    this.#entries.push({ name, value: toBytes(value) })
    return this
  }

  /** Removes every header of this name. */
  remove(name: string): this {
    this.#entries = this.#entries.filter((header) => header.name !== name)
    return this
  }

  /** The value of the last header of this name: `undefined` if there is none, `null` if its value is null. */
  get(name: string): Buffer | null | undefined {
    return this.#entries.findLast((header) => header.name === name)?.value
  }

  /** The last value of this name as UTF-8 text. */
  getString(name: string): string | null | undefined {
    const value = this.get(name)
    return value instanceof Uint8Array ? value.toString('utf8') : value
  }

  /** The header at this place, from 0 on. */
  at(index: number): Header | undefined {
    return this.#entries[index]
  }

  /** A list of its own with the same headers. */
  copy(): Headers {
    return new Headers(this.#entries)
  }

  [Symbol.iterator](): Iterator<Header> {
    return this.#entries[Symbol.iterator]()
  }
}

function toBytes(value: string | Uint8Array | null): Buffer | null {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
