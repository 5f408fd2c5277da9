import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { RecordEncoder } from '../client/record-encoder.ts'
import { MillraceError, propertyOf } from '../errors/millrace-error.ts'
import type { LogProducer, TopicDescription } from '../log/log.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Refusal } from '../log/refusal.ts'
import { Headers } from '../record/headers.ts'
import { bytes } from '../serde/bytes.ts'
import type { LogFormat } from '../application/log-line.ts'
import { Interruption } from './interruption.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { requirePartition } from '../log/known-topics.ts'
import { knownTopic } from './known-topic.ts'
import { countOf, note } from './note.ts'
import { openLog } from './open-log.ts'
import type { GivenForm } from '../record-forms/forms.ts'
import { JsonLines, partBytes } from '../record-forms/json-lines.ts'
import { LineSplitter } from './records/line-splitter.ts'
import { ANY_PARTITION, LineError, type RecordSource } from '../record-forms/record-source.ts'
import { TextLines } from './records/text-lines.ts'

export interface ProduceOptions extends KafkaAccess {
  readonly data: string
  readonly keySeparator?: string
  readonly withHeaders?: boolean
  readonly json?: boolean
  readonly key?: GivenForm
  readonly value?: GivenForm
  readonly null?: string
  readonly header?: readonly (readonly [name: string, value: string])[]
  readonly partition?: number
  /** ms since the epoch. */
  readonly timestamp?: number
  readonly logFormat: LogFormat
}

/** Bytes of a file that are read at once. */
const CHUNK = 1 << 20

/** Bytes that may be appended while a flush is under way. */
const MOST_UNFLUSHED = 4 << 20

/**
 * Runs `millrace produce`: writes a record for each line of a file, or of standard input. What stands before a line
 * that holds no record is written.
 *
 * @param file path of the input; standard input if it is not given, or `-`
 * @throws MR_TOPIC_UNKNOWN, MR_PARTITION_UNKNOWN, MR_CLI_FILE, MR_CLI_LINE, MR_PRODUCE
 */
export async function produceRecords(topic: string, file: string | undefined, options: ProduceOptions): Promise<void> {
  using interruption = new Interruption()
  const { signal } = interruption
  const log = await openLog(options, [])
  try {
    const description = await knownTopic(log, topic)
    if (options.partition !== undefined) requirePartition(description, options.partition)
    note(`writing to ${topic}`, options.logFormat)
    const production = new Production(log.openProducer(), description, options)
    try {
      await production.write(inputOf(file, options.logFormat), signal)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await production.close().finally(() => {
        note(`${countOf(production.count, 'record')} written to ${topic}`, options.logFormat)
      })
    }
  } finally {
    await log.close()
  }
}

function inputOf(file: string | undefined, format: LogFormat): Readable {
  if (file !== undefined && file !== '-') return createReadStream(file, { highWaterMark: CHUNK })
  if (process.stdin.isTTY) note('a record a line; Ctrl-D ends', format)
  return process.stdin
}

/** Lines on their way from an input to a log. */
class Production {
  readonly #producer: LogProducer
  readonly #topic: string
  readonly #encoder: RecordEncoder
  readonly #options: ProduceOptions
  readonly #source: RecordSource
  readonly #headers: Headers | undefined
  readonly #origin: AppendOrigin = { refused: (refusal, line) => this.#refused(refusal, line) }
  #line = 0
  #unflushed = 0
  #flush: Promise<void> | undefined
  #failure: unknown
  /** Number of records that the log took. */
  count = 0

  constructor(producer: LogProducer, topic: TopicDescription, options: ProduceOptions) {
    const { key, value, json, keySeparator, withHeaders, header, null: nullText } = options
    this.#producer = producer
    this.#topic = topic.name
    this.#encoder = new RecordEncoder({ name: topic.name, keySerde: bytes(), valueSerde: bytes() }, topic.partitions)
    this.#options = options
    this.#source =
      json === true
        ? new JsonLines(partBytes(key), partBytes(value))
        : new TextLines({
            keySeparator,
            hasHeaders: withHeaders === true,
            null: nullText,
            key: key ?? 'text',
            value: value ?? 'text',
          })
    if (header !== undefined && header.length > 0) this.#headers = headersOf(header)
  }

