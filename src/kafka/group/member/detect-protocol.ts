import { MillraceError } from '../../../errors/millrace-error.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { kafkaErrors } from '../../protocol/errors.ts'
import { streamsGroupDescribe } from '../../protocol/streams-group-describe.ts'
import { streamsGroupHeartbeat } from '../../protocol/streams-group-heartbeat.ts'
import { isChangingTopologyOf } from './change-topology.ts'
import { describeClassicGroup } from './describe-classic-group.ts'
import { askCoordinator } from './coordinator.ts'

/** The protocol by which the members of a group get their tasks: KIP-1071, or JoinGroup and SyncGroup. */
export type GroupProtocol = 'streams' | 'classic'

/** `level`: the feature is not switched on. `protocols`: the coordinator is configured without the protocol. */
type StreamsSupport = 'on' | 'unknown' | 'level' | 'protocols'

const missing: Readonly<Record<Exclude<StreamsSupport, 'on'>, { readonly reason: string; readonly remedy: string }>> = {
  unknown: {
    reason: 'the Kafka brokers do not know the streams group protocol (KIP-1071)',
    remedy: 'Use brokers of Apache Kafka 4.2 or later',
  },
  level: {
    reason:
      'the Kafka cluster has the streams group protocol (KIP-1071), but its feature streams.version is not switched on',
    remedy: 'Run kafka-features.sh upgrade --feature streams.version=1',
  },
  protocols: {
    reason:
      'the Kafka brokers have the streams group protocol (KIP-1071), ' +
      'but group.coordinator.rebalance.protocols leaves it out',
    remedy: 'Add streams to group.coordinator.rebalance.protocols of the brokers',
  },
}

/** Checks that the coordinator of a group speaks the streams group protocol. @throws MR_GROUP_PROTOCOL */
export async function requireStreamsProtocol(cluster: Cluster, groupId: string): Promise<void> {
  const support = await streamsSupport(cluster, groupId)
  if (support === 'on') return
  const { reason, remedy } = missing[support]
  throw new MillraceError('MR_GROUP_PROTOCOL', reason, { hint: `${remedy}, or choose groupProtocol: 'classic'.` })
}

/** Returns the protocol of a new member: streams if the brokers have it, unless the group has classic members. */
export async function detectProtocol(cluster: Cluster, groupId: string): Promise<GroupProtocol> {
  if ((await streamsSupport(cluster, groupId)) !== 'on') return 'classic'
  const group = await describeClassicGroup(cluster, groupId)
  return group.members.length > 0 && !isChangingTopologyOf(group) ? 'classic' : 'streams'
}

/** Finds out by a request: coordinators list those of the protocol even if their configuration leaves it out. */
function streamsSupport(cluster: Cluster, groupId: string): Promise<StreamsSupport> {
  return askCoordinator(cluster, groupId, `asking what the coordinator of group ${groupId} knows`, async (broker) => {
    const { apiKeys, finalizedFeatures } = await cluster.versions(broker)
    if (!apiKeys.some(({ apiKey }) => apiKey === streamsGroupHeartbeat.key)) return 'unknown'
    const level = finalizedFeatures?.find(({ name }) => name === 'streams.version')?.maxVersionLevel ?? 0
    if (level < 1) return 'level'
    const [group] = await cluster.send(broker, 'group', streamsGroupDescribe, [groupId])
    return group?.errorCode === kafkaErrors.unsupportedVersion ? 'protocols' : 'on'
  })
}
