import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5, type API } from '@platformatic/kafka'
import type { MemberOptions } from '../../../group/group.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { leaveGroup } from '../member/coordinator.ts'
import { protocolType } from './consumer-protocol.ts'
import type { JoinedMember, MemberAssignment } from './group-leader.ts'
import { protocolName } from './user-data.ts'

export interface JoinAnswer {
  readonly errorCode: number
  readonly memberId: string
  readonly generation: number
  readonly isLeader: boolean
  /** The leader is a static member that came back: the last assignment still counts. */
  readonly isAssigned: boolean
  readonly members: readonly JoinedMember[]
}

/** The requests of the classic protocol, each in one attempt. The caller checks the error codes. @throws KafkaError */
export class ClassicRequests {
  readonly #cluster: Cluster
  readonly #options: MemberOptions

  constructor(cluster: Cluster, options: MemberOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Resolves when all members have joined. `memberId` is empty for a new member. */
  async join(memberId: string, metadata: Buffer): Promise<JoinAnswer> {
    const { groupId, rebalanceTimeout, instanceId } = this.#options
    const answer = await this.#send(
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

  /** Resolves when the leader has sent its assignments. All other members send none. */
  async sync(
    memberId: string,
    generation: number,
    assignments: readonly MemberAssignment[],
  ): Promise<{ readonly errorCode: number; readonly assignment: Buffer }> {
    const { groupId, instanceId } = this.#options
    return this.#send(
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

  /** Returns the error code of the answer. */
  async heartbeat(memberId: string, generation: number): Promise<number> {
    const { groupId, instanceId } = this.#options
    const answer = await this.#send('heartbeat', heartbeatV4.api, groupId, generation, memberId, instanceId ?? null)
    return answer.errorCode
  }

  /** Gives up a member id, for as long as a close may wait. A static member keeps its place without its instance id. */
  leave(memberId: string, groupInstanceId: string | null = null): Promise<void> {
    const { groupId } = this.#options
    return leaveGroup(this.#cluster, groupId, async (broker) => {
      const leaving = [{ memberId, groupInstanceId }]
      return (await this.#cluster.send(broker, 'group', leaveGroupV5.api, groupId, leaving)).errorCode
    })
  }

  async #send<A extends unknown[], R>(lane: 'join' | 'heartbeat', api: API<A, R>, ...args: A): Promise<R> {
    const broker = await this.#cluster.coordinator('group', this.#options.groupId)
    return this.#cluster.send(broker, lane, api, ...args)
  }
}
