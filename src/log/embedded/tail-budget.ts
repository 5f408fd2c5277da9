import type { MemoryPartition } from '../local/partition-data.ts'

/** Bytes of a run beside its records: its description, and its place in two lists. Small commits consist of these. */
const RUN_OVERHEAD = 256

/** Bounds the memory for the newest records of all partitions of a log. The oldest run is dropped first. */
export class TailBudget {
  readonly #maxBytes: number
  #queue: { readonly partition: MemoryPartition; readonly end: number; readonly bytes: number }[] = []
  #head = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Called when the partition has one more run. @param records the bytes of its records */
  added(partition: MemoryPartition, records: number): void {
    const bytes = records + RUN_OVERHEAD
    this.#queue.push({ partition, end: partition.endOffset, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#queue[this.#head++]!
      this.#bytes -= oldest.bytes
      // A purge, or the drop of a run that it was joined to, may have been faster: newer runs stay.
      if (oldest.end > oldest.partition.startOffset) oldest.partition.deleteBelow(oldest.end)
    }
    if (this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
  }
}
