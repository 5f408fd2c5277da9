import { setImmediate } from 'node:timers/promises'
import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import { Arrivals } from '../log/arrivals.ts'
import type { Log, LogReader, RecordCursor, TopicPartition } from '../log/log.ts'
import { systemClock } from '../platform/clock.ts'
import { Headers } from '../record/headers.ts'
import { copyOfRange } from '../record/record-slice.ts'
import type { RecordPlace } from './letter-id.ts'

/** Part of a partition, from an offset up to another one. */
export interface PartitionRange extends TopicPartition {
  readonly from: number
  /** Exclusive. */
  readonly end: number
}

/** What ends the reading of a range before its end. */
export interface Patience {
  /** Ends it with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
  /** ms for which the log may have nothing more; for ever if not given. */
  readonly timeout?: number | undefined
}

/** A record as it lies in a topic. */
export interface StoredRecord extends RecordPlace {
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/**
 * Reads a range of a partition, and waits until every transaction within has ended. Begins at the first record there is
 * if the range begins before it, also when records are deleted meanwhile.
 *
 * @param reader for this alone, and for one range at a time
 * @throws the reason of the signal; MR_QUERY_TIMEOUT
 */
export async function* readRange(
  log: Log,
  reader: LogReader,
  { topic, partition, from, end }: PartitionRange,
  { signal, timeout }: Patience = {},
): AsyncGenerator<RecordCursor, void, undefined> {
  const arrivals = new Arrivals(reader)
  signal?.addEventListener('abort', arrivals.wake)
  try {
    for (let start = from; start < end;) {
      reader.assign(topic, partition, start)
      try {
        const cursors: RecordCursor[] = []
        while ((reader.position(topic, partition) ?? 0) < end) {
          arrivals.poll((_topic, _partition, cursor) => cursors.push(cursor))
          signal?.throwIfAborted()
          if (cursors.length === 0 && (reader.position(topic, partition) ?? 0) < end) {
            await within(timeout, arrivals.next)
          }
          yield* cursors
          cursors.length = 0
          // A log in this process has all records at once, and the application may have work to do.
          await setImmediate()
        }
        return
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'MR_OFFSET_OUT_OF_RANGE') throw error
        const first = (await log.listOffsets([{ topic, partition }], 'earliest')).get(topic, partition) ?? 0
        if (first <= start) throw error
        start = first
      } finally {
        reader.unassign(topic, partition)
      }
    }
  } finally {
    signal?.removeEventListener('abort', arrivals.wake)
  }
}

/** Copies the current record of a cursor. */
export function storedRecord({ topic, partition }: TopicPartition, cursor: RecordCursor): StoredRecord {
  return {
    topic,
    partition,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    headers: cursor.headers(new Headers()),
    key: copyOfRange(cursor.buffer, cursor.keyStart, cursor.keyEnd),
    value: copyOfRange(cursor.buffer, cursor.valueStart, cursor.valueEnd),
  }
}

async function within(timeout: number | undefined, arrived: Promise<void>): Promise<void> {
  if (timeout === undefined) return arrived
  const late = Promise.withResolvers<never>()
  const timer = systemClock.schedule(timeout, () => late.reject(tooLate()))
  return Promise.race([arrived, late.promise]).finally(() => timer.cancel())
}

function tooLate(): MillraceError {
  return new MillraceError('MR_QUERY_TIMEOUT', 'the log had no dead letter in time', {
    hint: 'Give a longer `timeout`: a transaction may be open in the topic. With `replays=false` less is read.',
  })
}
