import { MillraceError } from '../../errors.ts'
import type { Cluster } from '../cluster.ts'
import { streamsGroupHeartbeat } from '../protocol/streams-group-heartbeat.ts'
import { isChangingTopologyOf } from './change-topology.ts'
import { describeClassicGroup } from './classic/describe.ts'
import { askCoordinator } from './coordinator.ts'

/** The ways in which the members of a group come to their tasks: KIP-1071, or JoinGroup and SyncGroup. */
export type GroupProtocol = 'streams' | 'classic'

type StreamsSupport = 'on' | 'off' | 'unknown'

/**
 * The coordinator of a group must know the streams group protocol.
 *
 * @throws MR_GROUP_PROTOCOL
 */
export async function requireStreamsProtocol(cluster: Cluster, groupId: string): Promise<void> {
  const support = await streamsSupport(cluster, groupId)
  if (support === 'on') return
  throw new MillraceError(
    'MR_GROUP_PROTOCOL',
    support === 'off'
      ? 'the Kafka cluster has the streams group protocol (KIP-1071) but its feature streams.version is not switched on'
      : 'the Kafka brokers do not know the streams group protocol (KIP-1071)',
    {
      hint:
        support === 'off'
          ? "Run kafka-features.sh upgrade --feature streams.version=1, or choose groupProtocol: 'classic'."
          : "Use brokers of Apache Kafka 4.2 or later, or choose groupProtocol: 'classic'.",
    },
  )
}

/** The protocol that a new member of a group must speak: streams where the brokers have it, unless the group has classic members. */
export async function detectProtocol(cluster: Cluster, groupId: string): Promise<GroupProtocol> {
  if ((await streamsSupport(cluster, groupId)) !== 'on') return 'classic'
  const group = await describeClassicGroup(cluster, groupId)
  return group.members.length > 0 && !isChangingTopologyOf(group) ? 'classic' : 'streams'
}

/** Brokers list the requests of the protocol even where its feature was never switched on, so both are asked for. */
function streamsSupport(cluster: Cluster, groupId: string): Promise<StreamsSupport> {
  return askCoordinator(cluster, groupId, `asking what the coordinator of group ${groupId} knows`, async (broker) => {
    const { apiKeys, finalizedFeatures } = await cluster.versions(broker)
    if (!apiKeys.some(({ apiKey }) => apiKey === streamsGroupHeartbeat.key)) return 'unknown'
    const level = finalizedFeatures?.find(({ name }) => name === 'streams.version')?.maxVersionLevel ?? 0
    return level >= 1 ? 'on' : 'off'
  })
}
