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
import { askAsMember } from '../group/member/as-member.ts'
import { isPassing } from '../group/member/member-errors.ts'
import { commitOffsets, fetchOffsets } from '../group/member/offsets.ts'
import { openMember } from '../group/open-member.ts'
import type { Membership } from '../group/member/membership.ts'
import { IdempotentSession } from '../produce/producer-session.ts'
import { KafkaProducer } from '../produce/producer.ts'

/** The client of a stream thread, at least once: records are visible when acknowledged, and offsets committed later. */
export class KafkaClient implements LogClient {
  readonly guarantee = 'at_least_once'
  readonly reader: Fetcher
  readonly producer: KafkaProducer
  readonly group: Membership
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #session: IdempotentSession
  readonly #onClose: () => void

  /** @param cluster for this client alone: its connections carry its long polls and heartbeats */
  constructor(cluster: Cluster, reader: Fetcher, options: LogClientOptions, onClose: () => void) {
    this.#cluster = cluster
    this.#groupId = options.groupId
    this.#onClose = onClose
    this.#session = new IdempotentSession(cluster, cluster.closed)
    this.reader = reader
    this.producer = new KafkaProducer(cluster, this.#session, { missingTopics: options.missingTopics })
    this.group = openMember(cluster, options)
  }

  committed(partitions: readonly TopicPartition[]): Promise<PartitionMap<CommittedOffset>> {
    return askAsMember(this.group, this.#groupId, () =>
      fetchOffsets(this.#cluster, this.#groupId, this.group.identity(), partitions),
    )
  }

  async commit(offsets: PartitionMap<CommittedOffset>): Promise<CommitOutcome> {
    const flushed = this.producer.flush()
    if (isPromise(flushed)) await flushed
    try {
      await askAsMember(this.group, this.#groupId, () => {
        const member = this.group.identity()
        if (member !== undefined) this.group.requireOwned(offsets)
        return commitOffsets(this.#cluster, this.#groupId, member, offsets)
      })
      return 'committed'
    } catch (error) {
      // A request whose response was lost may have been carried out.
      if (isPassing(error)) return 'unknown'
      throw error
    }
  }

  async abort(): Promise<void> {
    await this.producer.discard()
    this.#session.renew()
  }

  async close(): Promise<void> {
    await this.group.leave()
    this.reader.close()
    this.producer.close()
    await this.#cluster.close()
    this.#onClose()
  }
}
