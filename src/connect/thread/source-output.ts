import { RecordEncoder } from '../../client/record-encoder.ts'
import { isMillraceError, messageOf, MillraceError } from '../../errors/millrace-error.ts'
import type { LogProducer } from '../../log/log.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Refusal } from '../../log/refusal.ts'
import type { Clock } from '../../platform/clock.ts'
import { eventTime, noEventTime } from '../../record/event-time.ts'
import { Headers } from '../../record/headers.ts'
import { wrongResult } from '../definition/connector.ts'
import type { BadInput, SourceRecord, SourceSpec } from '../definition/source.ts'
import type { BadRecord, BadRecords } from './bad-records.ts'
import { transformed } from './transform.ts'

type Item = SourceRecord<unknown, unknown> | BadInput

/** Writes what a source yields to its topic. */
export class SourceOutput {
  readonly #spec: SourceSpec
  readonly #bad: BadRecords
  readonly #clock: Clock
  readonly #producer: LogProducer
  readonly #encoder: RecordEncoder
  readonly #origin: AppendOrigin = { refused: (refusal) => this.#refused(refusal) }
  /** Records and bytes that were appended since they were last set to 0. */
  records = 0
  bytes = 0

  private constructor(spec: SourceSpec, bad: BadRecords, clock: Clock, producer: LogProducer, partitions: number) {
    this.#spec = spec
    this.#bad = bad
    this.#clock = clock
    this.#producer = producer
    this.#encoder = new RecordEncoder(spec.topic, partitions)
  }

  /** @throws MR_TOPIC_UNKNOWN */
  static async open(spec: SourceSpec, bad: BadRecords, clock: Clock, producer: LogProducer): Promise<SourceOutput> {
    await bad.open(producer)
    return new SourceOutput(spec, bad, clock, producer, await producer.loadPartitionCount(spec.topic.name))
  }

  /** Appends all records of a batch. If it throws, a part of them may be appended: nothing of it may be committed. */
  append(partition: string, records: Iterable<Item>): void {
    if (typeof records?.[Symbol.iterator] !== 'function')
      throw wrongResult(
        this.#spec.name,
        `source partition "${partition}" yielded no records`,
        'Yield { records, position }, where records is an array or another iterable.',
      )
    for (const item of records) {
      if (isBadInput(item)) this.#unreadable(partition, item)
      else this.#transform(partition, item)
    }
  }

  #transform(partition: string, record: SourceRecord<unknown, unknown>): void {
    const { name, transform } = this.#spec
    let isWriting = false
    try {
      transformed(name, transform, record, (each) => {
        if (!this.#encode(partition, each)) return
        isWriting = true
        this.#write(each)
        isWriting = false
      })
    } catch (cause) {
      if (isWriting || transform === undefined) throw cause
      this.#bad.giveUp(this.#cannot('be transformed', partition, cause), badRecordOf(partition, record, this.#clock))
    }
  }

  /** Returns false if the record cannot be written, and was given up. */
  #encode(partition: string, record: SourceRecord<unknown, unknown>): boolean {
    try {
      const { key = null, value, timestamp = this.#clock.now(), headers } = record
      if (Number.isNaN(eventTime(timestamp))) throw noEventTime(timestamp, 'the timestamp of the record', {})
      this.#encoder.encode(key, value ?? null, timestamp, headers)
      return true
    } catch (cause) {
      this.#bad.giveUp(this.#cannot('be written', partition, cause), badRecordOf(partition, record, this.#clock))
      return false
    }
  }

  #write({ key = null, value, partition }: SourceRecord<unknown, unknown>): void {
    const encoder = this.#encoder
    if (partition !== undefined) encoder.requirePartition(partition)
    const chosen = partition ?? encoder.choose(key, value ?? null)
    if (typeof chosen === 'number') this.#append(chosen)
    else for (const each of chosen) this.#append(each)
  }

  #append(partition: number): void {
    const { slice } = this.#encoder
    this.#producer.append(this.#spec.topic.name, partition, slice, this.#origin)
    this.records++
    this.bytes += Math.max(0, slice.keyLength) + Math.max(0, slice.valueLength)
  }

  #unreadable(partition: string, { error, rawValue, place }: BadInput): void {
    const text = `connector "${this.#spec.name}" cannot read ${place}: ${messageOf(error)}`
    const bad = isMillraceError(error) ? error : new MillraceError('MR_CONNECTOR_RECORD', text, { cause: error })
    this.#bad.giveUp(bad, {
      ...placeOf(partition, this.#clock),
      rawKey: null,
      rawValue: rawValue && Buffer.from(rawValue),
    })
  }

  #refused(refusal: Refusal) {
    const { topic, partition, key, value, timestamp } = refusal
    const place = { topic, partition, hint: refusalHint(refusal) }
    const error = new MillraceError('MR_PRODUCE', `connector "${this.#spec.name}": ${describeRefusal(refusal)}`, place)
    const record = { ...placeOf('', this.#clock), timestamp, rawKey: key, rawValue: value }
    return this.#bad.instead(error, record)
  }

  #cannot(what: string, partition: string, cause: unknown): MillraceError {
    const message = `connector "${this.#spec.name}": a record of source partition "${partition}" cannot ${what}: `
    return new MillraceError('MR_CONNECTOR_RECORD', message + messageOf(cause), {
      topic: this.#spec.topic.name,
      cause,
      hint: isMillraceError(cause) ? cause.hint : undefined,
    })
  }
}

function isBadInput(item: Item): item is BadInput {
  return 'error' in item && 'place' in item
}

function placeOf(partition: string, clock: Clock): Omit<BadRecord, 'rawKey' | 'rawValue'> {
  return { topic: null, partition: -1, offset: -1, task: partition, timestamp: clock.now(), headers: new Headers() }
}

function badRecordOf(partition: string, record: SourceRecord<unknown, unknown>, clock: Clock): BadRecord {
  const place = placeOf(partition, clock)
  const { key, value, headers = place.headers } = record
  return { ...place, headers, rawKey: jsonBytes(key), rawValue: jsonBytes(value) }
}

/** Returns what can be kept of a key or value that its serde refuses. */
function jsonBytes(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value)
  try {
    return Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)))
  } catch {
    return null
  }
}
