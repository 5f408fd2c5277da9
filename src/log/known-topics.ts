import { MillraceError } from '../errors/millrace-error.ts'
import { nearestOf } from '../options/options.ts'
import type { Log, TopicDescription, TopicPartition } from './log.ts'

/** Returns the description of a topic. @throws MR_TOPIC_UNKNOWN, with the name that was probably meant */
export async function knownTopic(log: Log, name: string): Promise<TopicDescription> {
  const found = (await log.describeTopics([name])).get(name)
  if (found !== undefined) return found
  const near = nearestOf(name, await log.listTopics())
  throw new MillraceError('MR_TOPIC_UNKNOWN', 'the topic does not exist', {
    topic: name,
    hint: near === undefined ? 'Create the topic, or correct its name.' : `Did you mean ${near}?`,
  })
}

/** Returns partitions of a topic. @param asked their numbers; all, if not given @throws MR_PARTITION_UNKNOWN */
export function partitionsIn(topic: TopicDescription, asked?: readonly number[]): readonly TopicPartition[] {
  const numbers = asked ?? Array.from({ length: topic.partitions }, (_, partition) => partition)
  return [...new Set(numbers)].map((partition) => {
    requirePartition(topic, partition)
    return { topic: topic.name, partition }
  })
}

/** @throws MR_PARTITION_UNKNOWN */
export function requirePartition({ name, partitions }: Omit<TopicDescription, 'id'>, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  throw new MillraceError('MR_PARTITION_UNKNOWN', `the topic has no partition ${partition}`, {
    topic: name,
    partition,
    hint: partitions === 1 ? 'It has the partition 0 alone.' : `Its partitions are 0 to ${partitions - 1}.`,
  })
}
