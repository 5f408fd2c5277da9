import { messageOf, MillraceError } from '../../errors/millrace-error.ts'
import type { RecordCursor } from '../../log/log.ts'
import { Headers } from '../../record/headers.ts'
import { copyOfRange } from '../../record/record-slice.ts'
import { readerOf, type ReadValue } from '../../serde/call-serde.ts'
import type { NextOffset, SinkRecord, SinkSpec } from '../definition/sink.ts'
import type { BadRecord, BadRecords } from './bad-records.ts'
import { transformed } from './transform.ts'

type Any = SinkRecord<unknown, unknown>

interface Decoder {
  readonly key: ReadValue<unknown>
  readonly value: ReadValue<unknown>
}

/** What has arrived of one partition. */
export interface Arrival {
  readonly topic: string
  readonly partition: number
  readonly cursor: RecordCursor
}

/** Makes batches for a sink of what arrives. */
export class SinkBatches {
  readonly #spec: SinkSpec
  readonly #bad: BadRecords
  readonly #decoders: ReadonlyMap<string, Decoder>
  #records: Any[] = []
  #next = new Map<string, NextOffset>()
  /** Records as they were read, by topic, partition and offset: what dead letters keep. */
  readonly #raw = new Map<string, BadRecord>()
  #consumed = 0
  /** Records that were given up since `begin`. */
  givenUp = 0

  constructor(spec: SinkSpec, bad: BadRecords) {
    this.#spec = spec
    this.#bad = bad
    this.#decoders = new Map(
      spec.topics.map(({ name, keySerde, valueSerde }) => [
        name,
        { key: readerOf(keySerde), value: readerOf(valueSerde) },
      ]),
    )
  }

  get records(): readonly Any[] {
    return this.#records
  }

  get offsets(): readonly NextOffset[] {
    return [...this.#next.values()]
  }

  /** Records that were taken out of the log, whatever became of them. */
  get consumed(): number {
    return this.#consumed
  }

  begin(): void {
    this.#records = []
    this.#next.clear()
    this.#raw.clear()
    this.#consumed = 0
    this.givenUp = 0
  }

  /** Takes records out of what has arrived, until the batch is full. What is used up is taken out of `arrivals`. */
  fill(arrivals: Arrival[]): void {
    const { maxRecords, maxBatch } = this.#spec
    let bytes = 0
    for (let arrival = arrivals[0]; arrival !== undefined; arrival = arrivals[0]) {
      const { topic, partition, cursor } = arrival
      for (;;) {
        if (this.#consumed >= maxRecords || bytes >= maxBatch) return
        if (!cursor.next()) break
        this.#take(topic, partition, cursor)
        bytes += Math.max(0, cursor.keyEnd - cursor.keyStart) + Math.max(0, cursor.valueEnd - cursor.valueStart)
        this.#moveOn(topic, partition, cursor.offset + 1)
      }
      this.#moveOn(topic, partition, cursor.endOffset)
      arrivals.shift()
    }
  }

  /** Gives up a record that the target refuses. @throws the error, to fail */
  refuse(record: Any, cause: Error): void {
    const { topic, partition, offset } = record
    const error = new MillraceError(
      'MR_CONNECTOR_RECORD',
      `the target of connector "${this.#spec.name}" refuses a record: ${messageOf(cause)}`,
      { topic, partition, offset, cause },
    )
    const raw = this.#raw.get(placeText(topic, partition, offset))
    this.#giveUp(error, raw ?? { ...bare(record), rawKey: null, rawValue: null })
  }

  #moveOn(topic: string, partition: number, offset: number): void {
    this.#next.set(placeText(topic, partition, 0), { topic, partition, offset })
  }

  #take(topic: string, partition: number, cursor: RecordCursor): void {
    this.#consumed++
    if (this.#spec.onError === 'deadLetter')
      this.#raw.set(placeText(topic, partition, cursor.offset), rawOf(topic, partition, cursor))
    const record = this.#decode(topic, partition, cursor)
    if (record === undefined) return
    try {
      transformed(this.#spec.name, this.#spec.transform, record, (each) => this.#records.push(each))
    } catch (cause) {
      const { offset } = cursor
      const text = `connector "${this.#spec.name}": a record cannot be transformed: ${messageOf(cause)}`
      const error = new MillraceError('MR_CONNECTOR_RECORD', text, { topic, partition, offset, cause })
      this.#giveUp(error, rawOf(topic, partition, cursor))
    }
  }

  #decode(topic: string, partition: number, cursor: RecordCursor): Any | undefined {
    const decoder = this.#decoders.get(topic)
    if (decoder === undefined) return undefined
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, offset, timestamp } = cursor
    try {
      const key = keyStart < 0 ? null : decoder.key(buffer, keyStart, keyEnd)
      const value = valueStart < 0 ? null : decoder.value(buffer, valueStart, valueEnd)
      return { topic, partition, offset, key, value, timestamp, headers: cursor.headers(new Headers()) }
    } catch (cause) {
      const text = `connector "${this.#spec.name}" cannot read a record: ${messageOf(cause)}`
      const error = new MillraceError('MR_DESERIALIZE', text, { topic, partition, offset, cause })
      this.#giveUp(error, rawOf(topic, partition, cursor))
      return undefined
    }
  }

  #giveUp(error: MillraceError, record: BadRecord): void {
    this.#bad.giveUp(error, record)
    this.givenUp++
  }
}

function placeText(topic: string, partition: number, offset: number): string {
  return `${topic}/${partition}/${offset}`
}

function bare({ topic, partition, offset, timestamp, headers }: Any): Omit<BadRecord, 'rawKey' | 'rawValue'> {
  return { topic, partition, offset, timestamp, headers, task: String(partition) }
}

function rawOf(topic: string, partition: number, cursor: RecordCursor): BadRecord {
  const { buffer, keyStart, keyEnd, valueStart, valueEnd, offset, timestamp } = cursor
  return {
    topic,
    partition,
    offset,
    timestamp,
    headers: cursor.headers(new Headers()),
    task: String(partition),
    rawKey: copyOfRange(buffer, keyStart, keyEnd),
    rawValue: copyOfRange(buffer, valueStart, valueEnd),
  }
}
