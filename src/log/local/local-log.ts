import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import type { Clock } from '../../platform/clock.ts'
import {
  PartitionMap,
  type CommittedOffset,
  type Log,
  type LogClient,
  type LogClientOptions,
  type LogProducer,
  type LogReader,
  type OffsetSpec,
  type TopicDescription,
  type TopicPartition,
  type TopicSpec,
} from '../log.ts'
import type { GroupDescription, GroupListing, PartitionDescription, TopicConfig } from '../admin.ts'
import { groupActive } from '../../group/group.ts'
import type { GroupInstance } from '../../group/group-instances.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { LocalClient } from './local-client.ts'
import { LocalProducer } from './local-producer.ts'
import { LocalReader } from './local-reader.ts'
import { assertWithin, type PartitionData } from './partition-data.ts'
import type { LogSnapshot } from './log-snapshot.ts'
import { logClosed, type StagedCommit } from './staged-commit.ts'
import { PRODUCERS } from './own-group.ts'
import { rulesOf } from './topic-rules.ts'
import { checkGrowth, validateTopicSpec, type LocalPartition, type LocalTopic } from './local-topic.ts'
import { alteredConfigs, describedConfigs } from './topic-configs.ts'

/** A topic before it has partitions in memory. */
export interface TopicIdentity {
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** Storage of a local log. */
export interface LogStorage {
  readonly kind: 'memory' | 'embedded'
  /** Bytes left free after each run that is handed to `publish`. */
  readonly trailerBytes: number
  /** Creates a topic, which lasts as soon as anything that is published later does. */
  createTopic(spec: TopicSpec): TopicIdentity
  openPartition(topic: TopicIdentity, partition: number): PartitionData
  /** Makes a commit last, then calls `makeVisible`. Commits of a client become visible in the order of the calls. */
  publish(commit: StagedCommit, makeVisible: (commit: StagedCommit) => void): MaybePromise<void>
  /** Returns when everything handed over before is done. */
  settled(): MaybePromise<void>
  /** Makes the partition count and configs of a topic last, as soon as anything that is published later does. */
  changeTopic(topic: LocalTopic, changed: TopicIdentity): void
  /** Deletes a topic for good; a later one of that name has another id. */
  deleteTopic(topic: LocalTopic): void
  /** Deletes the committed offsets of a group, which lasts as soon as anything that is published later does. */
  deleteOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): void
  /** Deletes the records of a partition below an offset between its start and its end. */
  deleteBelow(partition: LocalPartition, offset: number): void
  /** Opens a snapshot of all that commits have made visible. Absent where nothing outlives the process. */
  openSnapshot?(): LogSnapshot
  close(): MaybePromise<void>
}

/** Content of a storage when it was opened. */
export interface StoredContent {
  readonly topics: Iterable<TopicIdentity>
  readonly offsets: Iterable<readonly [groupId: string, topic: string, partition: number, offset: CommittedOffset]>
}

const EMPTY: StoredContent = { topics: [], offsets: [] }

/**
 * A log within this process, over any storage. It is always exactly-once: a commit makes records and offsets visible
 * all at once. Readers and members are woken synchronously after that.
 */
export class LocalLog implements Log {
  readonly kind: 'memory' | 'embedded'
  /** @internal */
  readonly clock: Clock
  /** @internal */
  readonly trailerBytes: number
  readonly #storage: LogStorage
  readonly #topics = new Map<string, LocalTopic>()
  readonly #offsets = new Map<string, PartitionMap<CommittedOffset>>()
  readonly #groups = new Map<string, GroupCoordinator>()
  readonly #clients = new Map<string, LocalClient>()
  readonly #onClose: () => void
  readonly #makeVisible = (commit: StagedCommit): void => this.#show(commit)
  #isClosed = false

