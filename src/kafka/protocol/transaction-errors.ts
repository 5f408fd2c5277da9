import { MillraceError } from '../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from './errors.ts'

/** The transaction cannot be committed any more, a new one can be. */
const abortable: ReadonlySet<number> = new Set([
  kafkaErrors.outOfOrderSequenceNumber,
  kafkaErrors.unknownProducerId,
  kafkaErrors.invalidTxnState,
  kafkaErrors.invalidProducerIdMapping,
  kafkaErrors.transactionAbortable,
])

/** The group does not take this client for the member that it says it is, or not now. */
const refusedMember: ReadonlySet<number> = new Set([
  kafkaErrors.illegalGeneration,
  kafkaErrors.unknownMemberId,
  kafkaErrors.rebalanceInProgress,
  kafkaErrors.fencedInstanceId,
  kafkaErrors.fencedMemberEpoch,
  kafkaErrors.staleMemberEpoch,
])

/** Whether the epoch of the producer is over: another client took over, or the coordinator gave the transaction up. */
export function isRefusedEpoch(error: unknown): error is KafkaError {
  return (
    error instanceof KafkaError &&
    (error.apiCode === kafkaErrors.invalidProducerEpoch || error.apiCode === kafkaErrors.producerFenced)
  )
}

export function isAbortable(error: unknown): boolean {
  return error instanceof KafkaError && abortable.has(error.apiCode)
}

export function isRefusedMember(error: unknown): error is KafkaError {
  return error instanceof KafkaError && refusedMember.has(error.apiCode)
}

/** Whether no broker answered for as long as requests are repeated. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof KafkaError) return error.apiCode === kafkaErrors.networkException
  return error instanceof MillraceError && error.code === 'MR_LOG_UNREACHABLE'
}

/** Whether it failed only because nobody answered in time, or not definitely. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof KafkaError) return error.retriable || error.apiCode === kafkaErrors.unknownServerError
  return isUnreachable(error)
}

/** Whether the coordinator holds no transaction of this identity that could be ended this way. */
export function isNothingToEnd(error: unknown): boolean {
  return isForgotten(error) || (error instanceof KafkaError && error.apiCode === kafkaErrors.invalidTxnState)
}

/** Whether the coordinator does not know the producer: it forgets transactional ids that were not used for a week. */
export function isForgotten(error: unknown): boolean {
  return error instanceof KafkaError && error.apiCode === kafkaErrors.invalidProducerIdMapping
}

export function fenced(transactionalId: string, cause: KafkaError): MillraceError {
  return new MillraceError('MR_FENCED', `another client took over the transactional id ${transactionalId}`, {
    cause,
    hint: 'A newer instance with the same identity is running; this one must stop. Two instances must not share a state directory or an instance id.',
  })
}
