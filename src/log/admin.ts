import type { GroupInstance } from '../group/group-instances.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { CommittedOffset, PartitionMap, TopicPartition } from './partition-map.ts'

/** Operations of tools on the topics and groups of a log, beside those that running an application needs. */
export interface LogAdmin {
  /** Returns the names of all topics, sorted. */
  listTopics(): MaybePromise<readonly string[]>
  /** Deletes topics with their records, except those that do not exist. */
  deleteTopics(names: readonly string[]): MaybePromise<void>
  /**
   * Raises a topic's number of partitions to `count`. Records stay where they are, so that keys of later records may
   * lie in other partitions than those before.
   *
   * @throws MR_TOPIC_INVALID if the topic has so many already, or cannot have so many; MR_TOPIC_UNKNOWN
   */
  createPartitions(topic: string, count: number): MaybePromise<void>
  /** Returns where the partitions of a topic are, by their numbers. @throws MR_TOPIC_UNKNOWN */
  describePartitions(topic: string): MaybePromise<readonly PartitionDescription[]>
  /**
   * Returns the configs of a topic by name, sorted: those that were set for it, and all others that act on this log,
   * with the values that they have.
   *
   * @throws MR_TOPIC_UNKNOWN
   */
  topicConfigs(topic: string): MaybePromise<ReadonlyMap<string, TopicConfig>>
  /**
   * Sets configs of a topic one by one and leaves the others (KIP-339); `null` puts a config back to its default.
   * Brokers apply and report a change a moment later.
   *
   * @throws MR_TOPIC_INVALID for a config that this log does not have, or a value that it refuses; MR_TOPIC_UNKNOWN
   */
  alterTopicConfigs(topic: string, changes: Readonly<Record<string, string | null>>): MaybePromise<void>
  /** Returns the groups of all protocols that have members or committed offsets, sorted by id. */
  listGroups(): MaybePromise<readonly GroupListing[]>
  /** Returns a group with its members; `undefined` if there is none, or if it is a share group (KIP-932). */
  describeGroup(groupId: string): MaybePromise<GroupDescription | undefined>
  /** Returns the names of the members that a group has now; empty if there is no such group. */
  groupMembers(groupId: string): MaybePromise<readonly string[]>
  /**
   * Returns the processes of the application that a group has now, with what they advertise and the tasks that they
   * were assigned. Waits while a group of Kafka's classic protocol rebalances. Empty if there is no such group.
   */
  groupInstances(groupId: string): MaybePromise<readonly GroupInstance[]>
  /**
   * Returns the stable committed offsets of a group, without membership: of all topics, or of some partitions.
   * Partitions without one are absent.
   */
  committedOffsets(groupId: string, partitions?: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  /**
   * Deletes committed offsets of a group (KIP-496), except those that it does not have.
   *
   * @throws MR_GROUP_ACTIVE while members of the group read one of the topics
   */
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<void>
  /** Deletes a group with all its committed offsets. @throws MR_GROUP_ACTIVE while it has members */
  deleteGroup(groupId: string): MaybePromise<void>
  /** Commits offsets for a group without members. @throws MR_GROUP_ACTIVE while it has members */
  commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): MaybePromise<void>
}

/** Where a partition is. A log in this process is one node, with the number 0, that leads all partitions. */
export interface PartitionDescription {
  readonly partition: number
  /** Id of the broker that leads it; `undefined` while none does. */
  readonly leader: number | undefined
  /** Ids of the brokers that have a copy of it. */
  readonly replicas: readonly number[]
  /** Ids of those whose copies are in sync with the leader's. */
  readonly inSyncReplicas: readonly number[]
}

/** The value of a topic's config, and where it comes from. */
export interface TopicConfig {
  /** `null` if it is sensitive, or has none. */
  readonly value: string | null
  /** `topic`: set for the topic. `broker`: set on the brokers. `default`: built in. */
  readonly source: 'topic' | 'broker' | 'default'
}

/**
 * How the members of a group share their work: `classic` (JoinGroup and SyncGroup), `consumer` (KIP-848), `streams`
 * (KIP-1071), `share` (KIP-932). `unknown` for a type that is newer than this library. Groups of logs in this process
 * are `streams` groups.
 */
export type GroupType = 'classic' | 'consumer' | 'streams' | 'share' | 'unknown'

/** A group as a list of groups has it. */
export interface GroupListing {
  readonly id: string
  readonly type: GroupType
  /** Kind of the members as they name it, such as `consumer`, `streams` or `connect`; empty if nobody was a member. */
  readonly protocol: string
  /** State as Kafka names it, such as `Empty`, `Stable`, `Reconciling` or `PreparingRebalance`. */
  readonly state: string
}

/** A group with its members. */
export interface GroupDescription extends GroupListing {
  /** Sorted by client id, then by member id. */
  readonly members: readonly GroupMemberDescription[]
}

/** A member of a group, as a tool outside of the group sees it. */
export interface GroupMemberDescription {
  readonly memberId: string
  /** Name of a static member (KIP-345). */
  readonly instanceId: string | undefined
  readonly clientId: string
  /** Address from which it is connected; `localhost` on a log in this process. */
  readonly host: string
  /**
   * The partitions that it reads, sorted; for members of a `streams` group those of its active tasks. Empty while a
   * classic group rebalances, and for classic members that are no consumers.
   */
  readonly partitions: readonly TopicPartition[]
}
