import type { Cluster } from '../../cluster/cluster.ts'
import { streamsGroupDescribe, type DescribedStreamsGroup } from '../../protocol/streams-group-describe.ts'
import { askCoordinator, describeStreamsGroupOnce } from './coordinator.ts'
import { describeClassicGroup } from './describe-classic-group.ts'
import { describeConsumerGroup } from './describe-consumer-group.ts'

/** Returns the client ids and hosts of the members that a group of any protocol has now. */
export async function groupMembers(cluster: Cluster, groupId: string): Promise<readonly string[]> {
  const streams = await askCoordinator(cluster, groupId, `describing group ${groupId}`, (broker) =>
    streamsGroupIfAny(cluster, groupId, broker),
  )
  const group =
    streams ?? (await describeConsumerGroup(cluster, groupId)) ?? (await describeClassicGroup(cluster, groupId))
  return group.members.map(shown)
}

/** Returns a streams group; `undefined` if there is none of this name, or if the broker has no groups of this type. */
export async function streamsGroupIfAny(
  cluster: Cluster,
  groupId: string,
  broker: number,
): Promise<DescribedStreamsGroup | undefined> {
  const { apiKeys } = await cluster.versions(broker)
  const isKnown = apiKeys.some(({ apiKey }) => apiKey === streamsGroupDescribe.key)
  return isKnown ? describeStreamsGroupOnce(cluster, groupId, broker) : undefined
}

function shown(member: { readonly clientId: string; readonly clientHost: string }): string {
  return `${member.clientId} on ${member.clientHost}`
}
