import { MillraceError } from '../../../errors/millrace-error.ts'
import type { Log, LogProducer } from '../../../log/log.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Refusal } from '../../../log/refusal.ts'
import type { RecordSlice } from '../../../record/record-slice.ts'

/** A record with the partitions that it goes to: one, unless the partitioner of the topic says otherwise. */
export interface PlacedRecord {
  readonly slice: RecordSlice
  readonly partitions: readonly number[]
}

/** What became of a record: where it is, or why the log refused it. */
export type Outcome = WrittenRecord | MillraceError

export interface WrittenRecord {
  /** Null for a record that the partitioner of the topic sends nowhere. */
  readonly partition: number | null
  /** Null where the log does not say it: the response of a broker was lost. */
  readonly offset: number | null
}

/** Writes the records of all requests by one producer, and by another one after it has failed. */
export class TopicProducer {
  readonly #log: Log
  #current: GroupedFlushes | undefined
  #isClosed = false

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Writes records, and returns what became of each when the log has them.
   *
   * @throws MR_PRODUCE, MR_LOG_FAILED if the log can write nothing: some of the records may be written; MR_CLOSED
   */
  async write(topic: string, records: readonly PlacedRecord[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = records.map(({ partitions: [partition = null] }) => ({ partition, offset: null }))
    const others: AppendOrigin = { refused: (refusal, index) => void (outcomes[index] = refused(refusal)) }
    const first: AppendOrigin = {
      ...others,
      written: (offset, index) => void (outcomes[index] = { partition: records[index]!.partitions[0]!, offset }),
    }
    await this.#current?.untilWritable()
    if (this.#isClosed) throw new MillraceError('MR_CLOSED', 'the server is closed', { hint: 'Ask another instance.' })
    const current = (this.#current ??= new GroupedFlushes(this.#log.openProducer()))
    try {
      for (const [index, { slice, partitions }] of records.entries()) {
        for (const [i, partition] of partitions.entries())
          current.producer.append(topic, partition, slice, i === 0 ? first : others, index)
      }
      await current.flush()
    } catch (error) {
      if (this.#current === current) this.#current = undefined
      await current.close()
      throw error
    }
    return outcomes
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#current?.flush().catch(() => {})
    await this.#current?.close()
  }
}

/**
 * A producer of which many ask for a flush. What is appended while one runs waits for the next, so that many small
 * requests are few large batches.
 */
class GroupedFlushes {
  readonly producer: LogProducer
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #writable: Promise<void> | undefined
  #isClosed = false

  constructor(producer: LogProducer) {
    this.producer = producer
  }

  /** Resolves when everything that has been appended is in the log. */
  flush(): Promise<void> {
    return (this.#next ??= this.#flushAfter(this.#running))
  }

  async untilWritable(): Promise<void> {
    const { producer } = this
    while (!producer.writable && !this.#isClosed) {
      // A producer has one callback.
      this.#writable ??= new Promise<void>((resolve) => producer.onWritable(resolve)).finally(() => {
        producer.onWritable(undefined)
        this.#writable = undefined
      })
      await this.#writable
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.resolve(this.producer.close()).catch(() => {})
  }

  async #flushAfter(before: Promise<void> | undefined): Promise<void> {
    // Those who wait for it have its error.
    await before?.catch(() => {})
    this.#running = this.#next
    this.#next = undefined
    await this.producer.flush()
  }
}

function refused(refusal: Refusal): MillraceError {
  const { topic, partition } = refusal
  return new MillraceError('MR_PRODUCE', describeRefusal(refusal), { topic, partition, hint: refusalHint(refusal) })
}
