import type {
  CommittedOffset,
  Log,
  LogClient,
  LogClientOptions,
  LogDescription,
  LogProducer,
  LogReader,
  OffsetSpec,
  OpenDescribed,
  PartitionMap,
  ReaderOptions,
  TopicDescription,
  TopicPartition,
  TopicSpec,
} from '../../log/log.ts'
import type { GroupDescription, GroupListing, PartitionDescription, TopicConfig } from '../../log/admin.ts'
import { groupActive } from '../../group/group.ts'
import type { GroupInstance } from '../../group/group-instances.ts'
import { systemClock } from '../../platform/clock.ts'
import { isPlainData } from '../../platform/plain-data.ts'
import { alterTopicConfigs, topicConfigs } from '../admin/admin-configs.ts'
import { TopicAdmin } from '../admin/topic-admin.ts'
import { Cluster } from '../cluster/cluster.ts'
import { RequestCounts } from '../cluster/request-counts.ts'
import type { Sample } from '../../metrics/samples.ts'
import type { ClusterOptions } from '../cluster/connection-options.ts'
import { Fetcher, type FetcherOptions } from '../fetch/fetcher.ts'
import { describeGroup } from '../group/describe-group.ts'
import { groupInstances } from '../group/group-instances.ts'
import { deleteGroup } from '../group/member/coordinator.ts'
import { groupMembers } from '../group/member/group-members.ts'
import { listGroups } from '../group/member/list-groups.ts'
import { commitOffsets, deleteOffsets, fetchOffsets } from '../group/member/offsets.ts'
import { KafkaClient } from './kafka-client.ts'
import { IdempotentSession } from '../produce/producer-session.ts'
import { KafkaProducer } from '../produce/producer.ts'
import { KafkaError } from '../protocol/errors.ts'
import { requireOutlasting } from '../transaction/outlasting.ts'
import { TransactionalClient } from './transactional-client.ts'

/** Time in ms: long enough for every broker to learn of a new topic, short enough for a mistyped name. */
const unknownTopicTimeout = 10_000

function fetcherOptions({ fetchBytes }: ReaderOptions): FetcherOptions {
  return fetchBytes === undefined ? { unknownTopicTimeout } : { unknownTopicTimeout, bufferBytes: fetchBytes }
}

/** The Log port over Kafka. Every reader, producer and client has connections of its own. */
export class KafkaLog implements Log {
  readonly kind = 'kafka'
  readonly #options: ClusterOptions
  readonly #given: object | undefined
  readonly #requests = new RequestCounts()
  readonly #cluster: Cluster
  readonly #admin: TopicAdmin
  readonly #open = new Set<{ close(): unknown }>()

  /** @param given the options of `kafka` that were read; a log of another thread is made without */
  constructor(options: ClusterOptions, given?: object) {
    this.#given = given
    this.#options = { ...options, requests: this.#requests }
    this.#cluster = new Cluster(this.#options)
    this.#admin = new TopicAdmin(this.#cluster)
  }

  /** @internal */
  get options(): object | undefined {
    return this.#given
  }

  /** Returns `undefined` if the options hold what belongs to one thread: a token provider, TLS callbacks, a clock. */
  describe(): LogDescription | undefined {
    const { clock, requests: _requests, ...options } = this.#options
    return clock === systemClock && isPlainData(options) ? { module: import.meta.url, options } : undefined
  }

