import { encodeHeaders, RECORD_HEADER_BYTES, viewOf, type Run } from './run.ts'
import type { RecordSlice } from '../../record/record-slice.ts'
import { copyBytes } from '../../platform/copy-bytes.ts'

const FIRST_CHUNK_BYTES = 2048
const MAX_CHUNK_BYTES = 256 * 1024

/**
 * Collects as runs what one producer appends to one partition. Runs lie one after the other in chunks. After each run
 * `trailerBytes` are left free for the storage.
 */
export class RunWriter {
  readonly #trailerBytes: number
  #chunk: Buffer = Buffer.alloc(0)
  #view: DataView = viewOf(this.#chunk)
  #chunkBytes = FIRST_CHUNK_BYTES
  #start = 0
  #at = 0
  #count = 0
  #maxTimestamp = -1
  #full: Run[] = []
  #lastTaken: Run | undefined

  constructor(trailerBytes: number) {
    this.#trailerBytes = trailerBytes
  }

  get isEmpty(): boolean {
    return this.#count === 0 && this.#full.length === 0
  }

  append(record: RecordSlice, timestamp: number): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, headers } = record
    const { keyLength, valueLength } = record
    const encoded = headers === undefined || headers.length === 0 ? undefined : encodeHeaders(headers)
    const headersLength = encoded === undefined ? 0 : encoded.length
    const bytes =
      RECORD_HEADER_BYTES + (keyLength > 0 ? keyLength : 0) + (valueLength > 0 ? valueLength : 0) + headersLength
    if (this.#at + bytes + this.#trailerBytes > this.#chunk.length) this.#newChunk(bytes)
    const chunk = this.#chunk
    const view = this.#view
    let at = this.#at
    view.setFloat64(at, timestamp, true)
    view.setInt32(at + 8, keyLength, true)
    view.setInt32(at + 12, valueLength, true)
    view.setInt32(at + 16, headersLength, true)
    at += RECORD_HEADER_BYTES
    if (keyLength > 0 && valueLength > 0 && keyEnd === valueStart) {
      at = copyBytes(buffer, keyStart, valueEnd, chunk, at)
    } else {
      if (keyLength > 0) at = copyBytes(buffer, keyStart, keyEnd, chunk, at)
      if (valueLength > 0) at = copyBytes(buffer, valueStart, valueEnd, chunk, at)
    }
    if (encoded !== undefined) at += encoded.copy(chunk, at)
    this.#at = at
    this.#count++
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
  }

  /** Takes the runs collected since the last call, in order. */
  take(): Run[] {
    this.#finishRun()
    const runs = this.#full
    this.#full = []
    if (runs.length > 0) this.#lastTaken = runs.at(-1)
    return runs
  }

  /** Offset of the last record that was taken and has been published since. */
  get lastOffset(): number | undefined {
    const run = this.#lastTaken
    return run === undefined || run.base < 0 ? undefined : run.base + run.count - 1
  }

  /** Forgets what was collected since the last `take`. */
  drop(): void {
    this.#full = []
    this.#at = this.#start
    this.#count = 0
    this.#maxTimestamp = -1
  }

  #newChunk(bytes: number): void {
    this.#finishRun()
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, bytes + this.#trailerBytes))
    this.#view = viewOf(this.#chunk)
    this.#chunkBytes = Math.min(this.#chunkBytes * 2, MAX_CHUNK_BYTES)
    this.#start = this.#at = 0
  }

  #finishRun(): void {
    if (this.#count === 0) return
    this.#full.push({
      buffer: this.#chunk,
      view: this.#view,
      start: this.#start,
      end: this.#at,
      base: -1,
      count: this.#count,
      span: this.#count,
      maxTimestamp: this.#maxTimestamp,
      deltas: undefined,
    })
    this.#start = this.#at += this.#trailerBytes
    this.#count = 0
    this.#maxTimestamp = -1
  }
}
