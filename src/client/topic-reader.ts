import type { ReadableTopic } from '../dsl/options/topic.ts'
import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import { having, oneOf, readOptions, type TableOf } from '../options/options.ts'
import { Headers } from '../record/headers.ts'
import { readInner } from '../serde/call-serde.ts'
import type { Serde } from '../serde/serde.ts'
import type { Log, LogReader, RecordCursor, TopicPartition } from '../log/log.ts'

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
  /** Where to begin; `earliest` if not given. */
  readonly from?: 'earliest' | 'latest'
  /** `end`: stops after the records that were there at the start; `abort` (default): goes on until `signal` aborts. */
  readonly until?: 'end' | 'abort'
  readonly signal?: AbortSignal
}

const READ_TOPIC = {
  from: oneOf<'earliest' | 'latest'>(['earliest', 'latest'], { default: 'earliest', description: 'where to begin' }),
  until: oneOf<'end' | 'abort'>(['end', 'abort'], { default: 'abort', description: 'when to stop' }),
  signal: having<AbortSignal>('AbortSignal', ['addEventListener'], "an AbortController's signal", {
    description: 'ends the reading',
  }),
} satisfies TableOf<ReadTopicOptions>

/**
 * Reads the committed records of a topic from outside an application, each partition in order. It joins no group and
 * commits no offsets.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible; MR_TOPIC_UNKNOWN; MR_DESERIALIZE for a record that the
 * topic's serdes refuse; MR_LOG_FAILED
 * @example
 * ```ts
 * for await (const { key, value } of readTopic(log, totals, { until: 'end' })) console.log(key, value)
 * ```
 */
export async function* readTopic<K, V>(
  log: Log,
  topic: ReadableTopic<K, V>,
  options: ReadTopicOptions = {},
): AsyncGenerator<TopicRecord<K, V>, void, undefined> {
  const { from, until, signal } = readOptions(READ_TOPIC, options, 'readTopic()')
  const description = (await log.describeTopics([topic.name])).get(topic.name)
  if (description === undefined) {
    throw new MillraceError('MR_TOPIC_UNKNOWN', 'the topic does not exist', {
      topic: topic.name,
      hint: 'Create the topic, or correct its name.',
    })
  }
  const partitions = Array.from({ length: description.partitions }, (_, partition) => ({
    topic: topic.name,
    partition,
  }))
  const starts = await log.listOffsets(partitions, from)
  const ends = until === 'end' ? await log.listOffsets(partitions, 'latest') : undefined
  const reader = log.openReader()
  let wake = (): void => {}
  const onWake = (): void => wake()
  try {
    reader.onReady(onWake)
    signal?.addEventListener('abort', onWake)
    for (const { partition } of partitions) reader.assign(topic.name, partition, starts.get(topic.name, partition) ?? 0)
    const isDone = (): boolean => {
      if (signal?.aborted === true) return true
      return (
        ends !== undefined && partitions.every((each) => isBehind(reader, each, ends.get(each.topic, each.partition)))
      )
    }
    const batch: TopicRecord<K, V>[] = []
    while (!isDone()) {
      // The promise is made before polling, so that no record that arrives between the poll and the wait is missed.
      const arrived = new Promise<void>((resolve) => (wake = resolve))
      reader.poll((_topic, partition, cursor) => take(topic, partition, cursor, batch))
      if (batch.length === 0 && !isDone()) await arrived
      yield* batch
      batch.length = 0
    }
  } finally {
    signal?.removeEventListener('abort', onWake)
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
): void {
  while (cursor.next()) {
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
