import { MillraceError } from '../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from './errors.ts'

/** Codes after which the transaction can no longer be committed, but a new one can be. */
const abortable: ReadonlySet<number> = new Set([
  kafkaErrors.outOfOrderSequenceNumber,
  kafkaErrors.unknownProducerId,
  kafkaErrors.invalidTxnState,
  kafkaErrors.invalidProducerIdMapping,
  kafkaErrors.transactionAbortable,
])

/** Codes by which the group refuses this client as the member that it claims to be, for good or for now. */
const refusedMember: ReadonlySet<number> = new Set([
  kafkaErrors.illegalGeneration,
  kafkaErrors.unknownMemberId,
  kafkaErrors.rebalanceInProgress,
  kafkaErrors.fencedInstanceId,
  kafkaErrors.fencedMemberEpoch,
  kafkaErrors.staleMemberEpoch,
])

/** Returns whether the producer's epoch is over: a client took over, or the coordinator gave up the transaction. */
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

/** Returns whether no broker responded for as long as requests are repeated. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof KafkaError) return error.apiCode === kafkaErrors.networkException
  return error instanceof MillraceError && error.code === 'MR_LOG_UNREACHABLE'
}

/** Returns whether the request failed only because no response came in time, or no definite one. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof KafkaError) return error.retriable || error.apiCode === kafkaErrors.unknownServerError
  return isUnreachable(error)
}

/** Returns whether the coordinator holds no transaction of this identity that could be ended this way. */
export function isNothingToEnd(error: unknown): boolean {
  return isForgotten(error) || (error instanceof KafkaError && error.apiCode === kafkaErrors.invalidTxnState)
}

/** Returns whether the coordinator does not know the producer. It forgets transactional ids unused for a week. */
export function isForgotten(error: unknown): boolean {
  return error instanceof KafkaError && error.apiCode === kafkaErrors.invalidProducerIdMapping
}

export function fenced(transactionalId: string, cause: KafkaError): MillraceError {
  return new MillraceError('MR_FENCED', `another client took over the transactional id ${transactionalId}`, {
    cause,
    hint:
      'A newer instance with the same identity is running; this one must stop. ' +
      'Two instances must not share a state directory or an instance id.',
  })
}
