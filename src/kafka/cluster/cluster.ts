import { findCoordinatorV4, metadataV12, type API, type apiVersionsV3 } from '@platformatic/kafka'
import { BrokerConnection } from './broker-connection.ts'
import { KafkaError, isRetriableCode, kafkaErrors, throwOnError } from '../protocol/errors.ts'
import { retrying, type RetryOptions } from './retry.ts'
import type { BrokerAddress, ClusterOptions } from './connection-options.ts'
import { LONGEST_TIMER } from '../../platform/clock.ts'

/** Purpose of a connection. Each has its own per broker, so that a slow response (fetch) does not delay a heartbeat. */
export type Lane = 'admin' | 'fetch' | 'fetchAside' | 'produce' | 'transaction' | 'group' | 'heartbeat' | 'join'

export type CoordinatorKind = 'group' | 'transaction'

export interface TopicMetadata {
  readonly name: string
  /** UUID with dashes. */
  readonly id: string
  /** Indexed by partition number. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  /** Broker id of the leader; -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
}

const noTopic: ReadonlyMap<string, TopicMetadata> = new Map()
const coordinatorKinds: Readonly<Record<CoordinatorKind, number>> = { group: 0, transaction: 1 }

/** Metadata of a Kafka cluster, and connections to its brokers. */
export class Cluster {
  readonly options: ClusterOptions
  readonly #connections = new Map<string, BrokerConnection>()
  readonly #brokers = new Map<number, BrokerAddress>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #coordinators = new Map<string, number>()
  readonly #versions = new Map<number, Promise<apiVersionsV3.ApiVersionsResponse>>()
  readonly #closing = new AbortController()
  readonly #laneOptions: Partial<Record<Lane, ClusterOptions>>
  #nextBootstrap = 0

  constructor(options: ClusterOptions) {
    this.options = options
    const { requestTimeout, sessionTimeout } = options
    this.#laneOptions = {
      // A hanging heartbeat must be given up while there is still time for another one within the session.
      heartbeat: { ...options, requestTimeout: Math.min(requestTimeout, 5_000) },
      // The response to a join comes when every live member has joined. Dead ones delay it until their sessions end.
      join: { ...options, requestTimeout: Math.min(sessionTimeout + requestTimeout, LONGEST_TIMER) },
    }
  }

  /** Aborted when the cluster is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Returns the last known metadata of a topic. */
  cachedTopic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  /**
   * Asks a broker for topics and remembers the response; topics that do not exist are absent. Each broker is tried
   * once.
   *
   * @throws KafkaError if a topic cannot be described (no permission, invalid name); `networkException` if no broker
   *   responds
   */
  async refresh(topics: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    return topics.length === 0
      ? noTopic
      : this.#learn(await this.sendToAny('admin', metadataV12.api, topics.slice(), false, false))
  }

  /** Returns the ids of the live brokers. @throws KafkaError `networkException` if no broker responds */
  async liveBrokers(): Promise<readonly number[]> {
    const response = await this.sendToAny('admin', metadataV12.api, [], false, false)
    this.#learnBrokers(response)
    return response.brokers.map(({ nodeId }) => nodeId)
  }

  /** Returns topics from the cache, and asks for missing ones; topics that do not exist are absent. */
  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const missing = names.filter((name) => !this.#topics.has(name))
    if (missing.length > 0) await this.refresh(missing)
    const found = new Map<string, TopicMetadata>()
    for (const name of names) {
      const topic = this.#topics.get(name)
      if (topic !== undefined) found.set(name, topic)
    }
    return found
  }

  /** Forgets a topic, so that the next request for it goes to a broker. */
  forgetTopic(name: string): void {
    this.#topics.delete(name)
  }

