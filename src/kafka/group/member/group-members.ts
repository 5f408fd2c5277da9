import { describeGroupsV5 } from '@platformatic/kafka'
import type { Cluster } from '../../cluster/cluster.ts'
import { kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { streamsGroupDescribe, type DescribedStreamsGroup } from '../../protocol/streams-group-describe.ts'
import { askCoordinator, describeStreamsGroupOnce } from './coordinator.ts'

/** Returns the client ids and hosts of the members that a group of either protocol has now. */
export function groupMembers(cluster: Cluster, groupId: string): Promise<readonly string[]> {
  const what = `describing group ${groupId}`
  return askCoordinator(cluster, groupId, what, async (broker) => {
    const group = await streamsGroupIfAny(cluster, groupId, broker)
    if (group !== undefined) return group.members.map(shown)
    const { groups } = await cluster.send(broker, 'group', describeGroupsV5.api, [groupId], false)
    return groups.flatMap(({ errorCode, members }) => {
      if (errorCode !== kafkaErrors.groupIdNotFound)
        throwOnError(errorCode, what, { needs: { group: [groupId, 'Describe'] } })
      return members.map(shown)
    })
  })
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
