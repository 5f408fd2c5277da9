import { MillraceError } from '../../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../../protocol/errors.ts'
import type { Membership } from './membership.ts'

/** Attempts under renewed epochs: only a heartbeat shows a newer epoch. After these the epoch is not the reason. */
export const epochAttempts = 5

/** The group has moved on to another epoch, with this member or without it. */
const supersededEpoch: ReadonlySet<number> = new Set([
  kafkaErrors.staleMemberEpoch,
  kafkaErrors.illegalGeneration,
  kafkaErrors.rebalanceInProgress,
])
const notMember: ReadonlySet<number> = new Set([kafkaErrors.unknownMemberId, kafkaErrors.fencedInstanceId])

/** Asks a coordinator for something that only members get. @throws MR_FENCED if it refuses this client or its epoch */
export async function askAsMember<T>(member: Membership, groupId: string, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      if (supersededEpoch.has(error.apiCode) && attempt < epochAttempts) {
        await member.renewEpoch()
        continue
      }
      if (!supersededEpoch.has(error.apiCode) && !notMember.has(error.apiCode)) throw error
      member.expelled(error)
      throw new MillraceError('MR_FENCED', `this client is no member of group ${groupId} any more: ${error.apiName}`, {
        cause: error,
        hint: 'Its tasks belong to other members by now. The client joins again by itself.',
      })
    }
  }
}
