import { MillraceError } from '../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'

/** Refusals of a topic's name, counts or configs. */
export const invalidTopicCodes: ReadonlySet<number> = new Set([
  kafkaErrors.invalidTopic,
  kafkaErrors.invalidPartitions,
  38, // INVALID_REPLICATION_FACTOR
  kafkaErrors.invalidConfig,
])

/** Returns an error about an existing topic with the code that says what is wrong with the topic or the change. */
export function topicError(topic: string, error: unknown): unknown {
  if (!(error instanceof KafkaError)) return error
  if (error.apiCode === kafkaErrors.unknownTopicOrPartition) return unknownTopic(topic)
  if (!invalidTopicCodes.has(error.apiCode)) return error
  const hint = error.hint ?? 'Correct what the message names.'
  return new MillraceError('MR_TOPIC_INVALID', error.message, { topic, hint, cause: error })
}

export function unknownTopic(topic: string): MillraceError {
  return new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such topic', {
    topic,
    hint: 'Create the topic, or correct its name.',
  })
}
