import type { WritableTopic } from '../dsl/options/topic.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { checkOptionNames, having, option, readOptions, wholeNumber, type TableOf } from '../options/options.ts'
import { Headers } from '../record/headers.ts'
import { refusePromises } from '../record/refuse-promises.ts'
import type { Log, LogProducer } from '../log/log.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Refusal } from '../log/refusal.ts'
import { RecordEncoder } from './record-encoder.ts'

/** Errors of refused records that are kept until the next flush. */
const MOST_ERRORS = 100

/** Parts of a record besides key and value. */
export interface WriteOptions {
  /** Event time, ms since the epoch; a fraction is cut off. Now, if not given. */
  readonly timestamp?: number
  readonly headers?: Headers
  /** Number of the partition. The topic's partitioner, or else the key, decides if it is not given. */
  readonly partition?: number
}

const WRITE = {
  timestamp: option<number>('ms since the epoch', { description: 'event time' }, (value) => Number(value)),
  headers: having<Headers>('Headers', ['add', 'at', 'copy'], 'new Headers().add(name, value)', {
    description: 'headers of the record',
  }),
  partition: wholeNumber({ description: 'partition that the record is written to' }),
} satisfies TableOf<WriteOptions>

/** Checks the options of each record. Allocates nothing while they are right. */
function checkOptions(options: WriteOptions): void {
  if (options === null) checkOptionNames(WRITE, options, 'write()')
  for (const name in options)
    if (name !== 'timestamp' && name !== 'headers' && name !== 'partition') checkOptionNames(WRITE, options, 'write()')
  if (options.headers !== undefined && !(options.headers instanceof Headers)) readOptions(WRITE, options, 'write()')
}

/**
 * Writes typed records to a topic from outside an application: generators, imports, tests. The partitioner of the topic
 * chooses the partition, or else the key determines it as in Kafka's default partitioner. Records with a null key go to
 * the partitions in turn.
 *
 * @example
 * ```ts
 * const log = await embeddedLog({ directory: '.millrace/log' })
 * await log.createTopics([{ name: payments.name, partitions: 4 }])
 * const writer = await TopicWriter.open(log, payments)
 * writer.write('alice', { from: 'alice', to: 'bob', cents: 20_000 })
 * await writer.close()
 * ```
 */
export class TopicWriter<K, V> {
  readonly #topic: WritableTopic<K, V>
  readonly #producer: LogProducer
  readonly partitions: number
  readonly #encoder: RecordEncoder
  /** Records written so far. */
  #written = 0
  #isWriting = false
  /** Errors of records that the log refused since the last flush. */
  #refusals: MillraceError[] = []
  #refusedSinceFlush = 0
  #closing: Promise<void> | undefined
  readonly #origin: AppendOrigin = { refused: (refusal, number) => this.#refused(refusal, number) }

  private constructor(topic: WritableTopic<K, V>, producer: LogProducer, partitions: number) {
    this.#topic = topic
    this.#producer = producer
    this.#encoder = new RecordEncoder(topic, partitions)
    this.partitions = partitions
  }

  /** @throws MR_TOPIC_UNKNOWN */
  static async open<K, V>(log: Log, topic: WritableTopic<K, V>): Promise<TopicWriter<K, V>> {
    const producer = log.openProducer()
    try {
      return new TopicWriter(topic, producer, await producer.loadPartitionCount(topic.name))
    } catch (error) {
      await producer.close()
      throw error
    }
  }

  /**
   * Appends a record, which `flush` makes visible. A null value is a tombstone.
   *
   * @throws MR_TIMESTAMP if the timestamp is no number within ±8.64e15; MR_PARTITION_UNKNOWN; MR_NO_PARTITION for
   * what a partitioner chose; MR_PROMISE; MR_PRODUCE if the log refuses the record at once (on Kafka, `flush` throws
   * instead), or can write no more at all; what the topic's serdes throw
   */
  write(key: K | null, value: V | null, options: WriteOptions = {}): void {
    checkOptions(options)
    refusePromises('write()', this.#topic.name, key, value)
    const encoder = this.#encoder
    encoder.encode(key, value, options.timestamp ?? Date.now(), options.headers)
    if (options.partition !== undefined) encoder.requirePartition(options.partition)
    const chosen = options.partition ?? encoder.choose(key, value)
    const number = this.#written++
    this.#isWriting = true
    try {
      if (typeof chosen === 'number') this.#append(chosen, number)
      else for (const each of chosen) this.#append(each, number)
    } finally {
      this.#isWriting = false
    }
  }

  /** Returns the partition of records with this key, unless the topic has a partitioner. */
  partitionOf(key: K): number {
    return this.#encoder.partitionOf(key)
  }

  #append(partition: number, number: number): void {
    this.#producer.append(this.#topic.name, partition, this.#encoder.slice, this.#origin, number)
  }

  /** Resolves when few enough records wait to be sent that writing may go on. */
  async ready(): Promise<void> {
    if (this.#producer.writable) return
    await new Promise<void>((resolve) => this.#producer.onWritable(resolve))
    this.#producer.onWritable(undefined)
  }

  /**
   * Makes all written records visible.
   *
   * @throws MR_PRODUCE if the log refused records, for instance because they are too large, with their keys and numbers
   * (the first written record is 0). For several records, the `cause` is an `AggregateError` with the errors of the
   * first hundred. The other records are written, and writing goes on. MR_FENCED
   */
  async flush(): Promise<void> {
    await this.#producer.flush()
    const refusals = this.#refusals
    const count = this.#refusedSinceFlush
    this.#refusals = []
    this.#refusedSinceFlush = 0
    if (count === 1) throw refusals[0]!
    if (count > 1) throw this.#severalRefused(count, refusals)
  }

  /** Flushes, then closes. Does nothing more when it is called again. @throws as `flush`, the first time */
  async close(): Promise<void> {
    if (this.#closing === undefined) await (this.#closing = this.#flushAndClose())
    else await Promise.allSettled([this.#closing])
  }

  async #flushAndClose(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.#producer.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Records a refusal. The other records are written. */
  #refused(refusal: Refusal, number: number): undefined {
    const { topic, partition } = refusal
    const error = new MillraceError(
      'MR_PRODUCE',
      `${describeRefusal(refusal)}; it was record ${number} of this writer`,
      { topic, partition, hint: refusalHint(refusal) },
    )
    if (this.#isWriting) throw error
    if (this.#refusedSinceFlush++ < MOST_ERRORS) this.#refusals.push(error)
  }

  #severalRefused(count: number, refusals: readonly MillraceError[]): MillraceError {
    const [first] = refusals
    return new MillraceError('MR_PRODUCE', `${count} records were refused; the first: ${first!.message}`, {
      topic: this.#topic.name,
      hint: first!.hint,
      cause: new AggregateError(refusals),
    })
  }
}
