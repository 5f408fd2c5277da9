import type { RecordCursor, TopicPartition } from '../../log/log.ts'
import type { MillraceError } from '../../errors/millrace-error.ts'
import type { AbortedTransaction } from '../records/record-set.ts'

/** The records of one response for a partition, not parsed yet. */
export interface FetchedChunk {
  readonly records: Buffer
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Offset after its last whole batch. */
  readonly endOffset: number
}

/** A partition from one `assign` to the next. A response for an earlier one finds `active` false and is dropped. */
export class FetchPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Id of the topic that the position belongs to; `undefined` until it is known. */
  topicId: string | undefined
  active = true
  paused = false
  /** True while a request under way names it. */
  inFlight = false
  /** Offset after everything handed over. */
  position: number
  /** Offset after everything fetched. */
  fetchOffset: number
  endOffset: number | undefined
  /** Times of the first and last response in a row with nothing more to fetch; -1 if the last had more, or failed. */
  quietSince = -1
  quietUntil = -1
  bufferedBytes = 0
  /** The error that ended reading, kept until the partition is assigned again. */
  failure: MillraceError | undefined
  /** Failed requests in a row, the time (ms) before which none is sent, and since when the topic has been unknown. */
  failures = 0
  retryAt = 0
  unknownSince: number | undefined
  /** Fetched chunks that are not parsed yet. */
  readonly chunks: FetchedChunk[] = []
  /** Cursors of the chunk that was parsed last. Those from `nextCursor` on are not handed over yet. */
  cursors: readonly RecordCursor[] = []
  nextCursor = 0

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.position = offset
    this.fetchOffset = offset
  }

  /** True if everything was fetched, as far as known. Before the first response there may be records. */
  get isAtEnd(): boolean {
    return this.endOffset !== undefined && this.fetchOffset >= this.endOffset
  }

  /** Notes a response; a failure has no high watermark. */
  heard(highWatermark: number | undefined, now: number): void {
    if (highWatermark === undefined || highWatermark > this.fetchOffset) {
      this.quietSince = -1
      return
    }
    if (this.quietSince === -1) this.quietSince = now
    this.quietUntil = now
  }

  get hasArrived(): boolean {
    return this.chunks.length > 0 || this.nextCursor < this.cursors.length
  }
}
