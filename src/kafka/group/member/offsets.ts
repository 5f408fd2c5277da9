import { offsetCommitV8, offsetCommitV9, offsetDeleteV0, offsetFetchV8, offsetFetchV9 } from '@platformatic/kafka'
import { PartitionMap, type CommittedOffset, type TopicPartition } from '../../../log/log.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { topicValues } from '../../cluster/partition-requests.ts'
import { kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { READ_TOPIC_PATIENCE } from '../../cluster/retry.ts'
import { askCoordinator } from './coordinator.ts'

/** The member that reads or commits offsets. The broker refuses it unless this is its current epoch. */
export interface OffsetMember {
  readonly memberId: string
  readonly memberEpoch: number
  /** The name of a static member. By it the coordinator can tell a twin that took its place from an ended session. */
  readonly instanceId?: string | undefined
}

/**
 * Returns the committed offsets of a group, as far as there are any; those of all topics without `partitions`. Repeats
 * the call while a transaction holds one.
 *
 * @throws KafkaError `unknownMemberId`, `staleMemberEpoch` (never without a member); MR_LOG_UNREACHABLE
 */
export async function fetchOffsets(
  cluster: Cluster,
  groupId: string,
  member: OffsetMember | undefined,
  partitions: readonly TopicPartition[] | undefined,
): Promise<PartitionMap<CommittedOffset>> {
  if (partitions?.length === 0) return new PartitionMap()
  // The client writes a missing list as the protocol wants it, for all topics, but has no type for that.
  const topics = partitions === undefined ? (undefined as unknown as []) : askedTopics(partitions)
  const what = `fetching offsets of group ${groupId}`
  return askCoordinator(cluster, groupId, what, async (broker) => {
    const group = { groupId, memberId: member?.memberId ?? null, memberEpoch: member?.memberEpoch ?? -1, topics }
    const api = (await supports(cluster, broker, offsetFetchV9.api)) ? offsetFetchV9.api : offsetFetchV8.api
    const response = await cluster.send(broker, 'group', api, [group], true)
    const found = new PartitionMap<CommittedOffset>()
    for (const answer of response.groups) {
      const needs = { group: [groupId, 'Describe'], topic: 'Describe' } as const
      throwOnError(answer.errorCode, what, { needs })
      for (const { name, partitions: list } of answer.topics) {
        for (const { partitionIndex, committedOffset, metadata, errorCode } of list) {
          throwOnError(errorCode, what, { topic: name, partition: partitionIndex, needs })
          if (committedOffset < 0n) continue
          found.set(name, partitionIndex, { offset: Number(committedOffset), metadata: metadata ?? '' })
        }
      }
    }
    return found
  })
}

function askedTopics(partitions: readonly TopicPartition[]) {
  const asked = new PartitionMap<true>()
  for (const { topic, partition } of partitions) asked.set(topic, partition, true)
  return topicValues(asked).map(({ name, partitions: list }) => ({
    name,
    partitionIndexes: list.map(([partition]) => partition),
  }))
}

/**
 * Deletes committed offsets of a group, except those that it does not have.
 *
 * @throws KafkaError `groupSubscribedToTopic`, `nonEmptyGroup`; MR_LOG_UNREACHABLE
 */
export async function deleteOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  if (partitions.length === 0) return
  const topics = askedTopics(partitions).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex })),
  }))
  const what = `deleting offsets of group ${groupId}`
  const needs = { group: [groupId, 'Delete'], topic: 'Read' } as const
  await askCoordinator(cluster, groupId, what, async (broker) => {
    const response = await cluster.send(broker, 'group', offsetDeleteV0.api, groupId, topics)
    if (response.errorCode !== kafkaErrors.groupIdNotFound) throwOnError(response.errorCode, what, { needs })
    for (const { name, partitions: list } of response.topics) {
      for (const { partitionIndex, errorCode } of list) {
        if (errorCode === kafkaErrors.unknownTopicOrPartition) continue
        throwOnError(errorCode, what, { topic: name, partition: partitionIndex, needs })
      }
    }
  })
}

/**
 * Commits offsets of a group. Repetition does no harm, so the request is repeated after a lost answer.
 *
 * @throws KafkaError `unknownMemberId`, `staleMemberEpoch`, `illegalGeneration`; `unknownTopicOrPartition` for a topic
 *   that was deleted; MR_LOG_UNREACHABLE if there was no definite answer
 */
export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  member: OffsetMember | undefined,
  offsets: PartitionMap<CommittedOffset>,
): Promise<void> {
  if (offsets.size === 0) return
  const topics = offsetTopics(offsets)
  const what = `committing offsets of group ${groupId}`
  const commit = async (broker: number): Promise<void> => {
    const epoch = member?.memberEpoch ?? -1
    const response = await cluster.send(
      broker,
      'group',
      (await supports(cluster, broker, offsetCommitV9.api)) ? offsetCommitV9.api : offsetCommitV8.api,
      groupId,
      epoch,
      member?.memberId ?? '',
      member?.instanceId ?? null,
      topics,
    )
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const needs = { group: [groupId, 'Read'], topic: 'Read' } as const
        throwOnError(errorCode, what, { topic: name, partition: partitionIndex, needs })
      }
    }
  }
  await askCoordinator(cluster, groupId, what, commit, { unknownTopicPatience: READ_TOPIC_PATIENCE })
}

/** Returns offsets in the shape of commits, in a transaction or outside of one. */
export function offsetTopics(offsets: PartitionMap<CommittedOffset>) {
  return topicValues(offsets).map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(([partitionIndex, { offset, metadata }]) => ({
      partitionIndex,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }))
}

/** Version 9 has the fields of version 8. Streams groups take only version 9; brokers before 3.7 do not have it. */
async function supports(cluster: Cluster, broker: number, api: { key: number; version: number }): Promise<boolean> {
  const { apiKeys } = await cluster.versions(broker)
  return apiKeys.some(({ apiKey, maxVersion }) => apiKey === api.key && maxVersion >= api.version)
}
