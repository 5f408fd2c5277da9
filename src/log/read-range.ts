import { setImmediate } from 'node:timers/promises'
import { isMillraceError } from '../errors/millrace-error.ts'
import { Arrivals } from './arrivals.ts'
import type { Log, LogReader, RecordCursor, TopicPartition } from './log.ts'

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
  /** Waits for what the log has next, and throws if that takes too long. Default: for ever */
  readonly wait?: ((arrived: Promise<void>) => Promise<void>) | undefined
}

const FOR_EVER = (arrived: Promise<void>): Promise<void> => arrived

/**
 * Reads a range of a partition, and waits until every transaction within has ended. Begins at the first record there is
 * if the range begins before it, also when records are deleted meanwhile.
 *
 * @param reader for this alone, and for one range at a time
 * @throws the reason of the signal; what `wait` throws
 */
export async function* readRange(
  log: Log,
  reader: LogReader,
  { topic, partition, from, end }: PartitionRange,
  { signal, wait = FOR_EVER }: Patience = {},
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
            await wait(arrivals.next)
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
