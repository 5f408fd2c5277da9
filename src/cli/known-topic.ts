import { MillraceError } from '../errors/millrace-error.ts'
import { nearestOf } from '../options/options.ts'
import type { Log, TopicDescription } from '../log/log.ts'

/** Returns the description of a topic. @throws MR_TOPIC_UNKNOWN, which names the topic that was probably meant */
export async function knownTopic(log: Log, name: string): Promise<TopicDescription> {
  const topic = (await log.describeTopics([name])).get(name)
  if (topic !== undefined) return topic
  const near = nearestOf(name, await log.listTopics())
  throw new MillraceError('MR_TOPIC_UNKNOWN', 'the topic does not exist', {
    topic: name,
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}Run millrace topics list, or topics create.`,
  })
}

/** @throws MR_PARTITION_UNKNOWN */
export function requirePartition({ name, partitions }: TopicDescription, partition: number): void {
  if (partition < partitions) return
  throw new MillraceError('MR_PARTITION_UNKNOWN', `the topic has no partition ${partition}`, {
    topic: name,
    partition,
    hint: partitions === 1 ? 'It has the partition 0 alone.' : `Its partitions are 0 to ${partitions - 1}.`,
  })
}
