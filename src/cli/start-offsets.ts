import { startOffsets as offsetsAt, type StartAt } from '../client/start-offsets.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { Log, OffsetSpec, PartitionMap, TopicPartition } from '../log/log.ts'

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
  if (typeof start === 'object' && 'offset' in start && partitions.length > 1) {
    throw new MillraceError('MR_CLI_USAGE', `the offset ${start.offset} is one of a partition`, {
      hint: `Name the partition with --partition: there are ${partitions.length}.`,
    })
  }
  return await offsetsAt(log, partitions, startAt(start, partitions[0]?.partition ?? 0))
}

function startAt(start: Start, partition: number): StartAt {
  return typeof start === 'object' && 'offset' in start ? { offsets: { [partition]: start.offset } } : start
}
