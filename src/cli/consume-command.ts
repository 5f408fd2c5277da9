import { groupActive } from '../group/group.ts'
import { Arrivals } from '../log/arrivals.ts'
import {
  PartitionMap,
  type CommittedOffset,
  type Log,
  type LogReader,
  type RecordCursor,
  type TopicPartition,
} from '../log/log.ts'
import type { LogFormat } from '../application/log-line.ts'
import { Interruption } from './interruption.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { partitionsIn } from '../log/known-topics.ts'
import { knownTopic } from './known-topic.ts'
import { countOf, note } from './note.ts'
import { openLog } from './open-log.ts'
import { printed } from './print-all.ts'
import type { ShownForm } from '../record-forms/forms.ts'
import { columnFormat, jsonFormat, letterFormat, type FormatPart, type PrintRecord } from './records/record-format.ts'
import { TextBlock } from '../record-forms/text-block.ts'
import { startOffsets, type Start } from './start-offsets.ts'

export interface ConsumeOptions extends KafkaAccess {
  readonly data: string
  readonly fromBeginning?: boolean
  readonly offset?: Start
  readonly partition?: readonly number[]
  /** Most records to print. */
  readonly limit?: number
  readonly untilEnd?: boolean
  /** ms without a record after which it ends. */
  readonly timeout?: number
  readonly group?: string
  readonly format?: readonly FormatPart[]
  readonly json?: boolean
  readonly printKey?: boolean
  readonly printHeaders?: boolean
  readonly printTimestamp?: boolean
  readonly printPartition?: boolean
  readonly printOffset?: boolean
  readonly withoutValue?: boolean
  readonly keySeparator: string
  readonly null: string
  readonly key: ShownForm
  readonly value: ShownForm
  readonly logFormat: LogFormat
}

/** Bytes that are one write. */
const BLOCK = 64 * 1024

/** ms between two commits of a group. */
const COMMIT_EVERY = 5000

/**
 * Runs `millrace consume`: prints the committed records of a topic until it is interrupted, or as far as the options
 * say. Standard output has records only.
 *
 * @throws MR_TOPIC_UNKNOWN, MR_PARTITION_UNKNOWN, MR_OFFSET_OUT_OF_RANGE, MR_GROUP_ACTIVE while the group has members,
 * MR_DESERIALIZE, MR_CLI_BINARY, MR_CLI_USAGE
 */
export async function consumeTopic(topic: string, options: ConsumeOptions): Promise<void> {
  using interruption = new Interruption()
  const log = await openLog(options, [])
  try {
    const partitions = partitionsIn(await knownTopic(log, topic), options.partition)
    const starts = await startsOf(log, partitions, options)
    const ends = options.untilEnd === true ? await log.listOffsets(partitions, 'latest') : undefined
    const consumption = new Consumption(log, partitions, starts, ends, interruption.signal, topic, options)
    try {
      note(`reading ${topic}${ends === undefined ? '' : ' to its end'}`, options.logFormat)
      await consumption.run()
    } finally {
      await consumption.close().finally(() => {
        note(`${countOf(consumption.count, 'record')} read from ${topic}`, options.logFormat)
      })
    }
  } finally {
    await log.close()
  }
}

async function startsOf(
  log: Log,
  partitions: readonly TopicPartition[],
  { fromBeginning, offset, untilEnd, group }: ConsumeOptions,
): Promise<PartitionMap<number>> {
  const beginning = fromBeginning === true || (offset === undefined && untilEnd === true)
  const starts = await startOffsets(log, partitions, beginning ? 'earliest' : (offset ?? 'latest'))
  if (group === undefined || offset !== undefined) return starts
  const members = await log.groupMembers(group)
  if (members.length > 0) throw groupActive(group, members)
  for (const [topic, partition, committed] of (await log.committedOffsets(group, partitions)).entries())
    starts.set(topic, partition, committed.offset)
  return starts
}

/** Returns how the records are to be printed. */
function printerOf(topic: string, options: ConsumeOptions): PrintRecord {
  const { key, value, null: nullText, format, json } = options
  const how = { topic, key, value, null: nullText, isTerminal: process.stdout.isTTY }
  if (json === true) return jsonFormat(how)
  if (format !== undefined) return letterFormat(how, format)
  return columnFormat(how, {
    timestamp: options.printTimestamp === true,
    partition: options.printPartition === true,
    offset: options.printOffset === true,
    headers: options.printHeaders === true,
    key: options.printKey === true,
    value: options.withoutValue !== true,
    separator: options.keySeparator,
  })
}