  samples(): readonly Sample[] {
    return this.#requests.samples()
  }

  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return this.#admin.describeTopics(names)
  }

  createTopics(topics: readonly TopicSpec[]): Promise<void> {
    return this.#admin.createTopics(topics)
  }

  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): Promise<PartitionMap<number>> {
    return this.#admin.listOffsets(partitions, at)
  }

  deleteRecords(offsets: PartitionMap<number>): Promise<void> {
    return this.#admin.deleteRecords(offsets)
  }

  listTopics(): Promise<readonly string[]> {
    return this.#admin.listTopics()
  }

  deleteTopics(names: readonly string[]): Promise<void> {
    return this.#admin.deleteTopics(names)
  }

  createPartitions(topic: string, count: number): Promise<void> {
    return this.#admin.createPartitions(topic, count)
  }

  describePartitions(topic: string): Promise<readonly PartitionDescription[]> {
    return this.#admin.describePartitions(topic)
  }

  topicConfigs(topic: string): Promise<ReadonlyMap<string, TopicConfig>> {
    return topicConfigs(this.#cluster, topic)
  }

  alterTopicConfigs(topic: string, changes: Readonly<Record<string, string | null>>): Promise<void> {
    return alterTopicConfigs(this.#cluster, topic, changes)
  }

  listGroups(): Promise<readonly GroupListing[]> {
    return listGroups(this.#cluster)
  }

  describeGroup(groupId: string): Promise<GroupDescription | undefined> {
    return describeGroup(this.#cluster, groupId)
  }

  groupMembers(groupId: string): Promise<readonly string[]> {
    return groupMembers(this.#cluster, groupId)
  }

  groupInstances(groupId: string): Promise<readonly GroupInstance[]> {
    return groupInstances(this.#cluster, groupId)
  }

  committedOffsets(groupId: string, partitions?: readonly TopicPartition[]): Promise<PartitionMap<CommittedOffset>> {
    return fetchOffsets(this.#cluster, groupId, undefined, partitions)
  }

  async deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    await this.#ofEmptyGroup(groupId, () => deleteOffsets(this.#cluster, groupId, partitions))
  }

  async deleteGroup(groupId: string): Promise<void> {
    await this.#ofEmptyGroup(groupId, () => deleteGroup(this.#cluster, groupId))
  }

  async commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): Promise<void> {
    await this.#ofEmptyGroup(groupId, () => commitOffsets(this.#cluster, groupId, undefined, offsets))
  }

  openReader(options: ReaderOptions = {}): LogReader {
    const cluster = new Cluster(this.#options)
    return this.#closing(new Fetcher(cluster, fetcherOptions(options)), cluster)
  }

  openProducer(): LogProducer {
    const cluster = new Cluster(this.#options)
    return this.#closing(new KafkaProducer(cluster, new IdempotentSession(cluster, cluster.closed)), cluster)
  }

  /** @throws MR_LOG_UNREACHABLE, MR_CONFIG */
  async openClient(options: LogClientOptions): Promise<LogClient> {
    requireOutlasting(this.#options.transactionTimeout, options)
    const cluster = new Cluster({ ...this.#options, clientId: options.clientId })
    const onClose = (): void => void this.#open.delete(client)
    const reader = new Fetcher(cluster, fetcherOptions(options))
    let client: LogClient
    try {
      await cluster.retrying({ what: 'connecting' }, () => cluster.coordinator('group', options.groupId))
      client =
        options.guarantee === 'exactly_once'
          ? await TransactionalClient.open(cluster, reader, options, onClose)
          : new KafkaClient(cluster, reader, options, onClose)
    } catch (error) {
      reader.close()
      await cluster.close()
      throw error
    }
    this.#open.add(client)
    return client
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((each) => each.close()))
    await this.#cluster.close()
  }

  async #ofEmptyGroup(groupId: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      const members = await this.groupMembers(groupId)
      throw members.length > 0 ? groupActive(groupId, members) : error
    }
  }

  /** Makes `close` also close the cluster that was opened for `opened`. */
  #closing<T extends { close(): unknown }>(opened: T, cluster: Cluster): T {
    const close = opened.close.bind(opened)
    const entry = {
      close: async () => {
        this.#open.delete(entry)
        await close()
        await cluster.close()
      },
    }
    this.#open.add(entry)
    opened.close = entry.close
    return opened
  }
}

/** Opens in this thread the log that `describe` described. */
export const openDescribed: OpenDescribed = (options) =>
  new KafkaLog({ ...(options as Omit<ClusterOptions, 'clock'>), clock: systemClock })
