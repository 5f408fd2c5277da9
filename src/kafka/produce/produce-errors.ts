import type { TopicPartition } from '../../log/log.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'

const HINTS: ReadonlyMap<number, string> = new Map([
  [kafkaErrors.unknownTopicOrPartition, 'Create the topic, with as many partitions as are written to.'],
  [
    kafkaErrors.messageTooLarge,
    'One record is larger than max.message.bytes of the topic: raise that, or make the record smaller.',
  ],
  [
    kafkaErrors.invalidRecord,
    'The broker checks records of this topic: a compacted topic refuses records without a key, for one.',
  ],
  [kafkaErrors.topicAuthorizationFailed, 'Give this user the permission Write on the topic.'],
  [
    kafkaErrors.invalidTimestamp,
    "The timestamp of a record is further from the broker's clock than message.timestamp.before.max.ms or message.timestamp.after.max.ms of the topic allow.",
  ],
])

/** The error that ends a producer: MR_FENCED if another one took its place, else MR_PRODUCE. */
export function produceFailure(place: TopicPartition, code: number, text: string | null, cause?: unknown): KafkaError {
  const { topic, partition } = place
  if (code === kafkaErrors.invalidProducerEpoch || code === kafkaErrors.producerFenced) {
    return new KafkaError(code, 'another producer took over', {
      code: 'MR_FENCED',
      topic,
      partition,
      text,
      cause,
      hint: 'A newer instance with the same identity is running; this one must stop.',
    })
  }
  const hint = HINTS.get(code) ?? 'See the cause, and the log of the broker.'
  return new KafkaError(code, 'records could not be written', {
    code: 'MR_PRODUCE',
    topic,
    partition,
    text,
    cause,
    hint,
  })
}
