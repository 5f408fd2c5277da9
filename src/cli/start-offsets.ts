import { MillraceError } from '../errors/millrace-error.ts'
import { PartitionMap, type Log, type OffsetSpec, type TopicPartition } from '../log/log.ts'

/** Where to begin to read: at an offset of one partition, or so many records before the end of each. */
export type Start = OffsetSpec | { readonly offset: number } | { readonly last: number }

/**
 * Returns the offsets at which to begin.
 *
 * @throws MR_CLI_USAGE for an offset of several partitions; MR_OFFSET_OUT_OF_RANGE
 */
export async function startOffsets(
  log: Log,
  partitions: readonly TopicPartition[],
  start: Start,
): Promise<PartitionMap<number>> {
  if (typeof start === 'string' || 'timestamp' in start) return await log.listOffsets(partitions, start)
  const [earliest, latest] = [
    await log.listOffsets(partitions, 'earliest'),
    await log.listOffsets(partitions, 'latest'),
  ]
  if ('offset' in start && partitions.length > 1) {
    throw new MillraceError('MR_CLI_USAGE', `the offset ${start.offset} is one of a partition`, {
      hint: `Name the partition with --partition: there are ${partitions.length}.`,
    })
  }
  const offsets = new PartitionMap<number>()
  for (const { topic, partition } of partitions) {
    const [first = 0, end = 0] = [earliest.get(topic, partition), latest.get(topic, partition)]
    if ('last' in start) offsets.set(topic, partition, Math.max(first, end - start.last))
    else if (start.offset >= first && start.offset <= end) offsets.set(topic, partition, start.offset)
    else {
      throw new MillraceError('MR_OFFSET_OUT_OF_RANGE', `the partition has no offset ${start.offset}`, {
        topic,
        partition,
        offset: start.offset,
        hint: `It holds the offsets ${first} to ${end}, where the next record will be.`,
      })
    }
  }
  return offsets
}
