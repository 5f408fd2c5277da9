import {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  describeTransactionsV0,
  endTxnV3,
  initProducerIdV4,
  txnOffsetCommitV3,
  type API,
} from '@platformatic/kafka'
import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset, type TopicPartition } from '../../log/log.ts'
import type { Cluster, CoordinatorKind } from '../cluster/cluster.ts'
import { offsetTopics, type OffsetMember } from '../group/member/offsets.ts'
import { topicValues } from '../cluster/partition-requests.ts'
import { produceFailure } from '../produce/produce-errors.ts'
import type { ProducerIdentity } from '../produce/producer-session.ts'
import { KafkaError, isStaleCoordinatorCode, kafkaErrors, throwOnError, type Permissions } from '../protocol/errors.ts'
import { READ_TOPIC_PATIENCE, retrying } from '../cluster/retry.ts'

/** The part of a `Cluster` that transactions use. */
export type TransactionCluster = Pick<Cluster, 'options' | 'closed' | 'coordinator' | 'forgetCoordinator' | 'send'>

/** The state of a transactional id at its coordinator. */
export interface TransactionState extends ProducerIdentity {
  /** `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort` … */
  readonly state: string
}

/** Sends a request to a coordinator. */
type Send = <A extends unknown[], R>(api: API<A, R>, ...args: A) => Promise<R>

/** Pauses in ms. The markers of a transaction are written within milliseconds; the next one cannot begin before. */
const FIRST_PAUSE = 2
const LONGEST_PAUSE = 200

const noIdentity: ProducerIdentity = { producerId: -1, epoch: -1 }
/** Errors after which nothing was done. Any other retriable error leaves open whether the request was carried out. */
const certainlyNotDone: ReadonlySet<number> = new Set([
  kafkaErrors.concurrentTransactions,
  kafkaErrors.coordinatorLoadInProgress,
])

/**
 * The requests of the classic transaction protocol (KIP-98, KIP-360, KIP-447) for one transactional id. Repetition does
 * no harm within their transaction. So they are repeated after retriable errors and lost answers, for `apiTimeout`.
 */
export class TransactionRequests {
  readonly transactionalId: string
  readonly #cluster: TransactionCluster
  #unanswered = 0

  constructor(cluster: TransactionCluster, transactionalId: string) {
    this.transactionalId = transactionalId
    this.#cluster = cluster
  }

  /** Number of requests so far without a definite answer: the broker may still carry one of them out. */
  get unanswered(): number {
    return this.#unanswered
  }

  /**
   * Takes the transactional id over, or gets the next epoch of it. Waits until an open transaction has been aborted.
   *
   * @param current the identity of this client so far; refused as fenced if another client has taken over since
   */
  async initProducerId(current: ProducerIdentity = noIdentity): Promise<ProducerIdentity> {
    const { transactionTimeout } = this.#cluster.options
    return this.#askCoordinator('opening a transactional producer', async (send, what) => {
      const answer = await send(initProducerIdV4.api, this.transactionalId, transactionTimeout, ...wire(current))
      throwOnError(answer.errorCode, what, { hint: initHint(answer.errorCode), needs: this.#needs })
      return { producerId: Number(answer.producerId), epoch: answer.producerEpoch }
    })
  }

  /** Adds partitions to the transaction, and begins it. Records may be sent to a partition only after this. */
  async addPartitions(identity: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<void> {
    const added = new PartitionMap<true>()
    for (const { topic, partition } of partitions) added.set(topic, partition, true)
    const topics = topicValues(added).map(({ name, partitions: list }) => ({
      name,
      partitions: list.map(([partition]) => partition),
    }))
    await this.#askCoordinator('adding partitions to a transaction', async (send) => {
      const [producerId, producerEpoch] = wire(identity)
      const { transactionalId } = this
      const answer = await send(addPartitionsToTxnV3.api, [
        { transactionalId, producerId, producerEpoch, verifyOnly: false, topics },
      ])
      // If one partition is refused, the others get `operationNotAttempted`.
      let refused: KafkaError | undefined
      for (const { topicResults } of answer.resultsByTransaction) {
        for (const { name, resultsByPartition } of topicResults) {
          for (const { partitionIndex, partitionErrorCode: code } of resultsByPartition) {
            if (code === kafkaErrors.none) continue
            if (refused !== undefined && refused.apiCode !== kafkaErrors.operationNotAttempted) continue
            refused = produceFailure({ topic: name, partition: partitionIndex }, code, null, { needs: this.#needs })
          }
        }
      }
      if (refused?.apiCode === kafkaErrors.unknownTopicOrPartition) throw notRepeated(refused)
      if (refused !== undefined) throw refused
    })
  }

  /** Adds the offsets of a group to the transaction. */
  async addOffsets(identity: ProducerIdentity, groupId: string): Promise<void> {
    await this.#askCoordinator('adding offsets to a transaction', async (send, what) => {
      const answer = await send(addOffsetsToTxnV3.api, this.transactionalId, ...wire(identity), groupId)
      const needs = { ...this.#needs, group: [groupId, 'Read'] } as const
      throwOnError(answer.errorCode, what, { hint: groupHint(answer.errorCode, groupId), needs })
    })
  }

