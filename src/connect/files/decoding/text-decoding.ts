import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import type { Block } from '../reading/block.ts'
import { InputError } from './input-format.ts'

/** Makes the bytes of records text. */
export interface TextDecoding {
  /** Bytes that may mark this encoding at the beginning of a file. */
  readonly mark: Buffer
  prepare(block: Block): void
  /** @throws InputError for bytes that mean nothing in this encoding */
  decode(block: Block, index: number): string
}

/** True for the encodings whose line ends are two bytes. */
export function isWide(encoding: string): boolean {
  return /^utf-?16/i.test(encoding)
}

/** @throws RangeError for an encoding that this Node.js does not know */
export function textDecoding(encoding: string): TextDecoding {
  if (/^utf-?8$/i.test(encoding)) return new Utf8()
  // The web's latin1 is the code page windows-1252.
  if (/^(latin-?1|iso-8859-1)$/i.test(encoding)) return new Latin1()
  return new OtherEncoding(encoding)
}

class Utf8 implements TextDecoding {
  readonly mark = Buffer.from([0xef, 0xbb, 0xbf])
  #isValid = true

  prepare(block: Block): void {
    const { buffer, starts, ends, count } = block
    this.#isValid = count === 0 || isUtf8(buffer.subarray(starts[0], ends[count - 1]))
  }

  decode({ buffer, starts, ends, isAtBeginning }: Block, index: number): string {
    const [start, end] = [starts[index]!, ends[index]!]
    if (!this.#isValid && !isUtf8(buffer.subarray(start, end))) {
      const isWideFile = isAtBeginning && index === 0 && /^(fffe|feff)/.test(buffer.toString('hex', start, start + 2))
      throw new InputError(
        'its bytes are no UTF-8',
        isWideFile
          ? "The file begins as UTF-16 does: set encoding: 'utf-16le' or 'utf-16be'."
          : "Set the encoding that the file has, such as 'latin1' or 'shift_jis', or 'bytes'.",
      )
    }
    return buffer.toString('utf8', start, end)
  }
}

class Latin1 implements TextDecoding {
  readonly mark = Buffer.alloc(0)

  prepare(): void {
    // Every byte is a character.
  }

  decode({ buffer, starts, ends }: Block, index: number): string {
    return buffer.toString('latin1', starts[index]!, ends[index]!)
  }
}

class OtherEncoding implements TextDecoding {
  readonly mark: Buffer
  readonly #encoding: string
  readonly #decoder: TextDecoder

  constructor(encoding: string) {
    this.#decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
    this.#encoding = this.#decoder.encoding
    const marks: Readonly<Record<string, readonly number[]>> = { 'utf-16le': [0xff, 0xfe], 'utf-16be': [0xfe, 0xff] }
    this.mark = Buffer.from(marks[this.#encoding] ?? [])
  }

  prepare(): void {
    // Each record is checked when it is decoded.
  }

  decode({ buffer, starts, ends }: Block, index: number): string {
    try {
      return this.#decoder.decode(buffer.subarray(starts[index], ends[index]))
    } catch (cause) {
      throw new InputError(`its bytes are no ${this.#encoding}`, 'Set the encoding that the file has.', cause)
    }
  }
}
