import { MillraceError } from '../../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../../protocol/errors.ts'
import type { KafkaMember } from './kafka-member.ts'

/** A member can see that its epoch has moved on only by a heartbeat; after this many it is not the epoch. */
export const epochAttempts = 5

/** The group has moved on, with this member or without it. */
const supersededEpoch: ReadonlySet<number> = new Set([
  kafkaErrors.staleMemberEpoch,
  kafkaErrors.illegalGeneration,
  kafkaErrors.rebalanceInProgress,
])
const notMember: ReadonlySet<number> = new Set([kafkaErrors.unknownMemberId, kafkaErrors.fencedInstanceId])

/**
 * Asks the coordinator of a group for something that it does for members only, under the epoch that counts.
 *
 * @throws MR_FENCED where the coordinator does not take this client for a member, or not under its epoch
 */
export async function askAsMember<T>(member: KafkaMember, groupId: string, ask: () => Promise<T>): Promise<T> {
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
        hint: 'Its tasks belong to other members by now; the client joins anew by itself.',
      })
    }
  }
}
