import type { MemoryPartition } from '../local/partition-data.ts'

/** What a run takes beside its records: its description, and its place in two lists. A log of small commits consists of them. */
const RUN_OVERHEAD = 256

/** Bounds what all partitions of a log keep in memory of their newest records: the oldest run goes first. */
export class TailBudget {
  readonly #maxBytes: number
  #queue: { readonly partition: MemoryPartition; readonly bytes: number }[] = []
  #head = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The partition has one more run, of so many bytes of records. */
  added(partition: MemoryPartition, records: number): void {
    const bytes = records + RUN_OVERHEAD
    this.#queue.push({ partition, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#queue[this.#head++]!
      this.#bytes -= oldest.bytes
      oldest.partition.dropFirstRun()
    }
    if (this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
  }
}
