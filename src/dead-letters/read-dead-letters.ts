import type { Application } from '../application/application.ts'
import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import type { Log } from '../log/log.ts'
import { readRange, type Patience } from '../log/read-range.ts'
import {
  duration,
  flag,
  having,
  option,
  readOptions,
  text,
  wholeNumber,
  type Duration,
  type TableOf,
} from '../options/options.ts'
import { systemClock } from '../platform/clock.ts'
import { endsWithin } from '../platform/ends-within.ts'
import { readInner } from '../serde/call-serde.ts'
import type { Serde } from '../serde/serde.ts'
import { inputsOf, type InputTopic } from './inputs.ts'
import { letterId, parseLetterId, type RecordPlace } from './letter-id.ts'
import { readLetterHeaders } from './letter-headers.ts'
import type { DeadLetter, DeadLetterPart, NoDeadLetter } from './letter.ts'
import { findMarked, markedOffset, type OffsetSet } from './marks.ts'
import { storedRecord, type StoredRecord } from './stored-record.ts'
import { partitionsOfLetters, topicOfLetters } from './topic-of-letters.ts'

/** Options of `readDeadLetters`. */
export interface ReadDeadLettersOptions {
  /** The dead letter topic; that of the application if not given. */
  readonly topic?: string
  /** Id of the dead letter to begin with, or of a place where one was; the first one if not given. */
  readonly from?: string
  /** Most dead letters to read; all if not given. */
  readonly limit?: number
  /**
   * Whether to say of each dead letter if it has been replayed (default). For that the rest of its partition is read
   * first.
   */
  readonly replays?: boolean
  /**
   * For how long the log may have nothing more, in ms or as in `'5s'`: a transaction may be open in the topic. What is
   * at hand is read in any case. Waits for ever if not given.
   */
  readonly timeout?: Duration
  /** Ends the reading with the reason of the signal, which is thrown. */
  readonly signal?: AbortSignal
}

/** The options of `readDeadLetters`. */
export const READ_DEAD_LETTERS = {
  topic: text({ defaultText: "the application's", description: 'the dead letter topic' }),
  from: option<RecordPlace>(
    'id of a dead letter',
    { defaultText: 'the first one', description: 'where to begin' },
    (value, place) => {
      const id = typeof value === 'string' ? parseLetterId(value) : undefined
      if (id === undefined) throw place.refuse(value, 'Give the id of a dead letter: TOPIC-PARTITION-OFFSET.')
      return id
    },
  ),
  limit: wholeNumber({ least: 1, defaultText: 'all', description: 'most dead letters to read' }),
  replays: flag({ default: true, description: 'whether to look which ones have been replayed' }),
  timeout: duration({ defaultText: 'for ever', description: 'how long the log may have nothing more' }),
  signal: having<AbortSignal>('AbortSignal', ['addEventListener'], "an AbortController's signal", {
    description: 'ends the reading',
  }),
} satisfies TableOf<ReadDeadLettersOptions>

/**
 * Reads the dead letters of an application, partition by partition in the order of offsets, up to those that are there
 * at the start. Keys and values are decoded by the serdes of the topic that each came from, as far as that goes. What
 * else is in the topic is returned as `kind: 'other'`. It joins no group, commits no offsets, and holds no more than a
 * few batches in memory.
 *
 * To read page by page, ask for one more than the page holds: its id is the next `from`.
 *
 * @throws MR_CONFIG if the application has no `deadLetterTopic` and none is named, and for impossible options;
 * MR_TOPIC_UNKNOWN; MR_TOPOLOGY…; MR_LOG_FAILED; MR_QUERY_TIMEOUT
 * @example
 * ```ts
 * for await (const letter of readDeadLetters(app, log, { limit: 100 })) {
 *   if (letter.kind === 'dead-letter') console.log(letter.id, letter.origin.topic, letter.code, letter.key.value)
 * }
 * ```
 * The headers that it reads are those of Kafka Streams (KIP-1034), and a few more that Millrace writes.
 */
