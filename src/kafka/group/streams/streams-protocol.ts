import { randomUUID } from 'node:crypto'
import { describeStreamsGroup, describeStreamsGroupOnce, leaveGroup } from '../member/coordinator.ts'
import { KafkaError, isRetriableCode, kafkaErrorName, kafkaErrors } from '../../protocol/errors.ts'
import {
  streamsGroupHeartbeat,
  type JoinFields,
  type StreamsGroupHeartbeat,
  type StreamsGroupHeartbeatResponse,
} from '../../protocol/streams-group-heartbeat.ts'
import { groupStatus, type TaskLists } from '../../protocol/streams-group-types.ts'
import { forgetTopology, isChangingTopology } from '../member/change-topology.ts'
import { requireStreamsProtocol } from '../member/detect-protocol.ts'
import { Heartbeats } from '../member/heartbeats.ts'
import { prepareGroup } from './group-configs.ts'
import { fatalGroupError, isTopologyChange } from './join-errors.ts'
import { topologyChanged } from '../member/member-errors.ts'
import type { MemberProtocol } from '../member/member-protocol.ts'
import type { Membership } from '../member/membership.ts'
import { protocolSubtopologies } from '../member/protocol-subtopologies.ts'
import { assignmentOf, isEmpty, taskListsOf } from '../member/tasks.ts'
import { WaitingReasons, isWaiting } from './waiting.ts'

const joinEpoch = 0
const leaveEpoch = -1
const noEndpoints = -1
const noLists: TaskLists = { active: [], standby: [], warmup: [] }

/** Membership in a streams group by heartbeats with the topology and the tasks (KIP-1071). */
export class StreamsProtocol implements MemberProtocol {
  readonly heartbeats: Heartbeats
  readonly instanceId = undefined
  sessionTimeout = 0
  heartbeatInterval = 0
  readonly #member: Membership
  readonly #join: JoinFields
  readonly #waiting = new WaitingReasons()
  /** A reply was lost. The coordinator does not repeat it, so this member must ask for what it said. */
  #inDoubt = false
  #shutdownWanted = false
  /**
   * The epoch of the endpoints that this member knows. A coordinator counts it from 0 on, so that another one may mean
   * other endpoints by it: after every failure the member asks for all of them again.
   */
  #endpointEpoch = noEndpoints
  /** Held back since the coordinator failed over an endpoint, until it has topics for all tasks. */
  #ownEndpoint: 'new' | 'known' | 'held back' = 'new'
  /** Since when the coordinator has failed at each heartbeat. */
  #faultySince: number | undefined

