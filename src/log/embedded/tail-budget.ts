import type { MemoryPartition } from '../local/partition-data.ts'

/** Bounds what all partitions of a log keep in memory of their newest records: the oldest run goes first. */
export class TailBudget {
  readonly #maxBytes: number
  #queue: { readonly partition: MemoryPartition; readonly bytes: number }[] = []
  #head = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The partition has one more run. */
  added(partition: MemoryPartition, bytes: number): void {
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
