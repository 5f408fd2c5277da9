import type { EmbeddedPartition } from './embedded-partition.ts'

/** Bytes of the records of a partition that has a bound for them. They are counted as the cleaner comes by. */
export class RetainedBytes {
  /** The offsets whose records are counted: from here … */
  #from = 0
  /** … to here, exclusive. */
  #to = 0
  #cleanedTo = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Counts about `stepBytes` more. Returns false if there was nothing to count. */
  count(partition: EmbeddedPartition, stepBytes: number): boolean {
    // Records were deleted or compacted since: what is left is counted again.
    if (this.#from !== partition.startOffset || this.#cleanedTo !== partition.cleanedTo) {
      this.#from = this.#to = partition.startOffset
      this.#cleanedTo = partition.cleanedTo
      this.#bytes = 0
    }
    if (this.#to >= partition.endOffset) return false
    const runs = partition.storedRuns(this.#to, stepBytes)
    for (const run of runs) {
      this.#bytes += run.end
      this.#to = run.base + run.span
    }
    if (runs.length === 0) this.#to = partition.endOffset
    return true
  }

  /** Takes the first runs out of the count, as they are deleted up to `start`. */
  deleted(start: number, bytes: number): void {
    this.#from = start
    this.#bytes -= bytes
  }
}