  /** @param onClose stops everything else that works on the storage @internal */
  constructor(storage: LogStorage, clock: Clock, content: StoredContent = EMPTY, onClose: () => void = () => {}) {
    this.kind = storage.kind
    this.clock = clock
    this.trailerBytes = storage.trailerBytes
    this.#storage = storage
    this.#onClose = onClose
    for (const topic of content.topics) this.#addTopic(topic)
    for (const [groupId, topic, partition, offset] of content.offsets) {
      this.#offsetsOf(groupId).set(topic, partition, offset)
    }
  }

  describeTopics(names: readonly string[]): ReadonlyMap<string, TopicDescription> {
    this.#assertOpen()
    const found = new Map<string, TopicDescription>()
    for (const name of names) {
      const topic = this.#topics.get(name)
      if (topic !== undefined) found.set(name, { name, id: topic.id, partitions: topic.partitions.length })
    }
    return found
  }

  createTopics(specs: readonly TopicSpec[]): MaybePromise<void> {
    this.#assertOpen()
    for (const spec of specs) validateTopicSpec(spec)
    this.#createMissing(specs)
    for (const group of this.#groups.values()) group.topicsChanged()
    return this.#storage.settled()
  }

  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): PartitionMap<number> {
    this.#assertOpen()
    const offsets = new PartitionMap<number>()
    for (const { topic, partition } of partitions) {
      const { data } = this.#partition(topic, partition)
      if (at === 'earliest') offsets.set(topic, partition, data.startOffset)
      else if (at === 'latest') offsets.set(topic, partition, data.endOffset)
      else offsets.set(topic, partition, data.offsetForTime(at.timestamp))
    }
    return offsets
  }

  deleteRecords(offsets: PartitionMap<number>): MaybePromise<void> {
    this.#assertOpen()
    for (const [topic, index, offset] of offsets.entries()) {
      const partition = this.#partition(topic, index)
      if (offset <= partition.data.startOffset) continue
      assertWithin(partition.data, topic, index, offset)
      this.#storage.deleteBelow(partition, offset)
    }
    return this.#storage.settled()
  }

