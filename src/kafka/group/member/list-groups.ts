import { listGroupsV4, listGroupsV5 } from '@platformatic/kafka'
import type { GroupListing, GroupType } from '../../../log/admin.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { throwOnError } from '../../protocol/errors.ts'

/** Returns the groups of all protocols, sorted by id. Each broker lists those that it coordinates. */
export async function listGroups(cluster: Cluster): Promise<readonly GroupListing[]> {
  const what = 'listing groups'
  return cluster.retrying({ what }, async () => {
    const lists = await Promise.all((await cluster.liveBrokers()).map((broker) => listed(cluster, broker, what)))
    return lists.flat().sort((left, right) => (left.id < right.id ? -1 : 1))
  })
}

async function listed(cluster: Cluster, broker: number, what: string): Promise<GroupListing[]> {
  // Brokers before 3.8 do not say of what type a group is.
  const { apiKeys } = await cluster.versions(broker)
  const knowsTypes = apiKeys.some(({ apiKey, maxVersion }) => apiKey === listGroupsV5.api.key && maxVersion >= 5)
  const { api } = knowsTypes ? listGroupsV5 : listGroupsV4
  const { errorCode, groups } = await cluster.send(broker, 'group', api, [], [])
  throwOnError(errorCode, what, { needs: { cluster: 'Describe' } })
  return groups.map(({ groupId, protocolType, groupState, groupType }) => ({
    id: groupId,
    type: typeOf(groupType),
    protocol: protocolType,
    state: groupState,
  }))
}

function typeOf(text: string | undefined): GroupType {
  const name = (text ?? 'classic').toLowerCase()
  return TYPES.find((type) => type === name) ?? 'unknown'
}

const TYPES: readonly GroupType[] = ['classic', 'consumer', 'streams', 'share']
