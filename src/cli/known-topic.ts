import { MillraceError } from '../errors/millrace-error.ts'
import { knownTopic as topicIn } from '../log/known-topics.ts'
import type { Log, TopicDescription } from '../log/log.ts'

const POSSIBLE = /^[\w.-]{1,249}$/

/**
 * Returns the description of a topic.
 *
 * @throws MR_TOPIC_UNKNOWN, which names the topic that was probably meant; MR_TOPIC_INVALID
 */
export async function knownTopic(log: Log, name: string): Promise<TopicDescription> {
  requirePossibleName(name)
  return await topicIn(log, name)
}

/** @throws MR_TOPIC_INVALID for a name that no topic can have: a broker would say so without a hint */
export function requirePossibleName(name: string): void {
  if (POSSIBLE.test(name)) return
  throw new MillraceError('MR_TOPIC_INVALID', `no topic can have the name ${JSON.stringify(name)}`, {
    hint: 'A name has 1 to 249 letters, digits, dots, underscores and hyphens.',
  })
}
