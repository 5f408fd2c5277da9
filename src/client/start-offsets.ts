import { MillraceError } from '../errors/millrace-error.ts'
import { Arrivals } from '../log/arrivals.ts'
import { PartitionMap, type Log, type LogReader, type OffsetSpec, type TopicPartition } from '../log/log.ts'

/**
 * Where to begin to read. `last`: so many records before the end of each partition. `offsets`: at these offsets, by
 * partition; partitions that are not named are read from their beginning.
 */
export type StartAt = OffsetSpec | { readonly last: number } | { readonly offsets: Readonly<Record<number, number>> }

/** Returns the offsets at which to begin. @throws MR_OFFSET_OUT_OF_RANGE for one that a partition does not hold */
export async function startOffsets(
  log: Log,
  partitions: readonly TopicPartition[],
  at: StartAt,
): Promise<PartitionMap<number>> {
  if (typeof at === 'string' || 'timestamp' in at) return await log.listOffsets(partitions, at)
  const firsts = await log.listOffsets(partitions, 'earliest')
  const ends = await log.listOffsets(partitions, 'latest')
  if ('last' in at) return await lastOffsets(log, partitions, firsts, ends, at.last)
  const starts = new PartitionMap<number>()
  for (const { topic, partition } of partitions) {
    const [first = 0, end = 0] = [firsts.get(topic, partition), ends.get(topic, partition)]
    const offset = at.offsets[partition] ?? first
    if (offset < first || offset > end) throw outOfRange(topic, partition, offset, first, end)
    starts.set(topic, partition, offset)
  }
  return starts
}

/**
 * Returns the offsets of the `count`th records from the end of each partition, or those of the first if there are not
 * so many. Offsets alone do not tell: transactions and compaction leave some without a record.
 */
async function lastOffsets(
  log: Log,
  partitions: readonly TopicPartition[],
  firsts: PartitionMap<number>,
  ends: PartitionMap<number>,
  count: number,
): Promise<PartitionMap<number>> {
  const starts = new PartitionMap<number>()
  const reader = log.openReader()
  try {
    for (const { topic, partition } of partitions) {
      const [first = 0, end = 0] = [firsts.get(topic, partition), ends.get(topic, partition)]
      for (let span = count; !starts.has(topic, partition); span = Math.max(span * 4, 64)) {
        const from = Math.max(first, end - span)
        const found = count === 0 ? [] : await lastRecords(reader, topic, partition, from, end, count)
        if (found.length >= count || from === first) starts.set(topic, partition, found[0] ?? end)
      }
    }
  } finally {
    await reader.close()
  }
  return starts
}

/** Returns the offsets of the last `count` records in [from, end), or of those that there are. */
async function lastRecords(
  reader: LogReader,
  topic: string,
  partition: number,
  from: number,
  end: number,
  count: number,
): Promise<readonly number[]> {
  let found: number[] = []
  const arrivals = new Arrivals(reader)
  reader.assign(topic, partition, from)
  while ((reader.position(topic, partition) ?? end) < end) {
    const cursors = arrivals.poll((_topic, _partition, cursor) => {
      while (cursor.next()) if (cursor.offset < end) found.push(cursor.offset)
    })
    if (found.length > 2 * count) found = found.slice(-count)
    if (cursors === 0 && (reader.position(topic, partition) ?? end) < end) await arrivals.next
  }
  reader.unassign(topic, partition)
  return found.slice(-count)
}

function outOfRange(topic: string, partition: number, offset: number, first: number, end: number): MillraceError {
  return new MillraceError('MR_OFFSET_OUT_OF_RANGE', `the partition holds the offsets ${first} to ${end}`, {
    topic,
    partition,
    offset,
    hint: `Begin at ${first}, at ${end}, where the next record will be, or between them.`,
  })
}