  /** Writes all lines, and returns when the log has them. */
  async write(input: Readable, signal: AbortSignal): Promise<void> {
    const lines = new LineSplitter()
    const stop = (): void => void input.destroy()
    let unreadable: unknown
    input.once('error', (error) => (unreadable = error))
    signal.addEventListener('abort', stop)
    try {
      for await (const chunk of input) {
        if (signal.aborted) break
        lines.add(chunk as Buffer)
        while (lines.next()) {
          this.#append(lines.buffer, lines.start, lines.end)
          if (this.#failure !== undefined) throw this.#failure
          if (!this.#producer.writable) await this.#ready()
        }
        this.#beginFlush()
        while (this.#unflushed > MOST_UNFLUSHED && this.#flush !== undefined) await this.#flush
      }
      if (!signal.aborted && lines.last()) this.#append(lines.buffer, lines.start, lines.end)
    } catch (error) {
      if (signal.aborted) return
      throw error === unreadable ? noInput(error) : error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Makes what was appended visible, then closes. @throws what the log refused */
  async close(): Promise<void> {
    try {
      await this.#flush
      await this.#producer.flush()
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      await this.#producer.close()
    }
  }

  #append(buffer: Buffer, start: number, end: number): void {
    const { slice } = this.#encoder
    this.#line++
    let partition: number
    try {
      partition = this.#source.read(buffer, start, end, slice)
      if (partition === ANY_PARTITION) partition = this.#options.partition ?? this.#encoder.placeOf(slice)
      else this.#encoder.requirePartition(partition)
    } catch (error) {
      throw this.#inLine(error)
    }
    if (slice.timestamp === -1) slice.timestamp = this.#options.timestamp ?? Date.now()
    if (this.#headers !== undefined) slice.headers = withAll(slice.headers, this.#headers)
    this.count++
    this.#unflushed += end - start
    this.#producer.append(this.#topic, partition, slice, this.#origin, this.#line)
  }

  /** One flush at a time: what is appended meanwhile is the next one's, so that a slow log gets large batches. */
  #beginFlush(): void {
    if (this.#flush !== undefined || this.#unflushed === 0) return
    this.#unflushed = 0
    this.#flush = this.#flushed()
  }

  async #flushed(): Promise<void> {
    try {
      await this.#producer.flush()
    } catch (error) {
      this.#failure ??= error
    }
    this.#flush = undefined
    if (this.#failure === undefined) this.#beginFlush()
  }

  async #ready(): Promise<void> {
    await new Promise<void>((resolve) => this.#producer.onWritable(resolve))
    this.#producer.onWritable(undefined)
  }

  #refused(refusal: Refusal, line: number): undefined {
    const { topic, partition } = refusal
    this.count--
    this.#failure ??= new MillraceError('MR_PRODUCE', `line ${line}: ${describeRefusal(refusal)}`, {
      topic,
      partition,
      hint: refusalHint(refusal),
    })
  }

  /** Adds the number of the line to what is wrong with it. */
  #inLine(error: unknown): unknown {
    if (error instanceof LineError)
      return new MillraceError('MR_CLI_LINE', `line ${this.#line}: ${error.message}`, { hint: error.hint })
    if (!(error instanceof MillraceError)) return error
    return new MillraceError(error.code, `line ${this.#line}: ${error.message}`, { hint: error.hint })
  }
}

function noInput(error: unknown): MillraceError {
  return new MillraceError('MR_CLI_FILE', `the input cannot be read: ${String(propertyOf(error, 'code') ?? 'error')}`, {
    hint: 'Give the path of a file that you may read, or nothing for standard input.',
  })
}

function headersOf(list: NonNullable<ProduceOptions['header']>): Headers {
  const headers = new Headers()
  for (const [name, value] of list) headers.add(name, value)
  return headers
}

/** Returns the headers of a record with those that every record gets. */
function withAll(own: Headers | undefined, all: Headers): Headers {
  if (own === undefined) return all
  const headers = own.copy()
  for (const { name, value } of all) headers.add(name, value)
  return headers
}
