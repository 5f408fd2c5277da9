import type { RecordCursor, SeeKey } from '../../log/log.ts'
import { eventTime } from '../../record/event-time.ts'
import type { Serde } from '../../serde/serde.ts'
import type { Prefetchable } from '../../state/prefetchable.ts'
import type { TimestampExtractor } from '../../topology/topology.ts'
import { readerOf, type ReadValue } from '../../serde/call-serde.ts'
import { Prefetch, type WaitingRecords } from '../prefetch/prefetch.ts'
import type { NodeOutput } from '../node/node-output.ts'

/** How the records of one topic enter a task: the source node's serdes, extractor and children. */
export interface SourceBinding {
  readonly node: string
  /** The node's place among those counted. */
  readonly index: number
  readonly output: NodeOutput
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly extractor: TimestampExtractor | undefined
}

/** Decides about records that cannot enter the task: counts and logs the record, or throws to stop the application. */
export interface RecordGate {
  undecodable(queue: PartitionQueue, cursor: RecordCursor, part: 'key' | 'value', error: unknown): void
  /** The topic's timestamp function threw. */
  extractorFailed(queue: PartitionQueue, cursor: RecordCursor, error: unknown): void
  /** The record's timestamp, or what its topic's function returned, is no event time. */
  noTimestamp(queue: PartitionQueue, cursor: RecordCursor, found: unknown, extracted: boolean): void
  /** The timestamp is negative: the record is dropped if its topic's function returned it, else it is an error. */
  negativeTimestamp(queue: PartitionQueue, cursor: RecordCursor, extracted: boolean): void
}

/** The fetched records of one input partition, in offset order. Only the head is decoded; the rest lie in batches. */
export class PartitionQueue implements WaitingRecords {
  readonly topic: string
  readonly partition: number
  readonly source: SourceBinding
  readonly #prefetch: Prefetch | undefined
  readonly #gate: RecordGate
  readonly #readKey: ReadValue<unknown>
  readonly #readValue: ReadValue<unknown>
  readonly #cursors: RecordCursor[] = []
  #current: RecordCursor | undefined

  hasHead = false
  headTimestamp = -1
  headKey: unknown = null
  headValue: unknown = null
  /** Greatest timestamp taken; -1 if none was. */
  partitionTime = -1
  /** Offset of the next record to process: what a commit stores. */
  nextOffset: number
  /** Since when the queue has been empty, by the monotonic clock; -1 while it is not. */
  idleSince = -1
  paused = false

  /**
   * @param start the offset of the first record to process
   * @param time the greatest timestamp taken before it
   * @param prefetchable stores that may be asked for the keys of the records
   */
  constructor(
    start: { readonly topic: string; readonly partition: number; readonly offset: number },
    source: SourceBinding,
    gate: RecordGate,
    time: number,
    prefetchable: readonly Prefetchable[],
  ) {
    this.topic = start.topic
    this.partition = start.partition
    this.source = source
    if (prefetchable.length > 0) this.#prefetch = new Prefetch(source.keySerde, this, prefetchable)
    this.#gate = gate
    this.#readKey = readerOf(source.keySerde)
    this.#readValue = readerOf(source.valueSerde)
    this.nextOffset = start.offset
    this.partitionTime = time
  }

  /** Returns true if the queue was empty and now has a head. */
  add(cursor: RecordCursor): boolean {
    this.#cursors.push(cursor)
    if (this.hasHead) return false
    this.#advance()
    return this.hasHead
  }

  /** Stands at the head, in its batch; its headers are decoded from here. */
  get cursor(): RecordCursor {
    return this.#current as RecordCursor
  }

  /** An upper bound of the number of records that wait. */
  get size(): number {
    let records = this.hasHead ? 1 : 0
    if (this.#current !== undefined) records += this.#current.remaining
    for (const cursor of this.#cursors) records += cursor.remaining
    return records
  }

  /** Bytes of memory that the waiting records keep alive, about. */
  get bytes(): number {
    let bytes = this.#current === undefined ? 0 : this.#current.bytes
    for (const cursor of this.#cursors) bytes += cursor.bytes
    return bytes
  }

  peekKeys(count: number, see: SeeKey): void {
    let left = count - (this.#current?.peekKeys(count, see) ?? 0)
    for (let i = 0; i < this.#cursors.length && left > 0; i++) {
      const seen = this.#cursors[i]!.peekKeys(left, see)
      if (seen < 0) return
      left -= seen
    }
  }

  /** Begins to process the head: its time counts from now on. */
  take(): void {
    if (this.headTimestamp > this.partitionTime) this.partitionTime = this.headTimestamp
  }

  /** Moves on to the next record, when the head has been processed. */
  advance(): void {
    this.nextOffset = this.cursor.offset + 1
    this.#advance()
  }

  #advance(): void {
    this.hasHead = false
    for (;;) {
      // A record that was skipped must not leave its key or value to one without.
      this.headKey = null
      this.headValue = null
      let cursor = this.#current
      if (cursor === undefined) {
        cursor = this.#cursors.shift()
        if (cursor === undefined) return
        this.#current = cursor
      }
      if (!cursor.next()) {
        // Control records and aborted ones may lie at the batch's end: a commit must point past them.
        if (cursor.endOffset > this.nextOffset) this.nextOffset = cursor.endOffset
        this.#current = undefined
        continue
      }
      this.#prefetch?.next(cursor)
      if (this.#decode(cursor)) {
        this.nextOffset = cursor.offset
        this.hasHead = true
        return
      }
      this.nextOffset = cursor.offset + 1
    }
  }

  #decode(cursor: RecordCursor): boolean {
    const { buffer, keyStart, valueStart } = cursor
    let part: 'key' | 'value' = 'key'
    try {
      if (keyStart >= 0) this.headKey = this.#readKey(buffer, keyStart, cursor.keyEnd)
      part = 'value'
      if (valueStart >= 0) this.headValue = this.#readValue(buffer, valueStart, cursor.valueEnd)
    } catch (error) {
      this.#gate.undecodable(this, cursor, part, error)
      return false
    }
    const { extractor } = this.source
    return extractor === undefined
      ? this.#stamp(cursor, cursor.timestamp, false)
      : this.#stampByFunction(cursor, extractor)
  }

  #stampByFunction(cursor: RecordCursor, extractor: TimestampExtractor): boolean {
    let found: unknown
    try {
      found = extractor(
        {
          key: this.headKey,
          value: this.headValue,
          timestamp: cursor.timestamp,
          topic: this.topic,
          partition: this.partition,
          offset: cursor.offset,
        },
        this.partitionTime,
      )
    } catch (error) {
      this.#gate.extractorFailed(this, cursor, error)
      return false
    }
    return this.#stamp(cursor, found, true)
  }

  /** Returns false if the record is not to be processed. */
  #stamp(cursor: RecordCursor, found: unknown, extracted: boolean): boolean {
    const time = eventTime(found)
    this.headTimestamp = time
    if (time >= 0) return true
    if (time < 0) this.#gate.negativeTimestamp(this, cursor, extracted)
    else this.#gate.noTimestamp(this, cursor, found, extracted)
    return false
  }
}
