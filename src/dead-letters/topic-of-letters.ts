import type { Application } from '../application/application.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { Log } from '../log/log.ts'

/** Returns the topic of an application's dead letters. @throws MR_CONFIG if neither it nor the caller names one */
export function topicOfLetters({ id, settings }: Application, named: string | undefined): string {
  const topic = named ?? settings.deadLetterTopic
  if (topic !== undefined) return topic
  throw new MillraceError('MR_CONFIG', `the application ${id} has no deadLetterTopic`, {
    hint: 'Set deadLetterTopic in defineApp, or name the topic.',
  })
}

/** Returns the number of partitions of a dead letter topic. @throws MR_TOPIC_UNKNOWN */
export async function partitionsOfLetters(log: Log, topic: string): Promise<number> {
  const described = (await log.describeTopics([topic])).get(topic)
  if (described !== undefined) return described.partitions
  throw new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such dead letter topic', {
    topic,
    hint: 'Create the topic, or correct its name.',
  })
}
