import type { Header, Headers } from '../../record/headers.ts'
import type { ByteWriter } from './byte-writer.ts'

const NULL = -1
const INT = 4

/** Writes `length(4) ‖ bytes`; the length of null is -1. */
export function writeSized(writer: ByteWriter, bytes: Uint8Array | null): void {
  if (bytes === null) writer.int32(NULL)
  else writer.int32(bytes.length).bytes(bytes)
}

/** Writes text as `writeSized` writes its UTF-8. */
export function writeSizedText(writer: ByteWriter, text: string | null): void {
  writeSized(writer, text === null ? null : Buffer.from(text, 'utf8'))
}

/** Writes the number of headers, then the name and the value of each. */
export function writeHeaders(writer: ByteWriter, headers: Headers | null): void {
  writer.int32(headers?.length ?? 0)
  if (headers === null) return
  for (const { name, value } of headers) {
    writeSizedText(writer, name)
    writeSized(writer, value)
  }
}

/** Reads one after the other what these functions have written. Every method throws RangeError if it is cut off. */
export class SizedReader {
  readonly #bytes: Buffer
  /** Where the next value begins. */
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  int32(): number {
    const value = this.#bytes.readInt32BE(this.at)
    this.at += INT
    return value
  }

  /** Returns a view of the bytes; null for any length below 0. */
  sized(): Buffer | null {
    const length = this.int32()
    if (length < 0) return null
    if (length > this.#bytes.length - this.at) throw new RangeError('a row is cut off')
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  text(): string | null {
    return this.sized()?.toString('utf8') ?? null
  }

  headers(): Header[] {
    const headers: Header[] = []
    for (let left = this.int32(); left > 0; left--) headers.push({ name: this.text() ?? '', value: this.sized() })
    return headers
  }
}
