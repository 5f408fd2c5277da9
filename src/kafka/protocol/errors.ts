import { protocolErrorsCodesById } from '@platformatic/kafka'
import { MillraceError, type MillraceErrorOptions } from '../../errors/millrace-error.ts'

/** Error codes of Kafka that this library acts on (protocol guide, "Error Codes"). */
export const kafkaErrors = {
  unknownServerError: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  requestTimedOut: 7,
  messageTooLarge: 10,
  offsetMetadataTooLarge: 12,
  networkException: 13,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  invalidTopic: 17,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  unknownMemberId: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  illegalSaslState: 34,
  unsupportedVersion: 35,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidConfig: 40,
  invalidRequest: 42,
  unsupportedForMessageFormat: 43,
  policyViolation: 44,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  invalidTransactionTimeout: 50,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  operationNotAttempted: 55,
  unknownProducerId: 59,
  saslAuthenticationFailed: 58,
  groupIdNotFound: 69,
  memberIdRequired: 79,
  fencedInstanceId: 82,
  invalidRecord: 87,
  producerFenced: 90,
  fencedMemberEpoch: 110,
  staleMemberEpoch: 113,
  transactionAbortable: 120,
  streamsInvalidTopology: 130,
} as const

/** Names of error codes that are newer than the table of the wire library. */
const newerNames: Readonly<Record<number, string>> = {
  128: 'INVALID_REGULAR_EXPRESSION',
  129: 'REBOOTSTRAP_REQUIRED',
  130: 'STREAMS_INVALID_TOPOLOGY',
  131: 'STREAMS_INVALID_TOPOLOGY_EPOCH',
  132: 'STREAMS_TOPOLOGY_FENCED',
}

/** Codes after which the same request may succeed later (Java: RetriableException). */
const retriable: ReadonlySet<number> = new Set([
  2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 74, 75, 78, 80, 83, 88, 89, 100, 103, 106,
])
/** Codes after which the leader of a partition must be looked up again. */
const staleLeader: ReadonlySet<number> = new Set([3, 5, 6, 13, 56, 74, 75, 100, 103])
/** Codes after which the coordinator of a group or transaction must be looked up again; there may be none for now. */
const staleCoordinator: ReadonlySet<number> = new Set([13, 15, 16])

/** Returns the protocol guide's name of an error code. */
export function kafkaErrorName(apiCode: number): string {
  return protocolErrorsCodesById[apiCode] ?? newerNames[apiCode] ?? `error ${apiCode}`
}

export function isRetriableCode(apiCode: number): boolean {
  return retriable.has(apiCode)
}

/** Returns whether the code says that the user lacks a permission. */
export function isAuthorizationCode(apiCode: number): boolean {
  return codes.get(apiCode) === 'MR_AUTHORIZATION'
}

export function isStaleLeaderCode(apiCode: number): boolean {
  return staleLeader.has(apiCode)
}

export function isStaleCoordinatorCode(apiCode: number): boolean {
  return staleCoordinator.has(apiCode)
}

/** Hints for codes that mean the same in any response. */
const hints: ReadonlyMap<number, string> = new Map([
  [
    kafkaErrors.illegalSaslState,
    'The login was refused. Check the mechanism, and the password or token, of the option sasl.',
  ],
  [
    kafkaErrors.topicAuthorizationFailed,
    'Give this user Describe and Read on topics that are read, Write on topics that are written, ' +
      'and all of these with Create on topics that begin with the application id.',
  ],
  [
    kafkaErrors.groupAuthorizationFailed,
    'Give this user the permission Read on the group. The group has the id of the application.',
  ],
  [
    kafkaErrors.transactionalIdAuthorizationFailed,
    'Give this user the permission Write on transactional ids that begin with the application id.',
  ],
  [
    kafkaErrors.clusterAuthorizationFailed,
    'Give this user the permission on the cluster, or on the resource that the broker names in its log.',
  ],
])

