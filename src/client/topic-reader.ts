import type { ReadableTopic } from '../dsl/options/topic.ts'
import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import { having, oneOf, option, readMembers, readOptions, wholeNumber, type TableOf } from '../options/options.ts'
import { timestampOption } from '../options/timestamp-option.ts'
import { Headers } from '../record/headers.ts'
import { readInner } from '../serde/call-serde.ts'
import type { Serde } from '../serde/serde.ts'
import { Arrivals } from '../log/arrivals.ts'
import { knownTopic, partitionsIn } from '../log/known-topics.ts'
import type { Log, LogReader, RecordCursor, TopicPartition } from '../log/log.ts'
import { startOffsets, type StartAt } from './start-offsets.ts'

/** A record read from a topic. */
export interface TopicRecord<K, V> {
  readonly key: K | null
  /** Null: a tombstone. */
  readonly value: V | null
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
  readonly partition: number
  readonly offset: number
}

/** Options of `readTopic`. */
export interface ReadTopicOptions {
  /**
   * Where to begin. `earliest` (default): at the first records. `latest`: after the last ones. `timestamp`: at the
   * first records at or after a time (ms since the epoch). `last`: at the newest `n` records of each partition, as
   * kcat's `-o -n`, counted without what transactions and compaction leave. `offsets`: at these offsets, by partition;
   * a partition that is not named begins at its first record.
   */
  readonly from?:
    | 'earliest'
    | 'latest'
    | { readonly timestamp: number }
    | { readonly last: number }
    | { readonly offsets: Readonly<Record<number, number>> }
  /** `end`: stops after the records that were there at the start; `abort` (default): goes on until `signal` aborts. */
  readonly until?: 'end' | 'abort'
  /** The partitions to read. Default: all */
  readonly partitions?: readonly number[]
  /** Stops after so many records, of all partitions together. Default: no limit */
  readonly limit?: number
  readonly signal?: AbortSignal
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

const LAST = wholeNumber({ required: true, least: 0, description: 'number of records of each partition' })

const OFFSETS = option<Readonly<Record<number, number>>>(
  '`{ partition: offset }`',
  { required: true, description: 'offsets by partition' },
  (given, place) => {
    const isObject = typeof given === 'object' && given !== null
    if (isObject && Object.entries(given).every((entry) => entry.every((each) => isWhole(Number(each)))))
      return given as Readonly<Record<number, number>>
    throw place.refuse(given, 'Give offsets by partition, as in { 0: 120, 1: 87 }.')
  },
)

const READ_TOPIC = {
  from: option<StartAt>(
    "`'earliest'`, `'latest'`, `{ timestamp }`, `{ last }`, `{ offsets }`",
    { default: 'earliest', description: 'where to begin' },
    (given, place) => {
      if (given === 'earliest' || given === 'latest') return given
      if (typeof given === 'object' && given !== null) {
        if ('timestamp' in given) return readMembers({ timestamp: timestampOption }, given, place)
        if ('last' in given) return readMembers({ last: LAST }, given, place)
        if ('offsets' in given) return readMembers({ offsets: OFFSETS }, given, place)
      }
      throw place.refuse(given, "Give 'earliest', 'latest', { timestamp }, { last } or { offsets }.")
    },
  ),
  until: oneOf<'end' | 'abort'>(['end', 'abort'], { default: 'abort', description: 'when to stop' }),
  partitions: option<readonly number[]>(
    'list of numbers',
    { defaultText: 'all', description: 'the partitions to read' },
    (given, place) => {
      if (Array.isArray(given) && given.length > 0 && given.every(isWhole)) return given
      throw place.refuse(given, 'Give a list of partitions, as in [0, 1].')
    },
  ),
  limit: wholeNumber({
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
    description: 'stops after so many records',
    alsoCalled: ['max', 'count'],
  }),
  signal: having<AbortSignal>('AbortSignal', ['addEventListener'], "an AbortController's signal", {
    description: 'ends the reading',
  }),
} satisfies TableOf<ReadTopicOptions>

/**
 * Reads the committed records of a topic from outside an application, each partition in order. It joins no group and
 * commits no offsets.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible; MR_TOPIC_UNKNOWN; MR_PARTITION_UNKNOWN;
 * MR_OFFSET_OUT_OF_RANGE for an offset that the partition does not hold; MR_DESERIALIZE for a record that the topic's
 * serdes refuse; MR_LOG_FAILED
 * @example
 * ```ts
 * for await (const { key, value } of readTopic(log, totals, { until: 'end' })) console.log(key, value)
 *
 * const today = { timestamp: Date.parse('2026-11-01T00:00Z') }
 * for await (const { value } of readTopic(log, totals, { from: today, partitions: [0], limit: 10 })) console.log(value)
 * ```
 */
export async function* readTopic<K, V>(
  log: Log,
  topic: ReadableTopic<K, V>,
  options: ReadTopicOptions = {},
): AsyncGenerator<TopicRecord<K, V>, void, undefined> {
  const { from, until, partitions: asked, limit = Infinity, signal } = readOptions(READ_TOPIC, options, 'readTopic()')
  const description = await knownTopic(log, topic.name)
  const partitions = partitionsIn(description, asked)
  if (typeof from === 'object' && 'offsets' in from) partitionsIn(description, Object.keys(from.offsets).map(Number))
  const starts = await startOffsets(log, partitions, from)
  const ends = until === 'end' ? await log.listOffsets(partitions, 'latest') : undefined
  const reader = log.openReader()
  const arrivals = new Arrivals(reader)
  let left = limit
  try {
    signal?.addEventListener('abort', arrivals.wake)
    for (const { partition } of partitions) reader.assign(topic.name, partition, starts.get(topic.name, partition) ?? 0)
    const isDone = (): boolean => {
      if (left === 0 || signal?.aborted === true) return true
      return (
        ends !== undefined && partitions.every((each) => isBehind(reader, each, ends.get(each.topic, each.partition)))
      )
    }
    const batch: TopicRecord<K, V>[] = []
    while (!isDone()) {
      arrivals.poll((_topic, partition, cursor) => take(topic, partition, cursor, batch, left))
      if (batch.length === 0 && !isDone()) await arrivals.next
      left -= batch.length
      yield* batch
      batch.length = 0
    }
  } finally {
    signal?.removeEventListener('abort', arrivals.wake)
    await reader.close()
  }
}

function isBehind(reader: LogReader, { topic, partition }: TopicPartition, end: number | undefined): boolean {
  return (reader.position(topic, partition) ?? 0) >= (end ?? 0)
}

function take<K, V>(
  topic: ReadableTopic<K, V>,
  partition: number,
  cursor: RecordCursor,
  batch: TopicRecord<K, V>[],
  most: number,
): void {
  while (batch.length < most && cursor.next()) {
    try {
      batch.push({
        // The topic's type says what its serdes return; the serdes themselves are kept without types.
        key: decode(topic.keySerde, cursor.buffer, cursor.keyStart, cursor.keyEnd) as K | null,
        value: decode(topic.valueSerde, cursor.buffer, cursor.valueStart, cursor.valueEnd) as V | null,
        timestamp: cursor.timestamp,
        headers: cursor.headers(new Headers()),
        partition,
        offset: cursor.offset,
      })
    } catch (error) {
      throw new MillraceError('MR_DESERIALIZE', `the record could not be read: ${messageOf(error)}`, {
        topic: topic.name,
        partition,
        offset: cursor.offset,
        hint: 'Check the serdes of the topic.',
        cause: error,
      })
    }
  }
}

function decode(serde: Serde<unknown>, buffer: Buffer, start: number, end: number): unknown {
  return start === -1 ? null : readInner(serde, buffer, start, end)
}
