import { encodeHeaders, RECORD_HEADER_BYTES, viewOf, type Run } from './run.ts'
import type { RecordSlice } from '../../record/record-slice.ts'
import { copyBytes } from '../../platform/copy-bytes.ts'
import type { AppendOrigin } from '../refusal.ts'

const FIRST_CHUNK_BYTES = 2048
const MAX_CHUNK_BYTES = 256 * 1024

/** An origin that wants to know where a record is. */
interface Listening {
  readonly origin: Required<AppendOrigin>
  readonly place: number
  /** Index of the record in its run. */
  readonly index: number
}

/** A run with the origins that want to know where it is. */
export interface HeardRun {
  readonly run: Run
  readonly listening: readonly Listening[]
}

/** Notifies the origins of runs that were published. */
export function notifyWritten(heard: readonly HeardRun[]): void {
  for (const { run, listening } of heard) {
    if (run.base < 0) continue
    for (const { origin, place, index } of listening) origin.written(run.base + index, place)
  }
}

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
  #listening: Listening[] = []
  #heard: HeardRun[] = []

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

  /** Has an origin notified of where the record is that was appended last. */
  listen(origin: Required<AppendOrigin>, place: number): void {
    this.#listening.push({ origin, place, index: this.#count - 1 })
  }

  /** Takes what `notifyWritten` needs, after `take`. */
  takeHeard(): readonly HeardRun[] {
    const heard = this.#heard
    if (heard.length > 0) this.#heard = []
    return heard
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
    this.#listening = []
    this.#heard = []
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
    const run: Run = {
      buffer: this.#chunk,
      view: this.#view,
      start: this.#start,
      end: this.#at,
      base: -1,
      count: this.#count,
      span: this.#count,
      maxTimestamp: this.#maxTimestamp,
      deltas: undefined,
    }
    this.#full.push(run)
    if (this.#listening.length > 0) {
      this.#heard.push({ run, listening: this.#listening })
      this.#listening = []
    }
    this.#start = this.#at += this.#trailerBytes
    this.#count = 0
    this.#maxTimestamp = -1
  }
}
