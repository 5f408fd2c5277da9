import type { MemberOptions } from '../../group/group.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ClassicProtocol } from './classic/classic-protocol.ts'
import { detectProtocol } from './member/detect-protocol.ts'
import { groupMembers } from './member/group-members.ts'
import { Membership } from './member/membership.ts'
import { ProtocolChoice } from './member/protocol-choice.ts'
import { StreamsProtocol } from './streams/streams-protocol.ts'

/** Makes a member that joins a group by the protocol that `groupProtocol` names. It has not joined yet. */
export function openMember(cluster: Cluster, options: MemberOptions): Membership {
  const { groupProtocol } = cluster.options
  const { groupId } = options
  const choice = new ProtocolChoice(cluster, {
    groupId,
    protocol: async () => (groupProtocol === 'auto' ? detectProtocol(cluster, groupId) : groupProtocol),
    members: () => groupMembers(cluster, groupId),
  })
  return new Membership(cluster, options, choice, (protocol, membership) =>
    protocol === 'streams' ? new StreamsProtocol(membership) : new ClassicProtocol(membership),
  )
}