/** Records on their way from a log to standard output. */
class Consumption {
  readonly #log: Log
  readonly #reader: LogReader
  readonly #arrivals: Arrivals
  readonly #partitions: readonly TopicPartition[]
  readonly #ends: PartitionMap<number> | undefined
  readonly #signal: AbortSignal
  readonly #options: ConsumeOptions
  readonly #limit: number
  readonly #print: PrintRecord
  readonly #block = new TextBlock()
  /** Cursors that the reader has handed over, with their partitions. */
  readonly #arrived: { readonly partition: number; readonly cursor: RecordCursor }[] = []
  /** Offsets after the records that are in the block, and after those that are printed. */
  readonly #reached: PartitionMap<number>
  #passed = new PartitionMap<CommittedOffset>()
  #isClosed = false
  #lastCommit = performance.now()
  #lastRecord = performance.now()
  count = 0

  constructor(
    log: Log,
    partitions: readonly TopicPartition[],
    starts: PartitionMap<number>,
    ends: PartitionMap<number> | undefined,
    signal: AbortSignal,
    topic: string,
    options: ConsumeOptions,
  ) {
    this.#log = log
    this.#partitions = partitions
    this.#ends = ends
    this.#reached = starts
    this.#signal = signal
    this.#options = options
    this.#limit = options.limit ?? Infinity
    this.#print = printerOf(topic, options)
    this.#reader = log.openReader()
    this.#arrivals = new Arrivals(this.#reader)
    signal.addEventListener('abort', this.#arrivals.wake)
    for (const { partition } of partitions) this.#reader.assign(topic, partition, starts.get(topic, partition) ?? 0)
  }

  async run(): Promise<void> {
    while (!this.#isDone()) {
      this.#arrivals.poll((_topic, partition, cursor) => void this.#arrived.push({ partition, cursor }))
      if (this.#arrived.length > 0) await this.#printArrived()
      else if (!this.#isDone() && !(await this.#waited())) return
    }
  }

  async close(): Promise<void> {
    try {
      if (!this.#isClosed) await this.#flush()
      await this.#commit()
    } finally {
      await this.#reader.close()
    }
  }

  #isDone(): boolean {
    if (this.#signal.aborted || this.#isClosed || this.count >= this.#limit) return true
    const ends = this.#ends
    if (ends === undefined) return false
    return this.#partitions.every(({ topic, partition }) => {
      return (this.#reader.position(topic, partition) ?? 0) >= (ends.get(topic, partition) ?? 0)
    })
  }

  /** Waits for records. False: none came for too long. */
  async #waited(): Promise<boolean> {
    const { timeout } = this.#options
    const left = timeout === undefined ? COMMIT_EVERY : this.#lastRecord + timeout - performance.now()
    const timer = setTimeout(this.#arrivals.wake, Math.max(0, Math.min(left, COMMIT_EVERY)))
    await this.#arrivals.next
    clearTimeout(timer)
    await this.#commitInTime()
    return timeout === undefined || performance.now() - this.#lastRecord < timeout
  }

  async #printArrived(): Promise<void> {
    for (const { partition, cursor } of this.#arrived) {
      const { topic } = this.#partitions[0]!
      const end = this.#ends?.get(topic, partition) ?? Infinity
      while (this.count < this.#limit && cursor.next() && cursor.offset < end) {
        this.#printOne(partition, cursor)
        this.count++
        if (this.#block.length < BLOCK) continue
        this.#reached.set(topic, partition, cursor.offset + 1)
        await this.#flush()
        if (this.#isClosed || this.#signal.aborted) return
      }
      const isWhole = this.count < this.#limit
      this.#reached.set(topic, partition, isWhole ? Math.min(cursor.endOffset, end) : cursor.offset + 1)
      if (!isWhole) break
    }
    this.#arrived.length = 0
    this.#lastRecord = performance.now()
    await this.#flush()
    await this.#commitInTime()
  }

  /** Prints all of a record, or nothing. */
  #printOne(partition: number, cursor: RecordCursor): void {
    const { length } = this.#block
    try {
      this.#print(this.#block, partition, cursor)
    } catch (error) {
      this.#block.cut(length)
      throw error
    }
  }

  async #flush(): Promise<void> {
    if (this.#block.length > 0) {
      if (!(await printed(this.#block.bytes))) this.#isClosed = true
      this.#block.cut(0)
    }
    if (this.#options.group === undefined || this.#isClosed) return
    for (const [topic, partition, offset] of this.#reached.entries())
      this.#passed.set(topic, partition, { offset, metadata: '' })
  }

  async #commitInTime(): Promise<void> {
    if (performance.now() - this.#lastCommit >= COMMIT_EVERY) await this.#commit()
  }

  async #commit(): Promise<void> {
    this.#lastCommit = performance.now()
    const { group } = this.#options
    if (group === undefined || this.#passed.size === 0) return
    const passed = this.#passed
    this.#passed = new PartitionMap()
    await this.#log.commitOffsets(group, passed)
  }
}
