import type { GroupOptions } from '../../log/group.ts'
import type { Cluster } from '../cluster.ts'
import { ClassicMember } from './classic/classic-member.ts'
import { DetectingMember } from './detecting-member.ts'
import { detectProtocol } from './detect-protocol.ts'
import type { GroupProtocol } from './detect-protocol.ts'
import type { KafkaMember } from './kafka-member.ts'
import { StreamsMember } from './streams-member.ts'

/** A member of a group by the protocol that `groupProtocol` says, not joined yet. */
export function openMember(cluster: Cluster, options: GroupOptions): KafkaMember {
  const { groupProtocol } = cluster.options
  const { groupId } = options
  const speaking = (protocol: GroupProtocol): KafkaMember =>
    protocol === 'streams' ? new StreamsMember(cluster, options) : new ClassicMember(cluster, options)
  if (groupProtocol !== 'auto') return speaking(groupProtocol)
  return new DetectingMember(groupId, () => detectProtocol(cluster, groupId), speaking)
}
