import type { GroupMember } from '../../../group/group.ts'
import type { PartitionMap } from '../../../log/log.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { OffsetMember } from './offsets.ts'

/** A member of a Kafka group, by whichever protocol, as reading and committing its offsets needs it. */
export interface KafkaMember extends GroupMember {
  /**
   * Under what name and epoch offsets are read or committed; `undefined` before joining, when the broker decides.
   *
   * @throws MR_FENCED if this is not a member any more, or cannot know whether it still is
   */
  identity(): OffsetMember | undefined
  /** @throws MR_FENCED if the task of one of these partitions is not this member's: the coordinator does not check that */
  requireOwned(offsets: PartitionMap<unknown>): void
  /** The coordinator refused this member's epoch: a newer one may be on its way. */
  renewEpoch(): Promise<void>
  /** The coordinator answered that this is no member any more. */
  expelled(error: KafkaError): void
}
