import type { Headers } from '../../record/headers.ts'
import type { RecordCursor, SeeKey } from '../log.ts'
import { decodeHeaders, RECORD_HEADER_BYTES, recordBytes, type Run } from './run.ts'

/** A place between two records of a run. */
export interface RunPlace {
  readonly run: Run
  /** Byte at which the next record starts. */
  readonly at: number
  /** Number of records before it. */
  readonly index: number
}

/** Returns the place of the first record of `run` whose offset is at least `offset`. */
export function placeOf(run: Run, offset: number): RunPlace {
  let at = run.start
  let index = 0
  while (index < run.count && run.base + (run.deltas === undefined ? index : run.deltas[index]!) < offset) {
    at += recordBytes(run.view, at)
    index++
  }
  return { run, at, index }
}

/** A cursor over the records that a run holds when the cursor is made, from a place on. */
export class RunCursor implements RecordCursor {
  offset = -1
  timestamp = -1
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  remaining: number
  readonly buffer: Buffer
  readonly endOffset: number
  readonly bytes: number
  readonly #view: DataView
  readonly #base: number
  readonly #deltas: Uint32Array | undefined
  #at: number
  #index: number
  #headersStart = 0

  constructor(place: RunPlace) {
    const { run, at, index } = place
    this.buffer = run.buffer
    this.#view = run.view
    this.#base = run.base
    this.#deltas = run.deltas
    this.#at = at
    this.#index = index
    this.remaining = run.count - index
    this.endOffset = run.base + run.span
    this.bytes = run.end - at
  }

  next(): boolean {
    if (this.remaining === 0) return false
    this.remaining--
    const index = this.#index++
    this.offset = this.#base + (this.#deltas === undefined ? index : this.#deltas[index]!)
    const view = this.#view
    let at = this.#at
    // Logs from before 0.2 may hold fractions.
    this.timestamp = Math.trunc(view.getFloat64(at, true))
    const keyLength = view.getInt32(at + 8, true)
    const valueLength = view.getInt32(at + 12, true)
    const headersLength = view.getInt32(at + 16, true)
    at += RECORD_HEADER_BYTES
    if (keyLength < 0) this.keyStart = this.keyEnd = -1
    else {
      this.keyStart = at
      this.keyEnd = at += keyLength
    }
    if (valueLength < 0) this.valueStart = this.valueEnd = -1
    else {
      this.valueStart = at
      this.valueEnd = at += valueLength
    }
    this.#headersStart = headersLength === 0 ? 0 : at
    this.#at = at + headersLength
    return true
  }

  peekKeys(count: number, see: SeeKey): number {
    const { buffer, remaining } = this
    const view = this.#view
    const shown = Math.min(count, remaining)
    let at = this.#at
    for (let record = 0; record < shown; record++) {
      const keyLength = view.getInt32(at + 8, true)
      const keyStart = at + RECORD_HEADER_BYTES
      if (keyLength < 0) see(buffer, -1, -1)
      else see(buffer, keyStart, keyStart + keyLength)
      at += recordBytes(view, at)
    }
    return shown
  }

  headers(none: Headers): Headers {
    return this.#headersStart === 0 ? none : decodeHeaders(this.buffer, this.#headersStart)
  }
}
