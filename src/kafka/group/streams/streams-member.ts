import { randomUUID } from 'node:crypto'
import type { MillraceError } from '../../../errors/millrace-error.ts'
import type { GroupEvent, GroupOptions } from '../../../group/group.ts'
import type { TopicPartition } from '../../../log/log.ts'
import type { TimerHandle } from '../../../platform/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import {
  KafkaError,
  isRetriableCode,
  isStaleCoordinatorCode,
  kafkaErrorName,
  kafkaErrors,
} from '../../protocol/errors.ts'
import { streamsGroupHeartbeat } from '../../protocol/streams-group-heartbeat.ts'
import type { JoinFields, StreamsGroupHeartbeatResponse } from '../../protocol/streams-group-heartbeat.ts'
import { groupStatus } from '../../protocol/streams-group-types.ts'
import type { TaskLists } from '../../protocol/streams-group-types.ts'
import { backoff, pause } from '../../cluster/retry.ts'
import { describeStreamsGroup, describeStreamsGroupOnce } from '../member/coordinator.ts'
import { forgetTopology, isChangingTopology } from '../member/change-topology.ts'
import { requireStreamsProtocol } from '../member/detect-protocol.ts'
import { prepareGroup } from '../member/group-configs.ts'
import { Handover } from '../member/handover.ts'
import { fatalGroupError, isTopologyChange } from '../member/join-errors.ts'
import type { KafkaMember } from '../member/kafka-member.ts'
import { asMillraceError, fencedMember, isPassing, topologyChanged } from '../member/member-errors.ts'
import type { OffsetMember } from '../member/offsets.ts'
import { TaskOfPartition, assignmentOf, isEmpty, taskListsOf } from '../member/tasks.ts'
import { Reachability } from '../member/reachability.ts'
import { protocolSubtopologies } from '../member/protocol-subtopologies.ts'
import { WaitingReasons, isWaiting } from '../member/waiting.ts'

const joinEpoch = 0
const leaveEpoch = -1
const noLists: TaskLists = { active: [], standby: [], warmup: [] }
/** Tasks that others gave up are handed over in a member's own next heartbeat only, so one without tasks asks more often, for a while. */
const eagerInterval = 100
const eagerPeriod = 30_000
/** How long a leave is repeated, in ms: nobody waits for its answer but whoever closes. */
const leavePatience = 3_000

/** Membership in a streams group by heartbeats that carry the topology and the tasks (KIP-1071). */
export class StreamsMember implements KafkaMember {
  readonly #cluster: Cluster
  readonly #options: GroupOptions
  readonly #join: JoinFields
  readonly #taskOf: TaskOfPartition
  readonly #handover = new Handover()
  readonly #waiting = new WaitingReasons()
  readonly #reachability: Reachability
  #state: 'idle' | 'joining' | 'member' | 'ended' = 'idle'
  #memberId = ''
  #epoch = joinEpoch
  #sessionTimeout = 0
  #interval = 0
  /** When the last heartbeat that was answered was sent: the session runs from there at the latest. */
  #heardAt = 0
  #eagerSince = 0
  /** The coordinator is to be told what the thread owns. */
  #report = false
  /** A reply was lost, which is never repeated: what it said must be asked for. */
  #inDoubt = false
  /** A member id that was given up here and may still hold tasks at the coordinator. */
  #abandonedId: string | undefined
  #shutdownWanted = false
  #shutdownTold = false
  #failures = 0
  /** The members of another topology that were told of. */
  #waitingFor = ''
  #timer: TimerHandle | undefined
  #beating: Promise<void> | undefined