  listTopics(): readonly string[] {
    this.#assertOpen()
    return [...this.#topics.keys()].sort()
  }

  deleteTopics(names: readonly string[]): MaybePromise<void> {
    this.#assertOpen()
    for (const name of names) {
      const topic = this.#topics.get(name)
      if (topic === undefined) continue
      this.#topics.delete(name)
      this.#storage.deleteTopic(topic)
    }
    return this.#storage.settled()
  }

  createPartitions(name: string, count: number): MaybePromise<void> {
    this.#assertOpen()
    const topic = this.#existing(name)
    const { id, configs, partitions } = topic
    checkGrowth(name, partitions.length, count)
    const identity = { name, id, configs, partitions: count }
    this.#storage.changeTopic(topic, identity)
    while (partitions.length < count) partitions.push(this.#openPartition(identity, partitions.length))
    for (const group of this.#groups.values()) group.topicsChanged()
    return this.#storage.settled()
  }

  describePartitions(name: string): readonly PartitionDescription[] {
    this.#assertOpen()
    return this.#existing(name).partitions.map(({ partition }) => ({ partition, ...THIS_NODE }))
  }

  topicConfigs(name: string): ReadonlyMap<string, TopicConfig> {
    this.#assertOpen()
    return describedConfigs(this.#existing(name).configs)
  }

  alterTopicConfigs(name: string, changes: Readonly<Record<string, string | null>>): MaybePromise<void> {
    this.#assertOpen()
    const topic = this.#existing(name)
    const configs = alteredConfigs(name, topic.configs, changes)
    this.#storage.changeTopic(topic, { name, id: topic.id, configs, partitions: topic.partitions.length })
    Object.assign(topic, { configs, ...behaviourOf(configs) })
    return this.#storage.settled()
  }

  listGroups(): readonly GroupListing[] {
    this.#assertOpen()
    return [...new Set([...this.#groups.keys(), ...this.#offsets.keys()])].sort().flatMap((id) => {
      const description = this.describeGroup(id)
      if (description === undefined) return []
      const { type, protocol, state } = description
      return [{ id, type, protocol, state }]
    })
  }

  describeGroup(groupId: string): GroupDescription | undefined {
    this.#assertOpen()
    if (groupId === PRODUCERS) return undefined
    const offsets = this.#offsets.get(groupId)?.size ?? 0
    const group = this.#groups.get(groupId)
    const members = group?.describeMembers() ?? []
    if (offsets === 0 && members.length === 0) return undefined
    return { id: groupId, type: 'streams', protocol: 'streams', state: group?.state ?? 'Empty', members }
  }

  groupMembers(groupId: string): readonly string[] {
    this.#assertOpen()
    return this.#groups.get(groupId)?.memberNames ?? []
  }

  groupInstances(groupId: string): readonly GroupInstance[] {
    this.#assertOpen()
    return this.#groups.get(groupId)?.instances ?? []
  }

  committedOffsets(
    groupId: string,
    partitions?: readonly TopicPartition[],
  ): MaybePromise<PartitionMap<CommittedOffset>> {
    this.#assertOpen()
    const settled = this.#storage.settled()
    const find = (): PartitionMap<CommittedOffset> => {
      const all = this.#offsets.get(groupId)
      const found = new PartitionMap<CommittedOffset>()
      const asked = partitions ?? Array.from(all?.entries() ?? [], ([topic, partition]) => ({ topic, partition }))
      for (const { topic, partition } of asked) {
        const offset = all?.get(topic, partition)
        if (offset !== undefined) found.set(topic, partition, offset)
      }
      return found
    }
    return isPromise(settled) ? settled.then(find) : find()
  }

  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<void> {
    this.#assertOpen()
    const group = this.#groups.get(groupId)
    if (group !== undefined && partitions.some(({ topic }) => group.reads(topic)))
      throw groupActive(groupId, group.memberNames)
    const all = this.#offsets.get(groupId)
    const deleted = new PartitionMap<CommittedOffset>()
    for (const { topic, partition } of partitions) {
      const offset = all?.get(topic, partition)
      if (offset === undefined) continue
      deleted.set(topic, partition, offset)
      all?.delete(topic, partition)
    }
    if (deleted.size > 0) this.#storage.deleteOffsets(groupId, deleted)
    return this.#storage.settled()
  }

  deleteGroup(groupId: string): MaybePromise<void> {
    this.#requireNoMembers(groupId)
    const offsets = this.#offsets.get(groupId)
    this.#groups.delete(groupId)
    this.#offsets.delete(groupId)
    if (offsets !== undefined) this.#storage.deleteOffsets(groupId, offsets)
    return this.#storage.settled()
  }

  commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): MaybePromise<void> {
    this.#requireNoMembers(groupId)
    return this.publish({ runs: [], groupId, offsets })
  }

  openReader(): LogReader {
    this.#assertOpen()
    return new LocalReader((name) => this.#topics.get(name))
  }

  openProducer(): LogProducer {
    this.#assertOpen()
    return new LocalProducer(this, (commit) => this.publish(commit))
  }

  openClient(options: LogClientOptions): MaybePromise<LogClient> {
    this.#assertOpen()
    this.#clients.get(options.transactionalId)?.fence()
    const client = new LocalClient(options, this, this.#group(options.groupId))
    this.#clients.set(options.transactionalId, client)
    const settled = this.#storage.settled()
    return isPromise(settled) ? settled.then(() => client) : client
  }

  /**
   * Ends the session of the client with this transactional id, as a coordinator does after too long without a
   * heartbeat. The tasks go to the other members at once, commits are refused, and the client joins again when it takes
   * the event.
   *
   * @internal
   */
  endSession(transactionalId: string): void {
    this.#clients.get(transactionalId)?.endSession()
  }

  close(): MaybePromise<void> {
    if (this.#isClosed) return
    for (const client of this.#clients.values()) client.close()
    this.#isClosed = true
    this.#onClose()
    return this.#storage.close()
  }

  /** Undefined for a log in memory. @internal */
  openSnapshot(): LogSnapshot | undefined {
    this.#assertOpen()
    return this.#storage.openSnapshot?.()
  }

  /** True while stream threads have clients of this log. @internal */
  get hasClients(): boolean {
    return this.#clients.size > 0
  }

  /** @internal */
  topic(name: string): LocalTopic | undefined {
    return this.#topics.get(name)
  }

  /** @internal */
  publish(commit: StagedCommit): MaybePromise<void> {
    this.#assertOpen()
    return this.#storage.publish(commit, this.#makeVisible)
  }

  /** @internal */
  committedOffset(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#offsets.get(groupId)?.get(topic, partition)
  }

  /** @internal */
  clientClosed(client: LocalClient): void {
    if (this.#clients.get(client.transactionalId) === client) this.#clients.delete(client.transactionalId)
  }

  #show(commit: StagedCommit): void {
    for (const { partition, run } of commit.runs) partition.data.append(run)
    if (commit.offsets !== undefined && commit.groupId !== undefined) {
      const group = this.#offsetsOf(commit.groupId)
      for (const [topic, partition, offset] of commit.offsets.entries()) group.set(topic, partition, offset)
    }
    for (const { partition } of commit.runs) for (const listener of partition.listeners) listener.arrived()
  }

  #requireNoMembers(groupId: string): void {
    const members = this.groupMembers(groupId)
    if (members.length > 0) throw groupActive(groupId, members)
  }

  #group(groupId: string): GroupCoordinator {
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      group = new GroupCoordinator(groupId, {
        clock: this.clock,
        partitionsOf: (topic) => this.#topics.get(topic)?.partitions.length,
        createInternalTopics: (specs) => this.#createMissing(specs),
      })
      this.#groups.set(groupId, group)
    }
    return group
  }

  #offsetsOf(groupId: string): PartitionMap<CommittedOffset> {
    let offsets = this.#offsets.get(groupId)
    if (offsets === undefined) this.#offsets.set(groupId, (offsets = new PartitionMap()))
    return offsets
  }

  #createMissing(specs: readonly TopicSpec[]): void {
    for (const spec of specs) {
      validateTopicSpec(spec)
      if (!this.#topics.has(spec.name)) this.#addTopic(this.#storage.createTopic(spec))
    }
  }

  #addTopic(identity: TopicIdentity): void {
    const { name, id, configs } = identity
    const partitions = Array.from({ length: identity.partitions }, (_, index) => this.#openPartition(identity, index))
    this.#topics.set(name, { name, id, configs, partitions, ...behaviourOf(configs) })
  }

  #openPartition(topic: TopicIdentity, partition: number): LocalPartition {
    const data = this.#storage.openPartition(topic, partition)
    return { topic: topic.name, partition, data, listeners: new Set() }
  }

  #existing(name: string): LocalTopic {
    const topic = this.#topics.get(name)
    if (topic !== undefined) return topic
    throw new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such topic', { topic: name, hint: 'Create it first.' })
  }

  #partition(topic: string, partition: number): LocalPartition {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found !== undefined) return found
    throw new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such partition', {
      topic,
      partition,
      hint: 'Create the topic first.',
    })
  }

  #assertOpen(): void {
    if (this.#isClosed) throw logClosed()
  }
}

const THIS_NODE: Omit<PartitionDescription, 'partition'> = { leader: 0, replicas: [0], inSyncReplicas: [0] }

/** Returns how the configs of a topic make it treat its records. */
function behaviourOf(configs: Readonly<Record<string, string>>): Pick<LocalTopic, 'usesAppendTime' | 'rules'> {
  return { usesAppendTime: configs['message.timestamp.type'] === 'LogAppendTime', rules: rulesOf(configs) }
}