export async function* readDeadLetters(
  app: Application,
  log: Log,
  options: ReadDeadLettersOptions = {},
): AsyncGenerator<DeadLetter | NoDeadLetter, void, undefined> {
  const {
    topic: named,
    from,
    limit = Infinity,
    replays,
    timeout,
    signal,
  } = readOptions(READ_DEAD_LETTERS, options, 'readDeadLetters()')
  const topic = topicOfLetters(app, named ?? from?.topic)
  if (from !== undefined && from.topic !== topic) {
    throw new MillraceError('MR_CONFIG', `the dead letter ${letterId(from)} is not in the topic ${topic}`, {
      hint: 'Give the id of a dead letter of this topic, or leave out one of the two.',
    })
  }
  const inputs = inputsOf(app)
  const places = Array.from({ length: await partitionsOfLetters(log, topic) }, (_, partition) => ({ topic, partition }))
  const starts = await log.listOffsets(places, 'earliest')
  const ends = await log.listOffsets(places, 'latest')
  const reader = log.openReader()
  const patience: Patience = { signal, wait: timeout === undefined ? undefined : within(timeout) }
  let left = limit
  try {
    for (const place of places.slice(from?.partition ?? 0)) {
      const { partition } = place
      const first = starts.get(topic, partition) ?? 0
      const range = {
        ...place,
        from: partition === from?.partition ? Math.max(first, from.offset) : first,
        end: ends.get(topic, partition) ?? 0,
      }
      const replayed = replays ? await findMarked(log, reader, range, patience) : undefined
      for await (const cursor of readRange(log, reader, range, patience)) {
        while (cursor.next() && cursor.offset < range.end) {
          const record = storedRecord(place, cursor)
          if (markedOffset(record.headers, record) !== undefined) continue
          yield letterOf(record, inputs, replayed)
          if (--left === 0) return
        }
      }
    }
  } finally {
    await reader.close()
  }
}

function within(timeout: number): (arrived: Promise<void>) => Promise<void> {
  return async (arrived) => {
    if (await endsWithin(systemClock, timeout, arrived)) return
    throw new MillraceError('MR_QUERY_TIMEOUT', 'the log had no dead letter in time', {
      hint: 'Give a longer `timeout`: a transaction may be open in the topic. With `replays=false` less is read.',
    })
  }
}

/** Decodes a record of a dead letter topic as far as that goes. */
export function letterOf(
  record: StoredRecord,
  inputs: ReadonlyMap<string, InputTopic>,
  replayed: OffsetSet | undefined,
): DeadLetter | NoDeadLetter {
  const { timestamp, headers, key, value, offset } = record
  const id = letterId(record)
  const known = readLetterHeaders(headers, timestamp)
  if (typeof known === 'string') return { kind: 'other', id, reason: known, timestamp, headers, key, value }
  const { original, origin, ...rest } = known
  const input = inputs.get(origin.topic ?? '')
  return {
    kind: 'dead-letter',
    id,
    origin,
    ...rest,
    headers: original,
    key: decoded(key, input?.keySerde, origin.topic),
    value: decoded(value, input?.valueSerde, origin.topic),
    replayed: replayed?.has(offset),
  }
}

function decoded(bytes: Buffer | null, serde: Serde<unknown> | undefined, topic: string | null): DeadLetterPart {
  if (bytes === null) return { bytes, value: null, error: undefined }
  if (serde === undefined) {
    const error = topic === null ? 'it came from no topic' : `the application does not read the topic "${topic}"`
    return { bytes, value: undefined, error }
  }
  try {
    return { bytes, value: readInner(serde, bytes, 0, bytes.length), error: undefined }
  } catch (error) {
    const message = messageOf(error)
    const named = message.startsWith(`${serde.name}: `) ? message : `${serde.name}: ${message}`
    return { bytes, value: undefined, error: named }
  }
}
