import { joinGroupV7, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import type { Cluster } from '../../cluster/cluster.ts'
import { kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { describeClassicGroup, type ClassicGroup } from './describe-classic-group.ts'
import { askCoordinator } from './coordinator.ts'

/** Shows members that come meanwhile why the group is a classic one for a moment. */
const protocolType = 'millrace-topology'
const sessionTimeout = 10_000

/**
 * Makes an empty group forget its topology, but not its offsets. A streams group refuses another topology (KIP-1071, up
 * to brokers of 4.3). But it turns into a classic group when a classic member joins, and back when that one has left.
 *
 * @returns false if the group has streams members: the topology is theirs
 */
export async function forgetTopology(cluster: Cluster, groupId: string): Promise<boolean> {
  const what = `changing the topology of group ${groupId}`
  return askCoordinator(cluster, groupId, what, async (broker) => {
    const protocols = [{ name: protocolType }]
    const enter = (memberId: string) =>
      cluster.send(
        broker,
        'group',
        joinGroupV7.api,
        groupId,
        sessionTimeout,
        sessionTimeout,
        memberId,
        null,
        protocolType,
        protocols,
      )
    let joined = await enter('')
    if (joined.errorCode === kafkaErrors.memberIdRequired) joined = await enter(joined.memberId)
    if (joined.errorCode === kafkaErrors.inconsistentGroupProtocol) return false
    throwOnError(joined.errorCode, what, { needs: { group: [groupId, 'Read'] } })
    // Several members may do this at once. The answers do not matter: the group has changed as soon as one has joined.
    const { generationId, memberId } = joined
    await cluster.send(
      broker,
      'group',
      syncGroupV5.api,
      groupId,
      generationId,
      memberId,
      null,
      protocolType,
      protocolType,
      [],
    )
    await cluster.send(broker, 'group', leaveGroupV5.api, groupId, [{ memberId }])
    return true
  })
}

/** Whether a group is a classic one only because another member is changing its topology just now. */
export async function isChangingTopology(cluster: Cluster, groupId: string): Promise<boolean> {
  return isChangingTopologyOf(await describeClassicGroup(cluster, groupId))
}

export function isChangingTopologyOf(group: ClassicGroup): boolean {
  return group.protocolType === protocolType
}
