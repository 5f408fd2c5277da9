import type { TaskId } from '../group/group.ts'
import type { GroupMemberDescription } from './admin.ts'
import type { TopicPartition } from './partition-map.ts'

/** The topics that the tasks of a sub-topology read. */
interface Sources {
  readonly id: number
  readonly sourceTopics: readonly string[]
  readonly repartitionSourceTopics: readonly string[]
}

/**
 * Returns the partitions that tasks read, sorted.
 *
 * @param countOf returns a topic's number of partitions: topics of one sub-topology may differ in it
 */
export function partitionsOf(
  subtopologies: readonly Sources[],
  tasks: readonly TaskId[],
  countOf: (topic: string) => number,
): TopicPartition[] {
  const partitions = tasks.flatMap(({ subtopology, partition }) => {
    const sources = subtopologies.find(({ id }) => id === subtopology)
    const topics = [...(sources?.sourceTopics ?? []), ...(sources?.repartitionSourceTopics ?? [])]
    return topics.filter((topic) => partition < countOf(topic)).map((topic) => ({ topic, partition }))
  })
  return partitions.sort(comparePartitions)
}

/** Orders partitions by topic, then by number. */
export function comparePartitions(left: TopicPartition, right: TopicPartition): number {
  if (left.topic !== right.topic) return left.topic < right.topic ? -1 : 1
  return left.partition - right.partition
}

/** Orders members by client id, then by member id. */
export function compareMembers(left: GroupMemberDescription, right: GroupMemberDescription): number {
  const [a, b] = [`${left.clientId}\0${left.memberId}`, `${right.clientId}\0${right.memberId}`]
  return a === b ? 0 : a < b ? -1 : 1
}
