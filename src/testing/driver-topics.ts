import type { Topic } from '../dsl/options/topic.ts'
import { PartitionMap, type LogProducer, type LogReader } from '../log/log.ts'
import { Headers } from '../record/headers.ts'
import { partitionForKey } from '../record/murmur2.ts'
import { refusePromises } from '../record/refuse-promises.ts'
import { readInner, serialized } from '../serde/call-serde.ts'
import type { Serde } from '../serde/serde.ts'
import { readOptions } from '../options/options.ts'
import { INPUT, PIPE, type InputOptions, type PipeOptions } from './driver-options.ts'
import { RecordSlice } from '../record/record-slice.ts'

/** Feeds records into a source topic of the application under test. */
export class TestInputTopic<K, V> {
  readonly #topic: Topic<K, V>
  readonly #producer: LogProducer
  readonly #partitions: number
  readonly #now: () => number
  readonly #piped: (topic: string, partition: number) => void
  readonly #advance: number
  #next: number | undefined

  /** @internal */
  constructor(
    topic: Topic<K, V>,
    producer: LogProducer,
    partitions: number,
    now: () => number,
    piped: (topic: string, partition: number) => void,
    options: InputOptions,
  ) {
    const { start, advance } = readOptions(INPUT, options, 'input()')
    this.#topic = topic
    this.#producer = producer
    this.#partitions = partitions
    this.#now = now
    this.#piped = piped
    this.#next = start
    this.#advance = advance
  }

  /**
   * Appends a record and processes everything that follows from it.
   *
   * @throws MR_TIMESTAMP if the timestamp is no number within ±8.64e15; MR_PROCESSING, MR_DESERIALIZE and other errors
   * of the application
   */
  pipe(key: K | null, value: V | null, options: PipeOptions = {}): void {
    refusePromises('pipe()', this.#topic.name, key, value)
    const keyBytes = key === null ? null : serialized(this.#topic.keySerde, key)
    const valueBytes = value === null ? null : serialized(this.#topic.valueSerde, value)
    this.pipeBytes(keyBytes, valueBytes, options)
  }

  /** Pipes bytes unchanged, whether the serdes can read them or not. Otherwise as `pipe`. */
  pipeBytes(key: Uint8Array | null, value: Uint8Array | null, options: PipeOptions = {}): void {
    const { headers: pairs, partition: wanted, timestamp = this.#timestamp() } = readOptions(PIPE, options, 'pipe()')
    const headers = new Headers()
    for (const [name, header] of pairs) headers.add(name, header)
    const slice = RecordSlice.of(timestamp, key, value, headers.length === 0 ? undefined : headers)
    const suffix = this.#topic.keySerde.partitionSuffix ?? 0
    const partition =
      wanted ?? (key === null ? 0 : partitionForKey(slice.buffer, 0, slice.keyEnd - suffix, this.#partitions))
    this.#producer.append(this.#topic.name, partition, slice)
    this.#piped(this.#topic.name, partition)
  }

  /** Pipes pairs of key and value one after the other. */
  pipeAll(records: Iterable<readonly [key: K | null, value: V | null]>): void {
    for (const [key, value] of records) this.pipe(key, value)
  }

  #timestamp(): number {
    if (this.#next === undefined) return this.#now()
    const timestamp = this.#next
    this.#next += this.#advance
    return timestamp
  }
}

/** A record that the application wrote. */
export interface OutputRecord<K, V> {
  readonly key: K | null
  /** Null, a tombstone, only if the topic has them. */
  readonly value: V
  /** ms since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
  readonly partition: number
}

/** The records of topics that were piped into them: an application may write to a topic that it reads. */
export class PipedRecords {
  readonly #offsets = new PartitionMap<Set<number>>()

  add(topic: string, partition: number, offset: number): void {
    const known = this.#offsets.get(topic, partition)
    if (known === undefined) this.#offsets.set(topic, partition, new Set([offset]))
    else known.add(offset)
  }

  has(topic: string, partition: number, offset: number): boolean {
    return this.#offsets.get(topic, partition)?.has(offset) === true
  }
}

/** Reads the records that the application wrote to a topic, each once. Skips records that were piped into it. */
export class TestOutputTopic<K, V> {
  readonly #topic: Topic<K, V>
  readonly #reader: LogReader
  readonly #piped: PipedRecords
  readonly #read: OutputRecord<K, V>[] = []

  /** @internal */
  constructor(topic: Topic<K, V>, reader: LogReader, partitions: number, piped = new PipedRecords()) {
    this.#topic = topic
    this.#reader = reader
    this.#piped = piped
    for (let partition = 0; partition < partitions; partition++) reader.assign(topic.name, partition, 0)
  }

  /** Number of records that have not been read yet. */
  get size(): number {
    this.#fetch()
    return this.#read.length
  }

  /** True if all records have been read. */
  get isEmpty(): boolean {
    return this.size === 0
  }

  /** Reads the next record; undefined if there is none. */
  read(): OutputRecord<K, V> | undefined {
    this.#fetch()
    return this.#read.shift()
  }

  /** Reads all remaining records, in the order of each partition. */
  readAll(): OutputRecord<K, V>[] {
    this.#fetch()
    return this.#read.splice(0)
  }

  /** Reads the values of all remaining records. */
  readValues(): V[] {
    return this.readAll().map((record) => record.value)
  }

  /** Reads the keys and values of all remaining records. */
  readKeyValues(): [key: K | null, value: V][] {
    return this.readAll().map((record) => [record.key, record.value])
  }

  /** Reads all remaining records, and returns the last value of each key. */
  readMap(): Map<K | null, V> {
    return new Map(this.readKeyValues())
  }

  #fetch(): void {
    this.#reader.poll((topic, partition, cursor) => {
      while (cursor.next()) {
        if (this.#piped.has(topic, partition, cursor.offset)) continue
        this.#read.push({
          key: decode(this.#topic.keySerde, cursor.buffer, cursor.keyStart, cursor.keyEnd) as K | null,
          value: decode(this.#topic.valueSerde, cursor.buffer, cursor.valueStart, cursor.valueEnd) as V,
          timestamp: cursor.timestamp,
          headers: cursor.headers(new Headers()),
          partition,
        })
      }
    })
  }
}

function decode(serde: Serde<unknown>, buffer: Buffer, start: number, end: number): unknown {
  if (start < 0) return null
  const own = Buffer.from(buffer.subarray(start, end))
  return readInner(serde, own, 0, own.length)
}
