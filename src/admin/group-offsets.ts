import { comparePartitions } from '../log/group-partitions.ts'
import type { Log, PartitionMap, TopicPartition } from '../log/log.ts'

/** The committed offset of a group in a partition, and how far it is behind. */
export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  /** Offset of the next record that the group processes. */
  readonly offset: number
  /** Offset of the next record that is written to the partition; `undefined` if the partition is gone. */
  readonly end: number | undefined
  /** Offsets from `offset` to `end`: at least as many as there are records, as transactions take offsets, too. */
  readonly lag: number | undefined
  /** Text that was committed with the offset. */
  readonly metadata: string
}

/**
 * Returns the committed offsets of a group in all its topics, sorted, with their lag. Empty if there is no such group.
 *
 * @throws MR_LOG_FAILED, MR_LOG_UNREACHABLE, MR_AUTHORIZATION
 * @example
 * ```ts
 * for (const { topic, partition, lag } of await groupOffsets(log, 'word-counts')) console.log(topic, partition, lag)
 * ```
 */
export async function groupOffsets(log: Log, groupId: string): Promise<readonly GroupOffset[]> {
  const committed = await log.committedOffsets(groupId)
  const partitions = Array.from(committed.entries(), ([topic, partition]) => ({ topic, partition }))
  const ends = await endsOf(log, partitions)
  return partitions.sort(comparePartitions).map(({ topic, partition }) => {
    const { offset, metadata } = committed.get(topic, partition)!
    const end = ends.get(topic, partition)
    return { topic, partition, offset, end, lag: end === undefined ? undefined : Math.max(0, end - offset), metadata }
  })
}

/** Returns the ends of the partitions that exist. */
async function endsOf(log: Log, partitions: readonly TopicPartition[]): Promise<PartitionMap<number>> {
  const topics = await log.describeTopics([...new Set(partitions.map(({ topic }) => topic))])
  const existing = partitions.filter(({ topic, partition }) => partition < (topics.get(topic)?.partitions ?? 0))
  return await log.listOffsets(existing, 'latest')
}
