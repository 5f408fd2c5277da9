import { MillraceError } from '../errors/millrace-error.ts'
import { nearestOf } from '../options/options.ts'
import type { Log, TopicDescription } from '../log/log.ts'

const POSSIBLE = /^[\w.-]{1,249}$/

/** @throws MR_TOPIC_INVALID for a name that no topic can have */
export function requirePossibleName(name: string): void {
  if (POSSIBLE.test(name)) return
  throw new MillraceError('MR_TOPIC_INVALID', `no topic can have the name ${JSON.stringify(name)}`, {
    hint: 'A name has 1 to 249 letters, digits, dots, underscores and hyphens.',
  })
}

/** Returns the description of a topic. @throws MR_TOPIC_UNKNOWN, which names the topic that was probably meant */
export async function knownTopic(log: Log, name: string): Promise<TopicDescription> {
  // A broker would refuse a name that no topic can have.
  const topic = POSSIBLE.test(name) ? (await log.describeTopics([name])).get(name) : undefined
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
