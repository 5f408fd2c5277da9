import type { MillraceError } from '../../errors.ts'
import type { GroupEvent } from '../../log/group.ts'
import type { TopicPartition } from '../../log/log.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'
import type { GroupProtocol } from './detect-protocol.ts'
import type { KafkaMember } from './kafka-member.ts'
import { asMillraceError, fencedMember } from './member-errors.ts'
import type { OffsetMember } from './offsets.ts'

/**
 * Joins a group by the protocol that the group has. It may have changed before this member is in, because the last member of the
 * other protocol left or another instance was quicker: then the member that was refused is replaced by one that speaks the other.
 */
export class DetectingMember implements KafkaMember {
  readonly #groupId: string
  readonly #detect: () => Promise<GroupProtocol>
  readonly #speaking: (protocol: GroupProtocol) => KafkaMember
  #state: 'idle' | 'joining' | 'ended' = 'idle'
  #protocol: GroupProtocol | undefined
  /** Protocols that the group, or the broker, refused since this member was assigned something. */
  readonly #refused = new Set<GroupProtocol>()
  #member: KafkaMember | undefined
  #failure: MillraceError | undefined
  #wake: (() => void) | undefined

  /**
   * @param detect asks which protocol the group has now
   * @param speaking makes a member of the group by a protocol
   */
  constructor(
    groupId: string,
    detect: () => Promise<GroupProtocol>,
    speaking: (protocol: GroupProtocol) => KafkaMember,
  ) {
    this.#groupId = groupId
    this.#detect = detect
    this.#speaking = speaking
  }

  async join(): Promise<void> {
    if (this.#state !== 'idle') return
    this.#state = 'joining'
    await this.#enter(undefined)
  }

  nextEvent(): GroupEvent | undefined {
    if (this.#failure !== undefined) {
      const error = this.#failure
      this.#failure = undefined
      return { type: 'failed', error }
    }
    const event = this.#member?.nextEvent()
    if (event?.type === 'assigned') this.#refused.clear()
    if (event?.type !== 'failed' || event.error.code !== 'MR_GROUP_PROTOCOL') return event
    if (this.#protocol !== undefined) this.#refused.add(this.#protocol)
    void this.#enter(event.error)
    return undefined
  }

  onEvent(wake: (() => void) | undefined): void {
    this.#wake = wake
    this.#member?.onEvent(wake)
    if (this.#failure !== undefined) wake?.()
  }

  acknowledge(): void {
    this.#member?.acknowledge()
  }

  async shutdownApplication(): Promise<void> {
    await this.#member?.shutdownApplication()
  }

  async leave(): Promise<void> {
    this.#state = 'ended'
    await this.#member?.leave()
  }

  identity(): OffsetMember | undefined {
    if (this.#member === undefined && this.#state !== 'idle')
      throw fencedMember('this client is not a member', this.#groupId)
    return this.#member?.identity()
  }

  requireOwned(partitions: Iterable<TopicPartition>): void {
    this.#member?.requireOwned(partitions)
  }

  async renewEpoch(): Promise<void> {
    await this.#member?.renewEpoch()
  }

  expelled(error: KafkaError): void {
    this.#member?.expelled(error)
  }

  /** @param refusal why the member so far was refused; it stands if there is no other protocol to try */
  async #enter(refusal: MillraceError | undefined): Promise<void> {
    try {
      const protocol = isUnsupported(refusal) ? 'classic' : await this.#detect()
      if (this.#hasEnded()) return
      if (refusal !== undefined && this.#refused.has(protocol)) throw refusal
      this.#member?.onEvent(undefined)
      await this.#member?.leave()
      if (this.#hasEnded()) return
      this.#protocol = protocol
      this.#member = this.#speaking(protocol)
      this.#member.onEvent(this.#wake)
      await this.#member.join()
    } catch (error) {
      if (this.#hasEnded()) return
      this.#failure = asMillraceError(error)
      this.#wake?.()
    }
  }

  #hasEnded(): boolean {
    return this.#state === 'ended'
  }
}

/** A broker may list the requests of the streams protocol, and its feature, and have it switched off all the same. */
function isUnsupported(refusal: MillraceError | undefined): boolean {
  return refusal?.cause instanceof KafkaError && refusal.cause.apiCode === kafkaErrors.unsupportedVersion
}
