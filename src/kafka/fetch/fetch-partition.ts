import type { RecordCursor, TopicPartition } from '../../log/log.ts'
import type { MillraceError } from '../../errors/millrace-error.ts'
import type { AbortedTransaction } from '../records/record-set.ts'

/** One answer for a partition, not yet looked into. */
export interface FetchedChunk {
  readonly records: Buffer
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Behind its last whole batch. */
  readonly endOffset: number
}

/** A partition from one `assign` to the next: what arrives for an earlier one finds `active` false and is dropped. */
export class FetchPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Of the topic that the position belongs to; undefined until it is known. */
  topicId: string | undefined
  active = true
  paused = false
  /** Named in a request that is not answered yet. */
  inFlight = false
  /** Behind everything handed over. */
  position: number
  /** Behind everything fetched. */
  fetchOffset: number
  endOffset: number | undefined
  /** Between which answers, none of them failed in between, the broker had nothing behind what was fetched; -1: the last one had, or failed. */
  quietSince = -1
  quietUntil = -1
  bufferedBytes = 0
  /** What reading it ended with; kept until it is assigned anew. */
  failure: MillraceError | undefined
  /** Failed requests in a row, the time (ms) before which none is sent, and since when the topic has been unknown. */
  failures = 0
  retryAt = 0
  unknownSince: number | undefined
  /** What was fetched and not looked into. */
  readonly chunks: FetchedChunk[] = []
  /** Of the chunk looked into last, those from `nextCursor` on are not handed over. */
  cursors: readonly RecordCursor[] = []
  nextCursor = 0

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.position = offset
    this.fetchOffset = offset
  }

  /** As last heard; a partition of which nothing was heard yet may have records. */
  get isAtEnd(): boolean {
    return this.endOffset !== undefined && this.fetchOffset >= this.endOffset
  }

  /** Takes note of an answer; a failure has no high watermark. */
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
