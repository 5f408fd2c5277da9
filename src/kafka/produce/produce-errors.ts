import type { TopicPartition } from '../../log/log.ts'
import { describeRefusal, refusalHint, type Refusal, type RefusalReason } from '../../log/refusal.ts'
import { KafkaError, isAuthorizationCode, kafkaErrorName, kafkaErrors, type Permissions } from '../protocol/errors.ts'

const HINTS: ReadonlyMap<number, string> = new Map([
  [kafkaErrors.unknownTopicOrPartition, 'Create the topic again, with as many partitions as are written to.'],
  [kafkaErrors.topicAuthorizationFailed, 'Give this user the permission Write on the topic.'],
])

const MAKE_SMALLER = "Make the record smaller, or compress it (kafka({ compression: 'zstd' }))."

/** Codes that concern single records of a batch. Sent again, they would be refused again; the others would not. */
const RECORD_ERRORS: ReadonlyMap<number, Omit<RefusalReason, 'text'>> = new Map([
  [kafkaErrors.messageTooLarge, { configs: ['max.message.bytes'], hint: MAKE_SMALLER }],
  [kafkaErrors.recordListTooLarge, { configs: ['segment.bytes'], hint: MAKE_SMALLER }],
  [
    kafkaErrors.invalidTimestamp,
    {
      configs: ['message.timestamp.before.max.ms', 'message.timestamp.after.max.ms'],
      hint: "Give the record a timestamp nearer to the broker's clock.",
    },
  ],
  [
    kafkaErrors.invalidRecord,
    {
      configs: [],
      hint: 'The broker checks records of this topic. A compacted topic, for one, refuses records without a key.',
    },
  ],
  [
    kafkaErrors.unsupportedForMessageFormat,
    { configs: [], hint: 'The topic keeps an old message format. Write without headers, or convert the topic.' },
  ],
  [kafkaErrors.policyViolation, { configs: [], hint: 'A policy of the brokers refuses the record. See their log.' }],
])

/** Returns whether the broker refuses a batch because of single records in it. */
export function isRecordError(code: number): boolean {
  return RECORD_ERRORS.has(code)
}

export function isTooLarge(code: number): boolean {
  return code === kafkaErrors.messageTooLarge || code === kafkaErrors.recordListTooLarge
}

/** Returns why the broker refuses a record. */
export function refusedFor(code: number, text: string | null): RefusalReason {
  return {
    ...RECORD_ERRORS.get(code)!,
    text: text === null ? kafkaErrorName(code) : `${kafkaErrorName(code)}, ${text}`,
  }
}

/** Returns why a record is not sent. @param limit `max.message.bytes` of the topic, if the record exceeds it */
export function refusedUnsent(bytes: number, limit: number | undefined, maxRequestSize: number): RefusalReason {
  if (limit === undefined) {
    const text = `its batch has ${bytes} bytes, and maxRequestSize of kafka() is ${maxRequestSize}`
    return { configs: [], text, hint: 'Make the record smaller, or raise maxRequestSize of kafka().' }
  }
  const text = `its batch has ${bytes} bytes, and max.message.bytes of the topic is ${limit}`
  return { ...RECORD_ERRORS.get(kafkaErrors.messageTooLarge)!, text }
}

/** Returns the error that ends a producer after a refused record that no origin decides about. */
export function refusedFailure(refusal: Refusal, code: number): KafkaError {
  const { topic, partition } = refusal
  const text = describeRefusal(refusal)
  return new KafkaError(code, 'a record could not be written', {
    code: 'MR_PRODUCE',
    topic,
    partition,
    text,
    hint: refusalHint(refusal),
  })
}

/**
 * Returns the error that ends a producer: MR_FENCED if another one took over, MR_TOPIC_UNKNOWN if the topic is gone,
 * MR_AUTHORIZATION if the transactional id or the cluster is refused, else MR_PRODUCE.
 */
export function produceFailure(
  place: TopicPartition,
  code: number,
  text: string | null,
  { cause, needs }: { readonly cause?: unknown; readonly needs?: Permissions } = {},
): KafkaError {
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
  if (isAuthorizationCode(code) && code !== kafkaErrors.topicAuthorizationFailed)
    return new KafkaError(code, 'records could not be written', { topic, partition, text, cause, needs })
  return new KafkaError(code, 'records could not be written', {
    needs: { topic: 'Write', ...needs },
    code: code === kafkaErrors.unknownTopicOrPartition ? 'MR_TOPIC_UNKNOWN' : 'MR_PRODUCE',
    topic,
    partition,
    text,
    cause,
    hint,
  })
}
