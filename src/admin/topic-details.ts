import type { PartitionDescription, TopicConfig } from '../log/admin.ts'
import { partitionsIn } from '../log/known-topics.ts'
import type { Log, TopicDescription } from '../log/log.ts'

/** Where a partition is, and what it holds. */
export interface PartitionDetails extends PartitionDescription {
  readonly firstOffset: number
  /** Offset of the next record. */
  readonly endOffset: number
}

/** A topic with its configs, and where its partitions are. */
export interface TopicDetails extends Omit<TopicDescription, 'partitions'> {
  readonly configs: ReadonlyMap<string, TopicConfig>
  readonly partitions: readonly PartitionDetails[]
}

/** Asks for all that is known of a topic. @throws MR_TOPIC_UNKNOWN */
export async function topicDetails(log: Log, topic: TopicDescription): Promise<TopicDetails> {
  const { name, id } = topic
  const all = partitionsIn(topic)
  const [places, configs, first, end] = await Promise.all([
    log.describePartitions(name),
    log.topicConfigs(name),
    log.listOffsets(all, 'earliest'),
    log.listOffsets(all, 'latest'),
  ])
  const partitions = places.map((place) => {
    const [firstOffset = 0, endOffset = 0] = [first.get(name, place.partition), end.get(name, place.partition)]
    return { ...place, firstOffset, endOffset }
  })
  return { name, id, configs, partitions }
}