/** Codes of this library for some of Kafka's; all others are MR_LOG_FAILED. */
const codes: ReadonlyMap<number, string> = new Map([
  // The response to what follows a token that the broker did not accept.
  [kafkaErrors.illegalSaslState, 'MR_AUTHENTICATION'],
  [kafkaErrors.topicAuthorizationFailed, 'MR_AUTHORIZATION'],
  [kafkaErrors.groupAuthorizationFailed, 'MR_AUTHORIZATION'],
  [kafkaErrors.clusterAuthorizationFailed, 'MR_AUTHORIZATION'],
  [kafkaErrors.transactionalIdAuthorizationFailed, 'MR_AUTHORIZATION'],
])

/** Operations that Kafka gives permissions for (Kafka documentation, "Authorization and ACLs"). */
type Operation =
  | 'Read'
  | 'Write'
  | 'Create'
  | 'Delete'
  | 'Alter'
  | 'Describe'
  | 'DescribeConfigs'
  | 'AlterConfigs'
  | 'IdempotentWrite'

/** Permissions that a request needs, one for each kind of resource. */
export interface Permissions {
  /** Operation on the topic that the error names. */
  readonly topic?: Operation
  readonly group?: readonly [name: string, operation: Operation]
  readonly transactionalId?: readonly [name: string, operation: Operation]
  readonly cluster?: Operation
}

interface KafkaErrorOptions extends MillraceErrorOptions {
  readonly text?: string | null | undefined
  readonly needs?: Permissions | undefined
}

/** Returns the missing permission with its resource; `undefined` for any other error. */
function missingPermission(apiCode: number, { needs = {}, topic }: KafkaErrorOptions): string | undefined {
  switch (apiCode) {
    case kafkaErrors.topicAuthorizationFailed:
      return `${needs.topic ?? 'a permission'} on ${topic === undefined ? 'one of these topics' : `topic ${topic}`}`
    case kafkaErrors.groupAuthorizationFailed:
      return `${needs.group?.[1] ?? 'a permission'} on group ${needs.group?.[0]}`
    case kafkaErrors.transactionalIdAuthorizationFailed:
      return `${needs.transactionalId?.[1] ?? 'a permission'} on transactional id ${needs.transactionalId?.[0]}`
    case kafkaErrors.clusterAuthorizationFailed:
      return `${needs.cluster ?? 'a permission'} on the cluster`
    default:
      return undefined
  }
}

/** An error in the response of a broker, or a broker that could not be reached (`networkException`). */
export class KafkaError extends MillraceError {
  readonly apiCode: number
  readonly apiName: string
  readonly retriable: boolean

  constructor(apiCode: number, what: string, options: KafkaErrorOptions & { code?: string } = {}) {
    const name = kafkaErrorName(apiCode)
    const code = options.code ?? codes.get(apiCode) ?? 'MR_LOG_FAILED'
    const hint = options.hint ?? hints.get(apiCode)
    const missing = missingPermission(apiCode, options)
    const details = [options.text, missing === undefined ? undefined : `this user lacks ${missing}`].filter(Boolean)
    super(code, [`${what}: ${name}`, ...details].join(', '), { ...options, hint })
    this.apiCode = apiCode
    this.apiName = name
    this.retriable = retriable.has(apiCode)
  }
}

/** @throws KafkaError if `apiCode` is an error. */
export function throwOnError(apiCode: number, what: string, options: KafkaErrorOptions = {}): void {
  if (apiCode !== kafkaErrors.none) throw new KafkaError(apiCode, what, options)
}

/** Returns the error of a connection that broke, could not be opened or timed out. */
export function connectionLost(broker: string, cause: unknown): KafkaError {
  const text = cause instanceof Error ? deepestMessage(cause) : String(cause)
  return new KafkaError(kafkaErrors.networkException, `connection to Kafka broker ${broker} failed`, { cause, text })
}

function deepestMessage(error: Error): string {
  let at = error
  while (at.cause instanceof Error) at = at.cause
  if (at instanceof AggregateError && at.message === '') return at.errors.map(String).join('; ')
  return at.message
}
