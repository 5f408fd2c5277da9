import { deleteGroupsV2 } from '@platformatic/kafka'
import type { Cluster } from '../../cluster/cluster.ts'
import {
  KafkaError,
  isRetriableCode,
  isStaleCoordinatorCode,
  kafkaErrors,
  throwOnError,
} from '../../protocol/errors.ts'
import { backoff, pause, type RetryOptions } from '../../cluster/retry.ts'
import { streamsGroupDescribe, type DescribedStreamsGroup } from '../../protocol/streams-group-describe.ts'

/** Repeats a request to the coordinator of a group until it is answered: the coordinator may move or be loading. */
export function askCoordinator<T>(
  cluster: Cluster,
  groupId: string,
  what: string,
  ask: (broker: number) => Promise<T>,
  options: Pick<RetryOptions, 'unknownTopicPatience'> = {},
): Promise<T> {
  return cluster.retrying(
    {
      ...options,
      what,
      onRetry: (error) => {
        if (isStaleCoordinatorCode(error.apiCode)) cluster.forgetCoordinator('group', groupId)
      },
    },
    async () => ask(await cluster.coordinator('group', groupId)),
  )
}

/** Time in ms for which a leave is repeated: only a close waits for its answer. */
const leavePatience = 3_000

/** Gives up a member id by `ask`, which returns an error code. Unanswered, the id ends together with its session. */
export async function leaveGroup(
  cluster: Cluster,
  groupId: string,
  ask: (broker: number) => Promise<number>,
): Promise<void> {
  const { clock } = cluster.options
  const deadline = clock.monotonic() + leavePatience
  for (let attempt = 0; !cluster.closed.aborted && (attempt === 0 || clock.monotonic() < deadline); attempt++) {
    try {
      const errorCode = await ask(await cluster.coordinator('group', groupId))
      if (!isRetriableCode(errorCode)) return
      if (isStaleCoordinatorCode(errorCode)) cluster.forgetCoordinator('group', groupId)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      if (isStaleCoordinatorCode(error.apiCode)) cluster.forgetCoordinator('group', groupId)
    }
    await pause(clock, backoff(cluster.options, attempt), cluster.closed)
  }
}

/** Errors for a group that does not exist or is of another type, or for a coordinator without groups of this type. */
const noStreamsGroup: ReadonlySet<number> = new Set([kafkaErrors.groupIdNotFound, kafkaErrors.unsupportedVersion])

/** Returns state, topology and members of a streams group; `undefined` if there is no such group of this type. */
export function describeStreamsGroup(cluster: Cluster, groupId: string): Promise<DescribedStreamsGroup | undefined> {
  return askCoordinator(cluster, groupId, `describing group ${groupId}`, (broker) =>
    describeStreamsGroupOnce(cluster, groupId, broker),
  )
}

/** Does as `describeStreamsGroup`, in one attempt. @throws KafkaError */
export async function describeStreamsGroupOnce(
  cluster: Cluster,
  groupId: string,
  broker: number,
): Promise<DescribedStreamsGroup | undefined> {
  const [group] = await cluster.send(broker, 'group', streamsGroupDescribe, [groupId])
  if (group === undefined || noStreamsGroup.has(group.errorCode)) return undefined
  throwOnError(group.errorCode, `describing group ${groupId}`, {
    text: group.errorMessage,
    needs: { group: [groupId, 'Describe'] },
  })
  return group
}

/** Deletes a group and its offsets. @throws KafkaError `nonEmptyGroup` while it has members */
export async function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  const what = `deleting group ${groupId}`
  await askCoordinator(cluster, groupId, what, async (broker) => {
    const response = await cluster.send(broker, 'group', deleteGroupsV2.api, [groupId])
    for (const { errorCode } of response.results) {
      if (errorCode !== kafkaErrors.groupIdNotFound)
        throwOnError(errorCode, what, { needs: { group: [groupId, 'Delete'] } })
    }
  })
}
