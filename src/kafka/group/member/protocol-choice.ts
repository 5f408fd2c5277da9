import type { MillraceError } from '../../../errors/millrace-error.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { pause } from '../../cluster/retry.ts'
import type { GroupProtocol } from './detect-protocol.ts'
import { foreignMembers, isForeignCode } from './member-errors.ts'

/** Time in ms between two attempts to join while members of another kind are alive. */
const waitInterval = 1_000

/** What the choice of a protocol needs to know of a group. */
export interface JoinedGroup {
  readonly groupId: string
  /** Returns the protocol that a new member must speak now. */
  protocol(): Promise<GroupProtocol>
  /** Returns the members that the group has by either protocol. */
  members(): Promise<readonly string[]>
}

/**
 * Chooses the protocol that the group of a member has. That may change before the member is in: the last member of the
 * other protocol leaves, or another instance is quicker. Then the choice is made again. While the group has members of
 * another kind, also dead ones whose sessions have not ended, it waits.
 */
export class ProtocolChoice {
  readonly #cluster: Pick<Cluster, 'options' | 'closed'>
  readonly #group: JoinedGroup
  #chosen: GroupProtocol | undefined
  /** Protocols that the group or the brokers refused since this member was assigned something. */
  readonly #refused = new Set<GroupProtocol>()
  /** The group refused this member without having members: they had just gone, or its kind never changes by itself. */
  #wasEmpty = false

  constructor(cluster: Pick<Cluster, 'options' | 'closed'>, group: JoinedGroup) {
    this.#cluster = cluster
    this.#group = group
  }

  /** Forgets refusals, because the group took this member. */
  accepted(): void {
    this.#refused.clear()
  }

  /**
   * @param refusal why the group refused the last choice; undefined for the first
   * @param waitFor called with the error that names the members of another kind, before a pause
   * @throws `refusal` if there is neither another protocol to try nor a member to wait for
   */
  async next(refusal: MillraceError | undefined, waitFor: (error: MillraceError) => void): Promise<GroupProtocol> {
    if (this.#chosen !== undefined) this.#refused.add(this.#chosen)
    this.#chosen = await this.#group.protocol()
    if (refusal !== undefined && this.#refused.has(this.#chosen)) {
      await this.#outlast(refusal, waitFor)
      this.#chosen = await this.#group.protocol()
    }
    return this.#chosen
  }

  /** @throws `refusal` unless members that may leave are the reason for it */
  async #outlast(refusal: MillraceError, waitFor: (error: MillraceError) => void): Promise<void> {
    if (!isForeign(refusal)) throw refusal
    const members = await this.#group.members()
    if (members.length === 0 && this.#wasEmpty) throw refusal
    this.#wasEmpty = members.length === 0
    if (members.length > 0) waitFor(foreignMembers(this.#group.groupId, members, refusal))
    await pause(this.#cluster.options.clock, waitInterval, this.#cluster.closed)
    this.#refused.clear()
  }
}

/** Whether the group is of another kind. False if the brokers do not have this kind at all. */
function isForeign({ cause }: MillraceError): boolean {
  return cause instanceof KafkaError && isForeignCode(cause.apiCode)
}
