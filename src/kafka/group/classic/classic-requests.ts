import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import type { GroupOptions } from '../../../group/group.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, isRetriableCode, isStaleCoordinatorCode } from '../../protocol/errors.ts'
import { backoff, pause } from '../../cluster/retry.ts'
import { protocolType } from './consumer-protocol.ts'
import type { JoinedMember, MemberAssignment } from './group-leader.ts'
import { protocolName } from './user-data.ts'

/** How long a leave is repeated, in ms: nobody waits for its answer but whoever closes. */
const leavePatience = 3_000

export interface JoinAnswer {
  readonly errorCode: number
  readonly memberId: string
  readonly generation: number
  readonly isLeader: boolean
  /** The leader came back as a static member: what was assigned before still counts. */
  readonly isAssigned: boolean
  readonly members: readonly JoinedMember[]
}

/** The requests of the classic group protocol, each in one attempt; error codes are the caller's to look at. @throws KafkaError */
export class ClassicRequests {
  readonly #cluster: Cluster
  readonly #options: GroupOptions

  constructor(cluster: Cluster, options: GroupOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Answered when all members have joined. `memberId` is empty for a new one. */
  async join(memberId: string, metadata: Buffer): Promise<JoinAnswer> {
    const { groupId, rebalanceTimeout, instanceId } = this.#options
    const answer = await this.#cluster.send(
      await this.#coordinator(),
      'join',
      joinGroupV9.api,
      groupId,
      this.#cluster.options.sessionTimeout,
      rebalanceTimeout,
      memberId,
      instanceId ?? null,
      protocolType,
      [{ name: protocolName, metadata }],
      null,
    )
    return {
      errorCode: answer.errorCode,
      memberId: answer.memberId,
      generation: answer.generationId,
      isLeader: answer.leader === answer.memberId,
      isAssigned: answer.skipAssignment,
      members: answer.members,
    }
  }

  /** Answered when the leader has sent its assignments, which are empty for all others. */
  async sync(
    memberId: string,
    generation: number,
    assignments: readonly MemberAssignment[],
  ): Promise<{ readonly errorCode: number; readonly assignment: Buffer }> {
    const { groupId, instanceId } = this.#options
    return this.#cluster.send(
      await this.#coordinator(),
      'join',
      syncGroupV5.api,
      groupId,
      generation,
      memberId,
      instanceId ?? null,
      protocolType,
      protocolName,
      [...assignments],
    )
  }

  /** The error code of the answer. */
  async heartbeat(memberId: string, generation: number): Promise<number> {
    const { groupId, instanceId } = this.#options
    const broker = await this.#coordinator()
    const api = heartbeatV4.api
    const { errorCode } = await this.#cluster.send(
      broker,
      'heartbeat',
      api,
      groupId,
      generation,
      memberId,
      instanceId ?? null,
    )
    return errorCode
  }

  /**
   * Gives up a member id. Unanswered, the coordinator finds out by itself when the session ends.
   *
   * @param groupInstanceId of a static member, which else keeps its place
   */
  async leave(memberId: string, groupInstanceId: string | null = null): Promise<void> {
    const { clock } = this.#cluster.options
    const deadline = clock.monotonic() + leavePatience
    for (let attempt = 0; !this.#cluster.closed.aborted && (attempt === 0 || clock.monotonic() < deadline); attempt++) {
      try {
        const broker = await this.#coordinator()
        const leaving = [{ memberId, groupInstanceId }]
        const answer = await this.#cluster.send(broker, 'group', leaveGroupV5.api, this.#options.groupId, leaving)
        if (!isRetriableCode(answer.errorCode)) return
        this.forgetCoordinator(answer.errorCode)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        this.forgetCoordinator(error.apiCode)
      }
      await pause(clock, backoff(this.#cluster.options, attempt), this.#cluster.closed)
    }
  }

  /** Called with every error that may pass: the coordinator may be another broker by now. */
  forgetCoordinator(errorCode: number): void {
    if (isStaleCoordinatorCode(errorCode)) this.#cluster.forgetCoordinator('group', this.#options.groupId)
  }

  #coordinator(): Promise<number> {
    return this.#cluster.coordinator('group', this.#options.groupId)
  }
}
