import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { CommittedOffset, PartitionMap, TopicPartition } from './log.ts'

/** What tools do to topics and groups of a log, beside what running an application needs. */
export interface LogAdmin {
  /** Names of all topics, sorted. */
  listTopics(): MaybePromise<readonly string[]>
  /** Deletes topics with their records; one that does not exist is passed over. */
  deleteTopics(names: readonly string[]): MaybePromise<void>
  /** Names of the members that a group has now; empty if there is no such group. */
  groupMembers(groupId: string): MaybePromise<readonly string[]>
  /** Stable committed offsets of a group, asked for without being its member; partitions without one are absent. */
  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  /** Forgets a group with all its committed offsets. @throws MR_GROUP_ACTIVE while it has members */
  deleteGroup(groupId: string): MaybePromise<void>
  /** Commits offsets for a group without members. @throws MR_GROUP_ACTIVE while it has members */
  commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): MaybePromise<void>
}
