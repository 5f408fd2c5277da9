import { describeGroupsV5 } from '@platformatic/kafka'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { askCoordinator } from './coordinator.ts'

export interface ClassicGroup {
  /** `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`; `Dead` if there is no such group of this kind. */
  readonly state: string
  readonly protocolType: string
  readonly members: readonly ClassicGroupMember[]
}

export interface ClassicGroupMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** What the member joined with; empty unless the group is `Stable`. */
  readonly metadata: Buffer
  /** What the leader assigned to it; empty unless the group is `Stable`. */
  readonly assignment: Buffer
}

export function describeClassicGroup(cluster: Cluster, groupId: string): Promise<ClassicGroup> {
  const what = `describing group ${groupId}`
  return askCoordinator(cluster, groupId, what, async (broker) => {
    const [group] = (await cluster.send(broker, 'group', describeGroupsV5.api, [groupId], false)).groups
    if (group === undefined) throw new KafkaError(kafkaErrors.unknownServerError, what)
    if (group.errorCode === kafkaErrors.groupIdNotFound) return { state: 'Dead', protocolType: '', members: [] }
    throwOnError(group.errorCode, what, { needs: { group: [groupId, 'Describe'] } })
    return {
      state: group.groupState,
      protocolType: group.protocolType,
      members: group.members.map(
        ({ memberId, groupInstanceId, clientId, clientHost, memberMetadata, memberAssignment }) => ({
          memberId,
          instanceId: groupInstanceId ?? undefined,
          clientId,
          clientHost,
          metadata: memberMetadata,
          assignment: memberAssignment,
        }),
      ),
    }
  })
}
