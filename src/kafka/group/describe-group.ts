import type { GroupDescription } from '../../log/admin.ts'
import { compareMembers, comparePartitions, partitionsOf } from '../../log/group-partitions.ts'
import type { TopicPartition } from '../../log/log.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { DescribedStreamsGroup } from '../protocol/streams-group-describe.ts'
import { assignedPartitions, protocolType } from './classic/consumer-protocol.ts'
import { askCoordinator } from './member/coordinator.ts'
import { describeConsumerGroup } from './member/describe-consumer-group.ts'
import { describeClassicGroup, type ClassicGroupMember } from './member/describe-classic-group.ts'
import { streamsGroupIfAny } from './member/group-members.ts'
import { assignmentOf } from './member/tasks.ts'

/**
 * Returns a group with its members, by the request of its protocol; `undefined` if there is no such group.
 *
 * @throws MR_AUTHORIZATION, MR_LOG_FAILED, MR_LOG_UNREACHABLE
 */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription | undefined> {
  const streams = await askCoordinator(cluster, groupId, `describing group ${groupId}`, (broker) =>
    streamsGroupIfAny(cluster, groupId, broker),
  )
  if (streams !== undefined) return await ofStreams(cluster, streams)
  return (await ofConsumers(cluster, groupId)) ?? (await ofClassicMembers(cluster, groupId))
}

async function ofStreams(cluster: Cluster, group: DescribedStreamsGroup): Promise<GroupDescription> {
  const subtopologies = (group.subtopologies ?? []).map(({ subtopologyId, ...rest }) => ({
    id: Number(subtopologyId),
    sourceTopics: rest.sourceTopics,
    repartitionSourceTopics: rest.repartitionSourceTopics.map(({ name }) => name),
  }))
  const names = subtopologies.flatMap(({ sourceTopics, repartitionSourceTopics }) => [
    ...sourceTopics,
    ...repartitionSourceTopics,
  ])
  const topics = await cluster.retrying({ what: 'describing topics' }, () => cluster.refresh([...new Set(names)]))
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
    memberId,
    instanceId,
    clientId,
    host: hostOf(clientHost),
    partitions: partitionsOf(
      subtopologies,
      [...assignmentOf(assignment).active.values()],
      (topic) => topics.get(topic)?.partitions.length ?? 0,
    ),
  }))
  const { groupId: id, state } = group
  return { id, type: 'streams', protocol: 'streams', state, members: members.sort(compareMembers) }
}

async function ofConsumers(cluster: Cluster, groupId: string): Promise<GroupDescription | undefined> {
  const group = await describeConsumerGroup(cluster, groupId)
  if (group === undefined) return undefined
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost, partitions }) => ({
    memberId,
    instanceId,
    clientId,
    host: hostOf(clientHost),
    partitions: partitions.toSorted(comparePartitions),
  }))
  const { state } = group
  return { id: groupId, type: 'consumer', protocol: protocolType, state, members: members.sort(compareMembers) }
}

async function ofClassicMembers(cluster: Cluster, groupId: string): Promise<GroupDescription | undefined> {
  const { state, protocolType: protocol, members } = await describeClassicGroup(cluster, groupId)
  if (state === 'Dead') return undefined
  const described = members.map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    clientId: member.clientId,
    host: hostOf(member.clientHost),
    partitions: protocol === protocolType ? consumedBy(member) : [],
  }))
  return { id: groupId, type: 'classic', protocol, state, members: described.sort(compareMembers) }
}

/** Returns the partitions of a consumer's assignment; none if it was not written as consumers write it. */
function consumedBy({ assignment }: ClassicGroupMember): TopicPartition[] {
  if (assignment.length === 0) return []
  try {
    return assignedPartitions(assignment).sort(comparePartitions)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}

/** Removes the slash before an address that Java adds where a connection has no host name. */
function hostOf(clientHost: string): string {
  return clientHost.replace(/^\//, '')
}
