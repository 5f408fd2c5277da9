import { Arrivals } from '../../../log/arrivals.ts'
import type { Log, LogReader, PartitionMap, RecordCursor, TopicPartition } from '../../../log/log.ts'
import { systemClock } from '../../../platform/clock.ts'

/** Records of a partition that have arrived, over their bytes. */
export interface Arrived {
  readonly partition: number
  readonly cursor: RecordCursor
}

/** Reads the committed records of partitions of one topic, from outside any group. It must be closed. */
export class PartitionReading {
  readonly #reader: LogReader
  readonly #arrivals: Arrivals
  readonly #partitions: readonly TopicPartition[]
  readonly #signal: AbortSignal

  /** @param starts the offsets at which to begin */
  constructor(log: Log, partitions: readonly TopicPartition[], starts: PartitionMap<number>, signal: AbortSignal) {
    this.#partitions = partitions
    this.#signal = signal
    this.#reader = log.openReader()
    this.#arrivals = new Arrivals(this.#reader)
    signal.addEventListener('abort', this.#arrivals.wake)
    for (const { topic, partition } of partitions)
      this.#reader.assign(topic, partition, starts.get(topic, partition) ?? 0)
  }

  /**
   * Returns what has arrived, once something has; nothing if the signal is aborted or the time is over.
   *
   * @param most ms to wait
   * @throws as `LogReader.poll`
   */
  async next(most: number): Promise<readonly Arrived[]> {
    const found: Arrived[] = []
    let isLate = false
    const timer = systemClock.schedule(most, () => {
      isLate = true
      this.#arrivals.wake()
    })
    try {
      while (!this.#signal.aborted) {
        this.#arrivals.poll((_topic, partition, cursor) => void found.push({ partition, cursor }))
        if (found.length > 0 || isLate) break
        await this.#arrivals.next
      }
      return found
    } finally {
      timer.cancel()
    }
  }

  /** True if everything before these offsets has been handed over. */
  hasReached(ends: PartitionMap<number>): boolean {
    return this.#partitions.every(({ topic, partition }) => {
      return (this.#reader.position(topic, partition) ?? 0) >= (ends.get(topic, partition) ?? 0)
    })
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#arrivals.wake)
    await this.#reader.close()
  }
}
