import { consumerGroupDescribeV0 } from '@platformatic/kafka'
import type { TopicPartition } from '../../../log/log.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { askCoordinator } from './coordinator.ts'

/** A group of KIP-848. */
export interface ConsumerGroup {
  /** Empty, Assigning, Reconciling, Stable or Dead. */
  readonly state: string
  readonly members: readonly ConsumerGroupMember[]
}

export interface ConsumerGroupMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly partitions: readonly TopicPartition[]
}

/** Responses for a group that does not exist or is of another type, and of brokers without groups of this type. */
const noSuchGroup: ReadonlySet<number> = new Set([kafkaErrors.groupIdNotFound, kafkaErrors.unsupportedVersion])

/** Returns a group of KIP-848; `undefined` if there is none of this name, or if the broker has no such groups. */
export function describeConsumerGroup(cluster: Cluster, groupId: string): Promise<ConsumerGroup | undefined> {
  const what = `describing group ${groupId}`
  const { api } = consumerGroupDescribeV0
  return askCoordinator(cluster, groupId, what, async (broker) => {
    const { apiKeys } = await cluster.versions(broker)
    if (!apiKeys.some(({ apiKey }) => apiKey === api.key)) return undefined
    const [group] = (await cluster.send(broker, 'group', api, [groupId], false)).groups
    if (group === undefined || noSuchGroup.has(group.errorCode)) return undefined
    throwOnError(group.errorCode, what, { text: group.errorMessage, needs: { group: [groupId, 'Describe'] } })
    return {
      state: group.groupState,
      members: group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
        memberId,
        instanceId: instanceId ?? undefined,
        clientId,
        clientHost,
        partitions: assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) =>
          partitions.map((partition) => ({ topic, partition })),
        ),
      })),
    }
  })
}
