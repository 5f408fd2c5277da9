import { MillraceError } from '../../errors.ts'
import type { Cluster } from '../cluster.ts'
import { streamsGroupHeartbeat } from '../protocol/streams-group-heartbeat.ts'
import { askCoordinator } from './coordinator.ts'

/**
 * The coordinator of a group must know the streams group protocol: brokers list its requests even where the feature was never
 * switched on, so both are asked for.
 *
 * @throws MR_GROUP_PROTOCOL
 */
export async function requireStreamsProtocol(cluster: Cluster, groupId: string): Promise<void> {
  await askCoordinator(cluster, groupId, `asking what the coordinator of group ${groupId} knows`, async (broker) => {
    const { apiKeys, finalizedFeatures } = await cluster.versions(broker)
    const listed = apiKeys.some(({ apiKey }) => apiKey === streamsGroupHeartbeat.key)
    const level = finalizedFeatures?.find(({ name }) => name === 'streams.version')?.maxVersionLevel ?? 0
    if (listed && level >= 1) return
    throw new MillraceError(
      'MR_GROUP_PROTOCOL',
      listed
        ? 'the Kafka cluster has the streams group protocol (KIP-1071) but its feature streams.version is not switched on'
        : 'the Kafka brokers do not know the streams group protocol (KIP-1071)',
      {
        hint: listed
          ? 'Run kafka-features.sh upgrade --feature streams.version=1.'
          : 'Use brokers of Apache Kafka 4.2 or later.',
      },
    )
  })
}