  constructor(member: Membership) {
    this.heartbeats = new Heartbeats(member.cluster.options, this, () => member.beat(this))
    this.#member = member
    const { rebalanceTimeout, processId, subtopologies } = member.options
    this.#join = {
      rebalanceTimeoutMs: rebalanceTimeout,
      processId,
      topologyEpoch: 0,
      subtopologies: protocolSubtopologies(subtopologies),
    }
  }

  /** A member gets tasks that others gave up only by its own next heartbeat: one without tasks sends more of them. */
  get eagerInterval(): number {
    return isEmpty(this.#member.handover.held) ? 100 : Number.POSITIVE_INFINITY
  }

  async prepare(): Promise<void> {
    const { cluster, options } = this.#member
    await requireStreamsProtocol(cluster, options.groupId)
    this.sessionTimeout = await prepareGroup(cluster, options.groupId, options.standbyReplicas)
    // A predecessor of this thread that was killed holds its tasks until its session ends, and the lock of the state
    // directory proves that it is dead. Only a leave frees the tasks at once and fences what it still has on the way.
    const group = await describeStreamsGroup(cluster, options.groupId)
    for (const { memberId, processId, clientId } of group?.members ?? []) {
      if (processId === options.processId && clientId === cluster.options.clientId) await this.leave(memberId)
    }
  }

  async enter(): Promise<void> {
    this.#member.memberId = randomUUID()
    this.#member.epoch = joinEpoch
    this.#inDoubt = false
    this.#endpointEpoch = noEndpoints
    if (this.#ownEndpoint === 'known') this.#ownEndpoint = 'new'
    this.heartbeats.hurry()
    await this.#tell()
  }

  acknowledged(): void {
    this.#member.state.become('acknowledging')
    void this.#tell()
  }

  async shutdownApplication(): Promise<void> {
    this.#shutdownWanted = true
    await this.#tell()
  }

  /** Waits for a heartbeat, which may bring a newer epoch. */
  renewEpoch(): Promise<void> {
    return this.heartbeats.beatNow()
  }

  async leave(memberId: string): Promise<void> {
    if (memberId === '') return
    const { cluster, options } = this.#member
    await leaveGroup(cluster, options.groupId, async (broker) => {
      const request = this.#request(memberId, leaveEpoch)
      return (await cluster.send(broker, 'heartbeat', streamsGroupHeartbeat, request)).errorCode
    })
  }

  failed(): void {}

  async heartbeat(): Promise<void> {
    const member = this.#member
    const broker = await member.cluster.coordinator('group', member.options.groupId)
    await member.releaseAbandoned()
    if (this.#inDoubt) await this.#catchUp(broker)
    // A join after the leave would make a member that nobody knows. One that was sent before is also answered before.
    if (member.hasEnded) return
    const { memberId, epoch, state } = member
    const isReport = state.is('acknowledging')
    if (isReport) state.become('stable')
    const tasks = isReport ? taskListsOf(member.handover.held) : undefined
    const isShutdown = this.#shutdownWanted
    this.#shutdownWanted = false
    // Read as late as this: since the heartbeat was due the member may have been lost and have joined again.
    const sentAt = member.cluster.options.clock.monotonic()
    const request = this.#request(memberId, epoch, tasks, isShutdown)
    let reply: StreamsGroupHeartbeatResponse
    try {
      reply = await member.cluster.send(broker, 'heartbeat', streamsGroupHeartbeat, request)
    } catch (error) {
      this.#shutdownWanted ||= isShutdown
      this.#endpointEpoch = noEndpoints
      if (member.isStill(memberId)) {
        if (isReport) state.become('acknowledging')
        this.#inDoubt = epoch !== joinEpoch
      }
      throw error
    }
    // The member may leave, or be lost, while the answer is on its way.
    if (!member.isStill(memberId)) return
    member.answered()
    if (reply.errorCode === kafkaErrors.none) {
      if (request.endpoint !== undefined) this.#ownEndpoint = 'known'
      this.#onReply(reply, sentAt)
      return
    }
    if (isReport) state.become('acknowledging')
    this.#shutdownWanted ||= isShutdown
    this.#endpointEpoch = noEndpoints
    if (reply.errorCode === kafkaErrors.unknownServerError) this.#onFault(reply, sentAt)
    else await this.#onRefusal(reply)
  }

  #request(
    memberId: string,
    memberEpoch: number,
    tasks?: TaskLists,
    shutdownApplication = false,
  ): StreamsGroupHeartbeat {
    const { groupId, endpoint: own } = this.#member.options
    const endpoint = memberEpoch !== leaveEpoch && this.#ownEndpoint === 'new' ? own : undefined
    const common = { groupId, memberId, memberEpoch, endpointEpoch: this.#endpointEpoch, endpoint, shutdownApplication }
    return memberEpoch === joinEpoch
      ? { ...common, join: this.#join, tasks: noLists }
      : { ...common, join: undefined, tasks }
  }

  /** Sends a heartbeat with the latest news. The one under way may have been too early for them. */
  async #tell(): Promise<void> {
    const { state } = this.#member
    const { isUnderWay } = this.heartbeats
    await this.heartbeats.beatNow()
    if (isUnderWay && (state.is('acknowledging') || this.#shutdownWanted)) await this.#tell()
  }

  #onReply(reply: StreamsGroupHeartbeatResponse, sentAt: number): void {
    const member = this.#member
    this.heartbeats.succeeded()
    this.#faultySince = undefined
    member.heard(sentAt)
    this.heartbeatInterval = reply.heartbeatIntervalMs
    if (member.state.is('joining')) member.state.become('stable')
    if (reply.memberEpoch !== member.epoch) this.heartbeats.hurry()
    member.epoch = reply.memberEpoch
    this.#followEndpoints(reply)
    const { status, tasks } = reply
    const isBlocked = (status ?? []).some(({ code }) => isWaiting(code))
    if (status !== undefined) {
      const error = this.#waiting.next(status, sentAt)
      if (!isBlocked && this.#ownEndpoint === 'held back') this.#ownEndpoint = 'new'
      if (error !== undefined || !isBlocked) member.waitFor(error)
      if (status.some(({ code }) => code === groupStatus.shutdownApplication)) member.shutDown()
    }
    // While topics are missing nobody can have tasks: `waiting` says why, and an empty assignment would not.
    if (tasks === undefined) return
    const target = assignmentOf(tasks)
    if (!isBlocked || !isEmpty(target) || !isEmpty(member.handover.held)) member.handover.told(target)
  }

  #followEndpoints({ endpointEpoch, endpoints = [] }: StreamsGroupHeartbeatResponse): void {
    if (endpointEpoch === this.#endpointEpoch) return
    this.#endpointEpoch = endpointEpoch
    this.#member.toldRoutes(this.#member.taskOf.routes(endpoints))
  }

  /**
   * A coordinator of Kafka 4.3 fails at heartbeats while source topics of the group are missing, or differ in their
   * numbers of partitions, if any member has an endpoint. Only without one does it say what is wrong.
   */
  #onFault(reply: StreamsGroupHeartbeatResponse, sentAt: number): void {
    const member = this.#member
    const { groupId, endpoint } = member.options
    this.#faultySince ??= sentAt
    if (sentAt - this.#faultySince > this.sessionTimeout) {
      member.fail(fatalGroupError(groupId, reply, member.taskOf.topics))
      return
    }
    this.heartbeats.failed()
    if (endpoint === undefined || this.#ownEndpoint === 'held back') return
    this.#ownEndpoint = 'held back'
    member.abandon(`the group coordinator answered ${kafkaErrorName(reply.errorCode)}`)
  }

  async #onRefusal(reply: StreamsGroupHeartbeatResponse): Promise<void> {
    const member = this.#member
    const { groupId } = member.options
    const { errorCode } = reply
    const reason = `the group coordinator answered ${kafkaErrorName(errorCode)}`
    const isGroupGone = errorCode === kafkaErrors.groupIdNotFound && member.epoch !== joinEpoch
    if (isGroupGone || errorCode === kafkaErrors.unknownMemberId) member.lose(reason)
    // A member whose epoch is refused still holds its tasks at the coordinator.
    else if (errorCode === kafkaErrors.fencedMemberEpoch) member.abandon(reason)
    else if (isRetriableCode(errorCode)) throw new KafkaError(errorCode, `heartbeat of group ${groupId}`)
    else if (await this.#isHealed(reply)) return
    else if (isTopologyChange(reply)) await this.#waitForOthers()
    else member.fail(fatalGroupError(groupId, reply, member.taskOf.topics))
  }

  /** Whether joining again may succeed although the coordinator refused this member. */
  async #isHealed(reply: StreamsGroupHeartbeatResponse): Promise<boolean> {
    const { cluster, options } = this.#member
    const isForeign = reply.errorCode === kafkaErrors.groupIdNotFound
    if (!isForeign && !isTopologyChange(reply)) return false
    const group = await describeStreamsGroup(cluster, options.groupId)
    if (isForeign) return group !== undefined || isChangingTopology(cluster, options.groupId)
    if (group !== undefined && group.members.length > 0) return false
    return forgetTopology(cluster, options.groupId)
  }

  /** Asks for what a lost reply said. A member that the group does not know any more joins again. */
  async #catchUp(broker: number): Promise<void> {
    const member = this.#member
    const { memberId } = member
    const group = await describeStreamsGroupOnce(member.cluster, member.options.groupId, broker)
    if (!member.isStill(memberId)) return
    const self = group?.members.find((each) => each.memberId === memberId)
    this.#inDoubt = false
    if (self === undefined) {
      member.lose('the group does not know this member any more')
      return
    }
    member.epoch = self.memberEpoch
    member.state.become('acknowledging')
    member.handover.told(assignmentOf(self.assignment))
  }

  /** Reports the members that run another topology. This one tries to join until the last of them has gone. */
  async #waitForOthers(): Promise<void> {
    const { cluster, options } = this.#member
    this.heartbeats.failed()
    const group = await describeStreamsGroup(cluster, options.groupId)
    const others = (group?.members ?? []).map(({ clientId, clientHost }) => `${clientId} on ${clientHost}`)
    if (others.length === 0 || this.#member.hasEnded) return
    this.#member.waitFor(topologyChanged(cluster, options.groupId, others, 'kafka-streams-groups.sh'))
  }
}
