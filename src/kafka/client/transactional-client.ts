import { MillraceError } from '../../errors/millrace-error.ts'
import type {
  CommitOutcome,
  CommittedOffset,
  LogClient,
  LogClientOptions,
  PartitionMap,
  TopicPartition,
} from '../../log/log.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import { askAsMember, epochAttempts } from '../group/member/as-member.ts'
import { fetchOffsets, type OffsetMember } from '../group/member/offsets.ts'
import { openMember } from '../group/open-member.ts'
import type { Membership } from '../group/member/membership.ts'
import type { ProducerIdentity } from '../produce/producer-session.ts'
import { KafkaProducer } from '../produce/producer.ts'
import { kafkaErrors } from '../protocol/errors.ts'
import { pause } from '../cluster/retry.ts'
import type { TransactionRequests } from '../transaction/transaction-requests.ts'
import { Transaction } from '../transaction/transaction.ts'
import { isRefusedMember } from '../protocol/transaction-errors.ts'
import { TransactionalProducer } from './transactional-producer.ts'

/** Time in ms for which closing waits for an open transaction to abort. Its timeout aborts it otherwise. */
const closePatience = 3_000

/**
 * The client of a stream thread, exactly once (KIP-447): `commit` makes records and offsets visible together. No
 * transaction is committed unless the group confirms that this client is its member.
 */
export class TransactionalClient implements LogClient {
  readonly guarantee = 'exactly_once'
  readonly reader: Fetcher
  readonly producer: TransactionalProducer
  readonly group: Membership
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #transaction: Transaction
  readonly #producer: KafkaProducer
  readonly #onClose: () => void
  /** Member id under which offsets were read. Offsets that follow from them must not be committed under another one. */
  #memberId: string | undefined

  private constructor(
    cluster: Cluster,
    reader: Fetcher,
    options: LogClientOptions,
    transaction: Transaction,
    onClose: () => void,
  ) {
    this.#cluster = cluster
    this.#groupId = options.groupId
    this.#transaction = transaction
    this.#producer = new KafkaProducer(cluster, transaction, { missingTopics: options.missingTopics })
    this.#onClose = onClose
    this.reader = reader
    this.producer = new TransactionalProducer(this.#producer, transaction)
    this.group = openMember(cluster, options)
  }

  /**
   * Opens a client, fences the predecessor with its transactional id, and waits until that one's transaction is
   * aborted.
   *
   * @param cluster for this client alone: its connections carry its long polls and heartbeats
   * @throws MR_LOG_UNREACHABLE, KafkaError
   */
  static async open(
    cluster: Cluster,
    reader: Fetcher,
    options: LogClientOptions,
    onClose: () => void,
  ): Promise<TransactionalClient> {
    const transaction = await Transaction.open(cluster, options.transactionalId)
    return new TransactionalClient(cluster, reader, options, transaction, onClose)
  }

  async committed(partitions: readonly TopicPartition[]): Promise<PartitionMap<CommittedOffset>> {
    // Offsets are not stable while a transaction has yet to be aborted.
    await this.#transaction.settle()
    return askAsMember(this.group, this.#groupId, async () => {
      const member = this.group.identity()
      const found = await fetchOffsets(this.#cluster, this.#groupId, member, partitions)
      this.#memberId = member?.memberId
      return found
    })
  }

  async commit(offsets: PartitionMap<CommittedOffset>): Promise<CommitOutcome> {
    this.#transaction.requireUnfenced()
    if (this.#isStillMember()) {
      if (this.group.identity() !== undefined) this.group.requireOwned(offsets)
      const outcome = await this.#commitSealed(offsets)
      if (outcome !== 'aborted') return outcome
    }
    await this.abort()
    this.#transaction.requireUnfenced()
    return 'aborted'
  }

  /** Seals the transaction before the first wait: what is appended from then on is not sent until it has ended. */
  async #commitSealed(offsets: PartitionMap<CommittedOffset>): Promise<CommitOutcome> {
    this.#transaction.seal(this.#producer.generation)
    let outcome: CommitOutcome = 'committed'
    try {
      const flushed = this.producer.flush()
      if (isPromise(flushed)) await flushed
      if (this.#transaction.isOpen || offsets.size > 0) {
        // A client that has not joined has no membership for the group to confirm, and may lack the right to ask.
        const isOutside = offsets.size === 0 && this.#member() === undefined
        outcome = await this.#transaction.commit(isOutside ? undefined : this.#groupId, (requests, identity) =>
          this.#sendOffsets(requests, identity, offsets),
        )
      }
    } catch (error) {
      this.#unseal()
      throw error
    }
    // Any other outcome is followed by an abort, which drops what waits.
    if (outcome === 'committed') {
      if (this.#transaction.isSpent) this.#producer.restartSequences()
      this.#unseal()
    }
    return outcome
  }

  #unseal(): void {
    this.#transaction.unseal()
    this.#producer.resume()
  }

  async abort(): Promise<void> {
    await this.#producer.discard()
    await this.#transaction.abort()
    this.#transaction.unseal()
  }

  async close(): Promise<void> {
    const closing = new AbortController()
    if (this.#transaction.isOpen) {
      await Promise.race([this.abort(), pause(this.#cluster.options.clock, closePatience, closing.signal)])
    }
    closing.abort()
    await this.group.leave()
    this.reader.close()
    this.producer.close()
    await this.#cluster.close()
    this.#onClose()
  }

  /** Returns false if the membership under which offsets were read is gone. The thread gets the `lost` event, too. */
  #isStillMember(): boolean {
    const member = this.#member()
    return member !== 'lost' && (this.#memberId === undefined || member?.memberId === this.#memberId)
  }

  #member(): OffsetMember | undefined | 'lost' {
    try {
      return this.group.identity()
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MR_FENCED') return 'lost'
      throw error
    }
  }

  async #sendOffsets(
    requests: TransactionRequests,
    identity: ProducerIdentity,
    offsets: PartitionMap<CommittedOffset>,
  ): Promise<boolean> {
    for (let attempt = 1; this.#isStillMember(); attempt++) {
      const member = this.group.identity()
      try {
        await requests.commitOffsets(identity, this.#groupId, member, offsets)
        return true
      } catch (error) {
        if (!isRefusedMember(error)) throw error
        await this.group.renewEpoch()
        const renewed = this.#member()
        const isNewer = member !== undefined && renewed !== 'lost' && renewed?.memberEpoch !== member.memberEpoch
        if (isNewer && attempt < epochAttempts) continue
        const isMember = error.apiCode === kafkaErrors.rebalanceInProgress
        if (!isMember && renewed !== 'lost' && renewed?.memberId === member?.memberId) this.group.expelled(error)
        return false
      }
    }
    return false
  }
}
