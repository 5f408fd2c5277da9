import { NO_BYTES } from '../../platform/no-bytes.ts'
import { ROW_HEAD } from '../embedded/storage-snapshot.ts'

/** Takes the rows of a snapshot out of its bytes, as they are read. */
export class RowSplitter {
  #bytes: Buffer = NO_BYTES
  #at = 0
  /** What has arrived after `#bytes`. */
  #chunks: Buffer[] = []
  #size = 0
  key: Buffer = NO_BYTES
  value: Buffer = NO_BYTES

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** Moves to the next row; false if it has not arrived whole. */
  next(): boolean {
    if (!this.#has(ROW_HEAD)) return false
    const keyLength = this.#bytes.readUInt32BE(this.#at)
    const length = ROW_HEAD + keyLength + this.#bytes.readUInt32BE(this.#at + 4)
    if (!this.#has(length)) return false
    const keyEnd = this.#at + ROW_HEAD + keyLength
    this.key = this.#bytes.subarray(this.#at + ROW_HEAD, keyEnd)
    this.value = this.#bytes.subarray(keyEnd, this.#at + length)
    this.#at += length
    return true
  }

  #has(count: number): boolean {
    const left = this.#bytes.length - this.#at
    if (left >= count) return true
    if (left + this.#size < count) return false
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#chunks])
    this.#at = 0
    this.#chunks = []
    this.#size = 0
    return true
  }
}