  /** Gives the group offsets that count once the transaction is committed. Refused unless `member` is a current one. */
  async commitOffsets(
    identity: ProducerIdentity,
    groupId: string,
    member: OffsetMember | undefined,
    offsets: PartitionMap<CommittedOffset>,
  ): Promise<void> {
    const topics = offsetTopics(offsets)
    const what = `committing offsets of group ${groupId} in a transaction`
    await this.#ask('group', groupId, what, async (send) => {
      const answer = await send(
        txnOffsetCommitV3.api,
        this.transactionalId,
        groupId,
        ...wire(identity),
        member?.memberEpoch ?? -1,
        member?.memberId ?? '',
        member?.instanceId ?? null,
        topics,
      )
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          const hint = groupHint(errorCode, groupId)
          const needs = { ...this.#needs, group: [groupId, 'Read'], topic: 'Read' } as const
          throwOnError(errorCode, what, { topic: name, partition: partitionIndex, hint, needs })
        }
      }
    })
  }

  /** Commits or aborts the transaction. A repetition gets the answer that the first request would have got. */
  async end(identity: ProducerIdentity, isCommit: boolean): Promise<void> {
    await this.#askCoordinator(`${isCommit ? 'committing' : 'aborting'} a transaction`, async (send, what) => {
      const answer = await send(endTxnV3.api, this.transactionalId, ...wire(identity), isCommit)
      throwOnError(answer.errorCode, what, { needs: this.#needs })
    })
  }

  async describe(): Promise<TransactionState> {
    return this.#askCoordinator('describing a transaction', async (send, what) => {
      const { transactionStates } = await send(describeTransactionsV0.api, [this.transactionalId])
      const [found] = transactionStates
      if (found === undefined) throw new KafkaError(kafkaErrors.unknownServerError, what)
      throwOnError(found.errorCode, what, { needs: { transactionalId: [this.transactionalId, 'Describe'] } })
      return { producerId: Number(found.producerId), epoch: found.producerEpoch, state: found.transactionState }
    })
  }

  get #needs(): Permissions {
    return { transactionalId: [this.transactionalId, 'Write'], topic: 'Write' }
  }

  #askCoordinator<T>(what: string, ask: (send: Send, what: string) => Promise<T>): Promise<T> {
    return this.#ask('transaction', this.transactionalId, `${what} of ${this.transactionalId}`, ask)
  }

  #ask<T>(kind: CoordinatorKind, key: string, what: string, ask: (send: Send, what: string) => Promise<T>): Promise<T> {
    const options = { ...this.#cluster.options, retryBackoff: FIRST_PAUSE, retryBackoffMax: LONGEST_PAUSE }
    return retrying(
      options,
      { what, signal: this.#cluster.closed, unknownTopicPatience: READ_TOPIC_PATIENCE },
      async () => {
        const broker = await this.#cluster.coordinator(kind, key)
        try {
          return await ask((api, ...args) => this.#cluster.send(broker, kind, api, ...args), what)
        } catch (error) {
          if (error instanceof KafkaError) {
            if (isIndefinite(error)) this.#unanswered++
            if (isStaleCoordinatorCode(error.apiCode)) this.#cluster.forgetCoordinator(kind, key)
          }
          throw error
        }
      },
    )
  }
}

/** Returns an error for an unknown topic that is not retried here: the sender decides how long to wait for it. */
function notRepeated(cause: KafkaError): MillraceError {
  const { topic, partition, hint } = cause
  return new MillraceError('MR_TOPIC_UNKNOWN', 'the topic of records to be written does not exist', {
    topic,
    partition,
    cause,
    hint,
  })
}

function isIndefinite({ apiCode, retriable }: KafkaError): boolean {
  return (retriable && !certainlyNotDone.has(apiCode)) || apiCode === kafkaErrors.unknownServerError
}

function wire({ producerId, epoch }: ProducerIdentity): [producerId: bigint, epoch: number] {
  return [BigInt(producerId), epoch]
}

function initHint(code: number): string | undefined {
  if (code === kafkaErrors.invalidTransactionTimeout)
    return 'Shorten transactionTimeout, or raise transaction.max.timeout.ms of the brokers, which it exceeds.'
  if (code === kafkaErrors.transactionalIdAuthorizationFailed)
    return 'Give this user the permissions Write and Describe on transactional ids that begin with the application id.'
  return undefined
}

function groupHint(code: number, groupId: string): string | undefined {
  if (code === kafkaErrors.groupAuthorizationFailed)
    return `Give this user the permission Read on the group ${groupId}.`
  if (code === kafkaErrors.offsetMetadataTooLarge)
    return 'Raise offset.metadata.max.bytes of the brokers: offsets carry stream times beside them.'
  return undefined
}
