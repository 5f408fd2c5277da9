import { MillraceError } from '../../errors/millrace-error.ts'
import { mergeInstances, type GroupInstance } from '../../group/group-instances.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { pause } from '../cluster/retry.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'
import { decodeAssigned, decodeMember } from './classic/user-data.ts'
import { askCoordinator } from './member/coordinator.ts'
import { describeClassicGroup, type ClassicGroup, type ClassicGroupMember } from './member/describe-classic-group.ts'
import { streamsGroupIfAny } from './member/group-members.ts'
import { assignmentOf, sortedTasks } from './member/tasks.ts'

/** Time in ms between two looks at a classic group, which shows what its members have only between rebalances. */
const lookInterval = 100

/** Returns the processes that a group of either protocol has now, with their endpoints and tasks. */
export async function groupInstances(cluster: Cluster, groupId: string): Promise<readonly GroupInstance[]> {
  const group = await askCoordinator(cluster, groupId, `describing group ${groupId}`, (broker) =>
    streamsGroupIfAny(cluster, groupId, broker),
  )
  if (group === undefined) return mergeInstances((await settledGroup(cluster, groupId)).members.flatMap(instancesOf))
  return mergeInstances(
    group.members.map(({ processId, endpoint, assignment }) => {
      const { active, standby } = assignmentOf(assignment)
      return { processId, endpoint, active: sortedTasks(active), standby: sortedTasks(standby) }
    }),
  )
}

/** @throws KafkaError `rebalanceInProgress` if the members do not agree within `apiTimeout` */
async function settledGroup(cluster: Cluster, groupId: string): Promise<ClassicGroup> {
  const { clock, apiTimeout } = cluster.options
  const deadline = clock.monotonic() + apiTimeout
  for (;;) {
    const group = await describeClassicGroup(cluster, groupId)
    if (group.members.length === 0 || group.state === 'Stable') return group
    if (clock.monotonic() >= deadline || cluster.closed.aborted)
      throw new KafkaError(kafkaErrors.rebalanceInProgress, `describing group ${groupId}`)
    await pause(clock, lookInterval, cluster.closed)
  }
}

/** Returns nothing for a member that is not of Millrace. */
function instancesOf({ metadata, assignment }: ClassicGroupMember): GroupInstance[] {
  try {
    const { processId, endpoint } = decodeMember(metadata)
    const { active, standby } = decodeAssigned(assignment).tasks
    return [{ processId, endpoint, active: sortedTasks(active), standby: sortedTasks(standby) }]
  } catch (error) {
    if (error instanceof MillraceError) return []
    throw error
  }
}
