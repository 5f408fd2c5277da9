import {
  createPartitionsV3,
  createTopicsV7,
  deleteRecordsV2,
  deleteTopicsV6,
  listOffsetsV7,
  metadataV12,
} from '@platformatic/kafka'
import { MillraceError } from '../../errors/millrace-error.ts'
import {
  PartitionMap,
  type OffsetSpec,
  type TopicDescription,
  type TopicPartition,
  type TopicSpec,
} from '../../log/log.ts'
import type { PartitionDescription } from '../../log/admin.ts'
import { checkTopicSpecs, notMore } from '../../log/topic-spec.ts'
import type { Cluster, TopicMetadata } from '../cluster/cluster.ts'
import { askLeaders } from '../cluster/partition-requests.ts'
import { KafkaError, isAuthorizationCode, isRetriableCode, kafkaErrors, throwOnError } from '../protocol/errors.ts'
import { READ_TOPIC_PATIENCE, pause } from '../cluster/retry.ts'
import { invalidTopicCodes, topicError, unknownTopic } from './topic-errors.ts'

const specialTimestamps = { latest: -1n, earliest: -2n } as const
/** Manages topics and their records. */
export class TopicAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Asks a broker for topics and returns those that exist. @throws MR_LOG_UNREACHABLE, MR_LOG_FAILED */
  async describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    const found = await this.#cluster.retrying({ what: 'describing topics' }, () => this.#cluster.refresh(names))
    const described = new Map<string, TopicDescription>()
    for (const { name, id, partitions } of found.values())
      described.set(name, { name, id, partitions: partitions.length })
    return described
  }

  /** Returns the names of all topics that this client may see, sorted. @throws MR_LOG_UNREACHABLE */
  async listTopics(): Promise<readonly string[]> {
    const { topics } = await this.#cluster.retrying({ what: 'listing topics' }, () =>
      this.#cluster.sendToAny('admin', metadataV12.api, null, false, false),
    )
    return topics.flatMap(({ name }) => name ?? []).sort()
  }

  /**
   * Creates topics and waits until the cluster shows them with a leader for every partition. Existing topics stay as
   * they are.
   *
   * @throws MR_TOPIC_INVALID (name, counts or configs refused), MR_TOPIC_CREATE, MR_LOG_UNREACHABLE
   */
  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    checkTopicSpecs(topics)
    if (topics.length === 0) return
    let pending = topics
    await this.#cluster.retrying({ what: 'creating topics' }, async () => {
      const request = pending.map((topic) => ({
        name: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor ?? -1,
        assignments: [],
        configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
      }))
      const timeout = this.#cluster.options.requestTimeout
      const response = await this.#cluster.sendToAny('admin', createTopicsV7.api, request, timeout, false)
      const retry = new Map<string, KafkaError>()
      for (const { name, errorCode, errorMessage } of response.topics) {
        if (errorCode === kafkaErrors.none || errorCode === kafkaErrors.topicAlreadyExists) continue
        const code = invalidTopicCodes.has(errorCode) ? 'MR_TOPIC_INVALID' : 'MR_TOPIC_CREATE'
        const needs = { topic: 'Create', cluster: 'Create' } as const
        const own = isAuthorizationCode(errorCode) ? {} : { code }
        const error = new KafkaError(errorCode, 'creating a topic', { ...own, topic: name, text: errorMessage, needs })
        if (!isRetriableCode(errorCode)) throw error
        retry.set(name, error)
      }
      pending = pending.filter(({ name }) => retry.has(name))
      for (const error of retry.values()) throw error
    })
    await this.#untilVisible(topics.map(({ name }) => name))
  }

  /** Deletes topics, except those that do not exist. @throws MR_LOG_FAILED, MR_LOG_UNREACHABLE */
  async deleteTopics(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    const deleted = await this.#cluster.retrying({ what: 'describing topics' }, () => this.#cluster.refresh(names))
    await this.#cluster.retrying({ what: 'deleting topics' }, async () => {
      const request = names.map((name) => ({ name }))
      const timeout = this.#cluster.options.requestTimeout
      const response = await this.#cluster.sendToAny('admin', deleteTopicsV6.api, request, timeout)
      for (const { name, errorCode, errorMessage } of response.responses) {
        if (errorCode === kafkaErrors.unknownTopicOrPartition) continue
        const needs = { topic: 'Delete' } as const
        throwOnError(errorCode, 'deleting a topic', { topic: name ?? undefined, text: errorMessage, needs })
      }
    })
    await this.#untilGone(deleted)
    for (const name of names) this.#cluster.forgetTopic(name)
  }

  /**
   * Raises a topic's number of partitions, and waits until the cluster shows them with leaders.
   *
   * @throws MR_TOPIC_INVALID, MR_TOPIC_UNKNOWN, MR_LOG_FAILED, MR_LOG_UNREACHABLE
   */
  async createPartitions(topic: string, count: number): Promise<void> {
    const retry = { what: 'creating partitions', unknownTopicPatience: READ_TOPIC_PATIENCE }
    let attempts = 0
    try {
      await this.#cluster.retrying(retry, async () => {
        attempts++
        const request = [{ name: topic, count }]
        const timeout = this.#cluster.options.requestTimeout
        const response = await this.#cluster.sendToAny('admin', createPartitionsV3.api, request, timeout, false)
        for (const { errorCode, errorMessage } of response.results) {
          throwOnError(errorCode, retry.what, { topic, text: errorMessage, needs: { topic: 'Alter' } })
        }
      })
    } catch (error) {
      const isRefused = error instanceof KafkaError && error.apiCode === kafkaErrors.invalidPartitions
      const has = isRefused ? (await this.describePartitions(topic)).length : 0
      // An attempt whose answer was lost may have made them.
      if (attempts === 1 || has !== count) throw count <= has ? notMore(topic, has, count) : topicError(topic, error)
    }
    this.#cluster.forgetTopic(topic)
    await this.#untilVisible([topic], count)
  }

  /** Returns where the partitions of a topic are. @throws MR_TOPIC_UNKNOWN, MR_LOG_FAILED, MR_LOG_UNREACHABLE */
  async describePartitions(topic: string): Promise<readonly PartitionDescription[]> {
    const what = 'describing a topic'
    return await this.#cluster.retrying({ what }, async () => {
      const { topics } = await this.#cluster.sendToAny('admin', metadataV12.api, [topic], false, false)
      const [found] = topics
      if (found === undefined || found.errorCode === kafkaErrors.unknownTopicOrPartition) throw unknownTopic(topic)
      throwOnError(found.errorCode, what, { topic, needs: { topic: 'Describe' } })
      return found.partitions
        .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
          partition: partitionIndex,
          leader: leaderId < 0 ? undefined : leaderId,
          replicas: replicaNodes,
          inSyncReplicas: isrNodes,
        }))
        .sort((left, right) => left.partition - right.partition)
    })
  }

  /**
   * Returns the first (`earliest`) or next (`latest`, uncommitted records included) offsets, or those of the first
   * records at or after a time. Where there is no such record, that is the end.
   *
   * @throws MR_TOPIC_UNKNOWN, MR_LOG_FAILED, MR_LOG_UNREACHABLE
   */
  async listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): Promise<PartitionMap<number>> {
    const timestamp = typeof at === 'string' ? specialTimestamps[at] : BigInt(at.timestamp)
    await this.#requirePartitions(partitions)
    const wanted = new PartitionMap<bigint>()
    for (const { topic, partition } of partitions) wanted.set(topic, partition, timestamp)
    const offsets = await this.#offsetsAt(wanted)
    const none = partitions.filter(({ topic, partition }) => offsets.get(topic, partition) === -1)
    if (none.length > 0 && typeof at !== 'string') {
      for (const [topic, partition, end] of (await this.listOffsets(none, 'latest')).entries())
        offsets.set(topic, partition, end)
    }
    return offsets
  }

  /** Deletes the records below the given offsets. @throws MR_TOPIC_UNKNOWN, MR_LOG_FAILED, MR_LOG_UNREACHABLE */
  async deleteRecords(offsets: PartitionMap<number>): Promise<void> {
    await this.#requirePartitions(Array.from(offsets.entries(), ([topic, partition]) => ({ topic, partition })))
    await askLeaders(this.#cluster, 'deleting records', { topic: 'Delete' }, offsets, async (broker, topics) => {
      const request = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(([partitionIndex, offset]) => ({ partitionIndex, offset: BigInt(offset) })),
      }))
      const timeout = this.#cluster.options.requestTimeout
      const response = await this.#cluster.send(broker, 'admin', deleteRecordsV2.api, request, timeout)
      return response.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex: partition, errorCode }) => ({
          topic: name,
          partition,
          errorCode,
          result: true,
        })),
      )
    })
  }

  #offsetsAt(timestamps: PartitionMap<bigint>): Promise<PartitionMap<number>> {
    return askLeaders(this.#cluster, 'listing offsets', { topic: 'Describe' }, timestamps, async (broker, topics) => {
      const request = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(([partitionIndex, timestamp]) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp,
        })),
      }))
      const response = await this.#cluster.send(broker, 'admin', listOffsetsV7.api, -1, 0, request)
      return response.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode, offset }) => ({
          topic: name,
          partition: partitionIndex,
          errorCode,
          result: Number(offset),
        })),
      )
    })
  }

  /** Waits until no broker knows the deleted topics: a topic created again could be mistaken for the old one. */
  async #untilGone(deleted: ReadonlyMap<string, TopicMetadata>): Promise<void> {
    await this.#cluster.retrying({ what: 'waiting for topics to be gone' }, async () => {
      const found = await this.#cluster.refresh([...deleted.keys()])
      for (const [name, { id }] of deleted) {
        if (found.get(name)?.id === id) {
          throw new KafkaError(kafkaErrors.leaderNotAvailable, 'a deleted topic is still known', { topic: name })
        }
      }
    })
  }

  async #untilVisible(names: readonly string[], least = 1): Promise<void> {
    await this.#cluster.retrying({ what: 'waiting for new topics' }, async () => {
      const found = await this.#cluster.refresh(names)
      for (const name of names) {
        const partitions = found.get(name)?.partitions
        if (partitions === undefined || partitions.length < least || partitions.some(({ leader }) => leader < 0)) {
          throw new KafkaError(kafkaErrors.leaderNotAvailable, 'a new partition has no leader yet', { topic: name })
        }
      }
    })
  }

  /** Requires that partitions exist. An unknown topic may be new, so it asks for it twice. */
  async #requirePartitions(partitions: readonly TopicPartition[]): Promise<void> {
    const names = [...new Set(partitions.map(({ topic }) => topic))]
    const find = () => this.#cluster.retrying({ what: 'describing topics' }, () => this.#cluster.topics(names))
    if (firstMissing(await find(), partitions) === undefined) return
    const { clock, retryBackoffMax } = this.#cluster.options
    await pause(clock, retryBackoffMax, this.#cluster.closed)
    for (const name of names) this.#cluster.forgetTopic(name)
    const missing = firstMissing(await find(), partitions)
    if (missing !== undefined) {
      throw new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such topic or partition', {
        ...missing,
        hint: 'Create the topic, or correct its name.',
      })
    }
  }
}

function firstMissing(
  found: ReadonlyMap<string, TopicMetadata>,
  partitions: readonly TopicPartition[],
): TopicPartition | undefined {
  return partitions.find(({ topic, partition }) => found.get(topic)?.partitions[partition] === undefined)
}