  constructor(cluster: Cluster, options: GroupOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#reachability = new Reachability(options.onUnreachable)
    this.#taskOf = new TaskOfPartition(options.subtopologies)
    this.#join = {
      rebalanceTimeoutMs: options.rebalanceTimeout,
      processId: options.processId,
      topologyEpoch: 0,
      subtopologies: protocolSubtopologies(options.subtopologies),
    }
  }

  async join(): Promise<void> {
    if (this.#state !== 'idle') return
    this.#state = 'joining'
    const { groupId, standbyReplicas } = this.#options
    try {
      await requireStreamsProtocol(this.#cluster, groupId)
      this.#sessionTimeout = await prepareGroup(this.#cluster, groupId, standbyReplicas)
      await this.#evictPredecessor()
    } catch (error) {
      this.#fail(asMillraceError(error))
      return
    }
    // Left before it had joined.
    if (this.#hasEnded()) return
    this.#startOver()
    await this.#beatNow()
  }

  nextEvent(): GroupEvent | undefined {
    return this.#handover.next()
  }

  onEvent(wake: (() => void) | undefined): void {
    this.#handover.onEvent(wake)
  }

  acknowledge(): void {
    if (!this.#handover.acknowledge()) return
    this.#report = true
    void this.#beatNow()
  }

  async shutdownApplication(): Promise<void> {
    if (this.#state !== 'member' && this.#state !== 'joining') return
    this.#shutdownWanted = true
    await this.#beatNow()
  }

  async leave(): Promise<void> {
    this.#end()
    const memberId = this.#memberId
    this.#memberId = ''
    if (memberId !== '') await this.#release(memberId)
  }

  identity(): OffsetMember | undefined {
    if (this.#state === 'idle') return undefined
    this.#checkSession()
    if (this.#state !== 'member') throw fencedMember('this client is not a member', this.#options.groupId)
    return { memberId: this.#memberId, memberEpoch: this.#epoch }
  }

  requireOwned(partitions: Iterable<TopicPartition>): void {
    this.#taskOf.requireOwned(this.#options.groupId, this.#handover.held.active, partitions)
  }

  /** A heartbeat may be under way that brings a newer one. */
  async renewEpoch(): Promise<void> {
    await (this.#beating ?? this.#beatNow())
  }

  expelled(error: KafkaError): void {
    if (this.#state === 'member') this.#lose(error.message)
  }

  /** Drops everything if the coordinator may have given this member up without its having heard of it. */
  #checkSession(): void {
    const silence = this.#cluster.options.clock.monotonic() - this.#heardAt
    if (this.#state !== 'member' || silence <= this.#sessionTimeout) return
    this.#abandonedId = this.#memberId
    this.#lose(`no heartbeat was answered for ${silence} ms, longer than the session timeout`)
  }

  #startOver(): void {
    this.#memberId = randomUUID()
    this.#epoch = joinEpoch
    this.#state = 'joining'
    this.#report = false
    this.#inDoubt = false
    this.#eagerSince = this.#cluster.options.clock.monotonic()
  }

  /**
   * A thread of this process that was killed holds its tasks until its session ends; the state directory's lock says that it is dead.
   * Only a leave frees them at once and fences whatever it left on the way.
   */
  async #evictPredecessor(): Promise<void> {
    const group = await describeStreamsGroup(this.#cluster, this.#options.groupId)
    for (const { memberId, processId, clientId } of group?.members ?? []) {
      if (processId === this.#options.processId && clientId === this.#cluster.options.clientId)
        await this.#release(memberId)
    }
  }

  /** One heartbeat at a time; what is to be said meanwhile goes with the next one. */
  #beatNow(): Promise<void> {
    this.#timer?.cancel()
    if (this.#beating !== undefined)
      return this.#beating.then(() => (this.#report || this.#shutdownWanted ? this.#beatNow() : undefined))
    if (this.#state === 'ended' || this.#state === 'idle') return Promise.resolve()
    this.#beating = this.#beat().finally(() => {
      this.#beating = undefined
      if (this.#state === 'joining' || this.#state === 'member') {
        this.#timer = this.#cluster.options.clock.schedule(this.#delay(), () => void this.#beatNow())
      }
    })
    return this.#beating
  }

  #delay(): number {
    if (this.#failures > 0) return backoff(this.#cluster.options, this.#failures - 1)
    const { clock } = this.#cluster.options
    const isEager = isEmpty(this.#handover.held) && clock.monotonic() - this.#eagerSince < eagerPeriod
    return isEager ? Math.min(eagerInterval, this.#interval) : this.#interval
  }

  async #beat(): Promise<void> {
    const { groupId } = this.#options
    this.#checkSession()
    const sentAt = this.#cluster.options.clock.monotonic()
    try {
      const broker = await this.#cluster.coordinator('group', groupId)
      if (this.#abandonedId !== undefined) await this.#release(this.#abandonedId)
      this.#abandonedId = undefined
      if (this.#inDoubt) await this.#catchUp(broker)
      // A join that followed the leave would make a member that nobody knows; one sent before it is answered before it.
      if (this.#hasEnded()) return
      const report = this.#report
      const shutdownApplication = this.#shutdownWanted
      const isJoin = this.#epoch === joinEpoch
      this.#report = false
      this.#shutdownWanted = false
      const memberId = this.#memberId
      const request = {
        groupId,
        memberId,
        memberEpoch: this.#epoch,
        join: isJoin ? this.#join : undefined,
        tasks: isJoin ? noLists : report ? taskListsOf(this.#handover.held) : undefined,
        shutdownApplication,
      }
      let reply: StreamsGroupHeartbeatResponse
      try {
        reply = await this.#cluster.send(broker, 'heartbeat', streamsGroupHeartbeat, request)
      } catch (error) {
        this.#shutdownWanted ||= shutdownApplication
        if (memberId === this.#memberId) {
          this.#report ||= report
          this.#inDoubt = !isJoin
        }
        throw error
      }
      // Left, or lost, while the answer was on its way.
      if (memberId !== this.#memberId || this.#hasEnded()) return
      await this.#onReply(reply, sentAt, report, shutdownApplication)
    } catch (error) {
      this.#onFailure(error)
    }
  }

  async #onReply(
    reply: StreamsGroupHeartbeatResponse,
    sentAt: number,
    report: boolean,
    shutdown: boolean,
  ): Promise<void> {
    const { errorCode } = reply
    this.#reachability.answered()
    if (errorCode === kafkaErrors.none) {
      this.#failures = 0
      this.#heardAt = sentAt
      this.#interval = reply.heartbeatIntervalMs
      this.#state = 'member'
      if (reply.memberEpoch !== this.#epoch) this.#eagerSince = sentAt
      this.#epoch = reply.memberEpoch
      this.#onStatus(reply)
      return
    }
    this.#report ||= report
    this.#shutdownWanted ||= shutdown
    const isGroupGone = errorCode === kafkaErrors.groupIdNotFound && this.#epoch !== joinEpoch
    if (isGroupGone || errorCode === kafkaErrors.unknownMemberId || errorCode === kafkaErrors.fencedMemberEpoch) {
      // A member whose epoch is refused still holds its tasks at the coordinator.
      if (errorCode === kafkaErrors.fencedMemberEpoch) this.#abandonedId = this.#memberId
      this.#lose(`the group coordinator answered ${kafkaErrorName(errorCode)}`)
      return
    }
    if (isRetriableCode(errorCode)) throw new KafkaError(errorCode, `heartbeat of group ${this.#options.groupId}`)
    if (await this.#isHealed(reply)) return
    if (isTopologyChange(reply)) await this.#waitForOthers()
    else this.#fail(fatalGroupError(this.#options.groupId, reply, this.#taskOf.topics))
  }

  /** Whether joining again may succeed although the coordinator refused it. */
  async #isHealed(reply: StreamsGroupHeartbeatResponse): Promise<boolean> {
    const { groupId } = this.#options
    const isForeign = reply.errorCode === kafkaErrors.groupIdNotFound
    if (!isForeign && !isTopologyChange(reply)) return false
    const group = await describeStreamsGroup(this.#cluster, groupId)
    if (isForeign) return group !== undefined || isChangingTopology(this.#cluster, groupId)
    if (group !== undefined && group.members.length > 0) return false
    return forgetTopology(this.#cluster, groupId)
  }

  #onStatus({ status, tasks }: StreamsGroupHeartbeatResponse): void {
    if (status !== undefined) {
      const wasWaiting = this.#waiting.isTold
      const error = this.#waiting.next(status, this.#heardAt)
      if (error !== undefined) this.#handover.notify({ type: 'waiting', error })
      else if (wasWaiting && !this.#waiting.isTold) this.#handover.notify({ type: 'resumed' })
      if (status.some(({ code }) => code === groupStatus.shutdownApplication) && !this.#shutdownTold) {
        this.#shutdownTold = true
        this.#handover.notify({ type: 'shutdown' })
      }
    }
    // While topics are missing a member has no tasks because nobody can have any, which `waiting` says better than an empty list.
    if (tasks === undefined) return
    const target = assignmentOf(tasks)
    const isPremature =
      isEmpty(target) && isEmpty(this.#handover.held) && (status ?? []).some(({ code }) => isWaiting(code))
    if (!isPremature) this.#handover.told(target)
  }

  #onFailure(error: unknown): void {
    if (this.#state === 'ended') return
    if (this.#cluster.closed.aborted) {
      this.#end()
      return
    }
    if (!isPassing(error)) {
      this.#fail(asMillraceError(error))
      return
    }
    this.#failures++
    this.#reachability.failed(error)
    if (!(error instanceof KafkaError) || isStaleCoordinatorCode(error.apiCode))
      this.#cluster.forgetCoordinator('group', this.#options.groupId)
  }

  /** Learns what a lost reply said. A member that is gone, or was reset, joins anew. */
  async #catchUp(broker: number): Promise<void> {
    const memberId = this.#memberId
    const group = await describeStreamsGroupOnce(this.#cluster, this.#options.groupId, broker)
    if (memberId !== this.#memberId) return
    const self = group?.members.find((member) => member.memberId === memberId)
    this.#inDoubt = false
    if (self === undefined) {
      this.#lose('the group does not know this member any more')
      return
    }
    this.#epoch = self.memberEpoch
    this.#report = true
    this.#handover.told(assignmentOf(self.assignment))
  }

  #lose(reason: string): void {
    this.#handover.lose(reason, this.#sessionTimeout)
    this.#startOver()
    void this.#beatNow()
  }

  #fail(error: MillraceError): void {
    if (this.#state === 'ended') return
    this.#end()
    this.#handover.notify({ type: 'failed', error })
  }

  #hasEnded(): boolean {
    return this.#state === 'ended'
  }

  #end(): void {
    this.#state = 'ended'
    this.#timer?.cancel()
  }

  /** Says leave for a member id. Unanswered, the coordinator finds out by itself when the session ends. */
  async #release(memberId: string): Promise<void> {
    const { groupId } = this.#options
    const request = {
      groupId,
      memberId,
      memberEpoch: leaveEpoch,
      join: undefined,
      tasks: undefined,
      shutdownApplication: false,
    }
    const { clock } = this.#cluster.options
    const deadline = clock.monotonic() + leavePatience
    for (let attempt = 0; !this.#cluster.closed.aborted && (attempt === 0 || clock.monotonic() < deadline); attempt++) {
      try {
        const broker = await this.#cluster.coordinator('group', groupId)
        const { errorCode } = await this.#cluster.send(broker, 'heartbeat', streamsGroupHeartbeat, request)
        if (!isRetriableCode(errorCode)) return
        if (isStaleCoordinatorCode(errorCode)) this.#cluster.forgetCoordinator('group', groupId)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        this.#cluster.forgetCoordinator('group', groupId)
      }
      await pause(this.#cluster.options.clock, backoff(this.#cluster.options, attempt), this.#cluster.closed)
    }
  }

  /** Members run another topology: it is theirs while they live, so joining is tried again until the last of them has gone. */
  async #waitForOthers(): Promise<void> {
    const { groupId } = this.#options
    this.#failures++
    const group = await describeStreamsGroup(this.#cluster, groupId)
    const others = (group?.members ?? []).map(({ clientId, clientHost }) => `${clientId} on ${clientHost}`)
    const error = topologyChanged(this.#cluster, groupId, others, 'kafka-streams-groups.sh')
    if (others.length === 0 || error.message === this.#waitingFor || this.#hasEnded()) return
    this.#waitingFor = error.message
    this.#handover.notify({ type: 'waiting', error })
  }
}
