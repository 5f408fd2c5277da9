import { MillraceError } from '../../../errors/millrace-error.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { backoff, pause } from '../../cluster/retry.ts'
import { topologyChanged } from '../member/member-errors.ts'
import type { Membership } from '../member/membership.ts'
import { describeClassicGroup } from '../member/describe-classic-group.ts'
import { decodeMember } from './user-data.ts'

/** Time in ms between two looks at the members that are left. */
const lookInterval = 1_000

/** Resolves when no member runs another topology than `topology`, the `topologyHash` of this member. */
export async function untilOthersHaveGone(
  cluster: Cluster,
  groupId: string,
  topology: string,
  waiter: Pick<Membership, 'waitFor' | 'canRetry' | 'hasEnded'>,
): Promise<void> {
  const { clock } = cluster.options
  for (let failures = 0; ;) {
    await pause(clock, lookInterval, cluster.closed)
    if (waiter.hasEnded) return
    try {
      const others = await membersOfOtherTopology(cluster, groupId, topology)
      failures = 0
      if (others?.length === 0) return
      if (others !== undefined) waiter.waitFor(topologyChanged(cluster, groupId, others, 'kafka-consumer-groups.sh'))
    } catch (error) {
      if (!waiter.canRetry(error)) return
      await pause(clock, backoff(cluster.options, failures++), cluster.closed)
    }
  }
}

/**
 * Returns the client ids of the members that run another topology; undefined while a rebalance hides what they run. It
 * does not join for this, as a join would make all of them rebalance.
 */
async function membersOfOtherTopology(
  cluster: Cluster,
  groupId: string,
  topology: string,
): Promise<readonly string[] | undefined> {
  const { state, members } = await describeClassicGroup(cluster, groupId)
  if (members.length === 0) return []
  if (state !== 'Stable') return undefined
  return members.filter(({ metadata }) => topologyOf(metadata) !== topology).map(({ clientId }) => clientId)
}

/** Returns undefined for a member that is not of Millrace, or of another version. */
function topologyOf(metadata: Buffer): string | undefined {
  try {
    return decodeMember(metadata).topology
  } catch (error) {
    if (error instanceof MillraceError) return undefined
    throw error
  }
}
