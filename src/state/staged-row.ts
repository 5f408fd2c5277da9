import type { WriteBatch } from './engine.ts'

const NO_BYTES = Buffer.alloc(0)

/** A row that waits to be written to the engine: bytes of key and value, one behind the other. */
export class StagedRow {
  buffer: Buffer = NO_BYTES
  start = 0
  keyEnd = 0
  /** -1: the row is to be deleted. */
  end = -1

  set(buffer: Buffer, start: number, keyEnd: number, end: number): void {
    this.buffer = buffer
    this.start = start
    this.keyEnd = keyEnd
    this.end = end
  }

  addTo(batch: WriteBatch): void {
    const key = this.buffer.subarray(this.start, this.keyEnd)
    if (this.end < 0) batch.delete(key)
    else batch.put(key, this.buffer.subarray(this.keyEnd, this.end))
  }
}
