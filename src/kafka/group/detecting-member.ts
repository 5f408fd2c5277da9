import type { MillraceError } from '../../errors/millrace-error.ts'
import type { GroupEvent } from '../../group/group.ts'
import type { PartitionMap } from '../../log/log.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaError } from '../protocol/errors.ts'
import { pause } from '../cluster/retry.ts'
import type { GroupProtocol } from './member/detect-protocol.ts'
import type { KafkaMember } from './member/kafka-member.ts'
import { asMillraceError, fencedMember, foreignMembers, isForeignCode } from './member/member-errors.ts'
import type { OffsetMember } from './member/offsets.ts'

/** Time in ms between two attempts to join while members of another kind are alive. */
const waitInterval = 1_000

/** What joining needs to know of a group. */
export interface JoinedGroup {
  readonly groupId: string
  /** Returns the protocol that a new member must speak now. */
  protocol(): Promise<GroupProtocol>
  /** Returns the members that the group has by either protocol. */
  members(): Promise<readonly string[]>
  /** Makes a member that speaks a protocol. It has not joined yet. */
  speaking(protocol: GroupProtocol): KafkaMember
}

/**
 * Joins a group by the protocol that the group has. That may change before this member is in: the last member of the
 * other protocol leaves, or another instance is quicker. Then a member that speaks the other protocol replaces the one
 * that was refused. While the group has members of another kind, also dead ones whose sessions have not ended, this
 * member reports their names and tries again.
 */
export class DetectingMember implements KafkaMember {
  readonly #cluster: Pick<Cluster, 'options' | 'closed'>
  readonly #group: JoinedGroup
  #state: 'idle' | 'joining' | 'ended' = 'idle'
  #protocol: GroupProtocol | undefined
  /** Protocols that the group, or the broker, refused since this member was assigned something. */
  readonly #refused = new Set<GroupProtocol>()
  /** The group refused this member without having members: they had just gone, or its kind never changes by itself. */
  #wasEmpty = false
  #waitingFor = ''
  #member: KafkaMember | undefined
  readonly #notices: GroupEvent[] = []
  #wake: (() => void) | undefined

  constructor(cluster: Pick<Cluster, 'options' | 'closed'>, group: JoinedGroup) {
    this.#cluster = cluster
    this.#group = group
  }

  async join(): Promise<void> {
    if (this.#state !== 'idle') return
    this.#state = 'joining'
    await this.#enter(undefined)
  }

  nextEvent(): GroupEvent | undefined {
    const notice = this.#notices.shift()
    if (notice !== undefined) return notice
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
    if (this.#notices.length > 0) wake?.()
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
      throw fencedMember('this client is not a member', this.#group.groupId)
    return this.#member?.identity()
  }

  requireOwned(offsets: PartitionMap<unknown>): void {
    this.#member?.requireOwned(offsets)
  }

  async renewEpoch(): Promise<void> {
    await this.#member?.renewEpoch()
  }

  expelled(error: KafkaError): void {
    this.#member?.expelled(error)
  }

  /** @param refusal the last refusal; final if there is neither another protocol to try nor a member to wait for */
  async #enter(refusal: MillraceError | undefined): Promise<void> {
    try {
      const protocol = await this.#choose(refusal)
      if (this.#hasEnded()) return
      this.#member?.onEvent(undefined)
      await this.#member?.leave()
      if (this.#hasEnded()) return
      this.#protocol = protocol
      this.#member = this.#group.speaking(protocol)
      this.#member.onEvent(this.#wake)
      await this.#member.join()
    } catch (error) {
      if (this.#hasEnded()) return
      this.#tell({ type: 'failed', error: asMillraceError(error) })
    }
  }

  async #choose(refusal: MillraceError | undefined): Promise<GroupProtocol> {
    const protocol = await this.#group.protocol()
    if (refusal === undefined || !this.#refused.has(protocol)) return protocol
    await this.#outlast(refusal)
    return this.#group.protocol()
  }

  /** @throws `refusal` unless members that may leave are the reason for it */
  async #outlast(refusal: MillraceError): Promise<void> {
    if (!isForeign(refusal)) throw refusal
    const members = await this.#group.members()
    if (members.length === 0 && this.#wasEmpty) throw refusal
    this.#wasEmpty = members.length === 0
    const error = foreignMembers(this.#group.groupId, members, refusal)
    if (members.length > 0 && error.message !== this.#waitingFor) {
      this.#waitingFor = error.message
      this.#tell({ type: 'waiting', error })
    }
    await pause(this.#cluster.options.clock, waitInterval, this.#cluster.closed)
    this.#refused.clear()
  }

  #tell(event: GroupEvent): void {
    if (this.#hasEnded()) return
    this.#notices.push(event)
    this.#wake?.()
  }

  #hasEnded(): boolean {
    return this.#state === 'ended'
  }
}

/** Whether the group is of another kind. False if the brokers do not have this kind at all. */
function isForeign({ cause }: MillraceError): boolean {
  return cause instanceof KafkaError && isForeignCode(cause.apiCode)
}