  /** Returns the cached leader of a partition; `undefined` if unknown or missing, so that the caller refreshes. */
  cachedLeader(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.partitions[partition]?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /**
   * Returns the leader of a partition, and asks for it if it is not cached.
   *
   * @throws KafkaError (retriable) `unknownTopicOrPartition`, `leaderNotAvailable`, `networkException`
   */
  async leader(topic: string, partition: number): Promise<number> {
    const cached = this.cachedLeader(topic, partition)
    if (cached !== undefined) return cached
    const found = (await this.refresh([topic])).get(topic)?.partitions[partition]
    if (found === undefined) {
      throw new KafkaError(kafkaErrors.unknownTopicOrPartition, 'no such partition', { topic, partition })
    }
    if (found.leader < 0)
      throw new KafkaError(kafkaErrors.leaderNotAvailable, 'partition has no leader', { topic, partition })
    return found.leader
  }

  /**
   * Returns the broker that coordinates a group or a transactional id, and caches it until `forgetCoordinator`.
   *
   * @throws KafkaError `coordinatorNotAvailable`, `networkException` (retriable), `groupAuthorizationFailed` …
   */
  async coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const cacheKey = `${kind}:${key}`
    const cached = this.#coordinators.get(cacheKey)
    if (cached !== undefined) return cached
    const { coordinators } = await this.sendToAny('admin', findCoordinatorV4.api, coordinatorKinds[kind], [key])
    const found = coordinators[0]
    if (found === undefined)
      throw new KafkaError(kafkaErrors.coordinatorNotAvailable, `finding the coordinator of ${kind} ${key}`)
    const needs =
      kind === 'group' ? ({ group: [key, 'Describe'] } as const) : ({ transactionalId: [key, 'Describe'] } as const)
    throwOnError(found.errorCode, `finding the coordinator of ${kind} ${key}`, { text: found.errorMessage, needs })
    this.#brokers.set(found.nodeId, { host: found.host, port: found.port })
    this.#coordinators.set(cacheKey, found.nodeId)
    return found.nodeId
  }

  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind}:${key}`)
  }

  /** Returns the API versions and finalized features of a broker, and asks for them once. */
  async versions(broker: number): Promise<apiVersionsV3.ApiVersionsResponse> {
    const known = this.#versions.get(broker)
    if (known !== undefined) return known
    const asked = this.#connection(broker, 'admin').versions()
    this.#versions.set(broker, asked)
    try {
      return await asked
    } catch (error) {
      this.#versions.delete(broker)
      throw error
    }
  }

  /**
   * Sends a request to a broker over the connection of `lane` and returns the decoded response. The caller checks the
   * error codes in it.
   *
   * @throws KafkaError `networkException` (retriable): no connection, connection lost, no response in `requestTimeout`
   */
  async send<A extends unknown[], R>(broker: number, lane: Lane, api: API<A, R>, ...args: A): Promise<R> {
    try {
      return await this.#connection(broker, lane).send(api, args)
    } catch (error) {
      // The broker may be another one by now (upgraded, or its id taken over).
      if (error instanceof KafkaError) this.#versions.delete(broker)
      throw error
    }
  }

  /** Sends a request to any broker: each is tried once, beginning with the one that responded last. */
  async sendToAny<A extends unknown[], R>(lane: Lane, api: API<A, R>, ...args: A): Promise<R> {
    const addresses = this.#addresses()
    let last: unknown
    for (let i = 0; i < addresses.length; i++) {
      const at = (this.#nextBootstrap + i) % addresses.length
      const address = addresses[at]
      if (address === undefined) continue
      try {
        const response = await this.#connectionTo(address, lane).send(api, args)
        this.#nextBootstrap = at
        return response
      } catch (error) {
        if (!(error instanceof KafkaError) || error.apiCode !== kafkaErrors.networkException) throw error
        last = error
      }
    }
    throw last
  }

  /** Repeats `attempt` on retriable errors until `apiTimeout`. @throws MR_LOG_UNREACHABLE, or the last error */
  retrying<T>(retry: Omit<RetryOptions, 'signal'>, attempt: () => Promise<T>): Promise<T> {
    return retrying(this.options, { ...retry, signal: this.closed }, attempt)
  }

  /** Closes every connection; calls under way fail. */
  async close(): Promise<void> {
    this.#closing.abort()
    const open = [...this.#connections.values()]
    this.#connections.clear()
    await Promise.all(open.map((connection) => connection.close()))
  }

  #learn(response: metadataV12.MetadataResponse): ReadonlyMap<string, TopicMetadata> {
    this.#learnBrokers(response)
    const found = new Map<string, TopicMetadata>()
    for (const topic of response.topics) {
      const name = topic.name
      if (name == null) continue
      if (topic.errorCode === kafkaErrors.unknownTopicOrPartition) {
        this.#topics.delete(name)
        continue
      }
      // A topic that is being created has no leader yet. Its partitions say so too.
      if (!isRetriableCode(topic.errorCode))
        throwOnError(topic.errorCode, 'describing a topic', { topic: name, needs: { topic: 'Describe' } })
      const partitions: PartitionMetadata[] = []
      for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
        partitions[partitionIndex] = { leader: leaderId, leaderEpoch }
      }
      if (partitions.length === 0) continue
      const known: TopicMetadata = { name, id: topic.topicId, partitions }
      this.#topics.set(name, known)
      found.set(name, known)
    }
    return found
  }

  #learnBrokers(response: metadataV12.MetadataResponse): void {
    if (response.brokers.length === 0) return
    const live = new Set<string>(this.options.brokers.map(addressText))
    this.#brokers.clear()
    for (const { nodeId, host, port } of response.brokers) {
      this.#brokers.set(nodeId, { host, port })
      live.add(addressText({ host, port }))
    }
    for (const [key, connection] of this.#connections) {
      if (live.has(key.slice(key.indexOf(' ') + 1))) continue
      this.#connections.delete(key)
      void connection.close().catch(() => undefined)
    }
  }

  /** Returns the bootstrap list and the known brokers, each address once. */
  #addresses(): BrokerAddress[] {
    const all = new Map<string, BrokerAddress>()
    for (const address of this.options.brokers) all.set(addressText(address), address)
    for (const address of this.#brokers.values()) all.set(addressText(address), address)
    return [...all.values()]
  }

  #connection(broker: number, lane: Lane): BrokerConnection {
    const address = this.#brokers.get(broker)
    if (address === undefined) {
      throw new KafkaError(kafkaErrors.networkException, `Kafka broker ${broker} is not in the cluster's metadata`)
    }
    return this.#connectionTo(address, lane)
  }

  #connectionTo(address: BrokerAddress, lane: Lane): BrokerConnection {
    const key = `${lane} ${addressText(address)}`
    if (this.closed.aborted) throw new KafkaError(kafkaErrors.networkException, 'the connection to Kafka is closed')
    let connection = this.#connections.get(key)
    if (connection === undefined) {
      const options = this.#laneOptions[lane] ?? this.options
      this.#connections.set(key, (connection = new BrokerConnection(address, options)))
    }
    return connection
  }
}

function addressText({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}
