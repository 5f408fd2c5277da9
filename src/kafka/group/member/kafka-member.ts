import type { GroupMember } from '../../../group/group.ts'
import type { PartitionMap } from '../../../log/log.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { OffsetMember } from './offsets.ts'

/** A member of a Kafka group by either protocol, with what reading and committing its offsets needs. */
export interface KafkaMember extends GroupMember {
  /**
   * Returns the name and epoch for reading or committing offsets; `undefined` before joining, when the broker decides.
   *
   * @throws MR_FENCED if this is not a member any more, or cannot know whether it still is one
   */
  identity(): OffsetMember | undefined
  /** Checks what the coordinator does not. @throws MR_FENCED if this member does not own the task of a partition */
  requireOwned(offsets: PartitionMap<unknown>): void
  /** Waits for a newer epoch, which may be on its way, after the coordinator refused the current one. */
  renewEpoch(): Promise<void>
  /** Notes that the coordinator does not take this client for a member any more. */
  expelled(error: KafkaError): void
}
