import { MillraceError } from '../../../errors/millrace-error.ts'
import type { Route, TaskId } from '../../../group/group.ts'
import type { TimerHandle } from '../../../platform/clock.ts'
import { KafkaError, isRetriableCode, kafkaErrorName, kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { backoff, pause } from '../../cluster/retry.ts'
import { twinTookOver } from '../member/member-errors.ts'
import type { MemberProtocol } from '../member/member-protocol.ts'
import type { Membership } from '../member/membership.ts'
import { isEmpty } from '../member/tasks.ts'
import { encodeSubscription } from './consumer-protocol.ts'
import { describeClassicGroup } from '../member/describe-classic-group.ts'
import { Heartbeats } from '../member/heartbeats.ts'
import { GroupLeader } from './group-leader.ts'
import { joinError } from './classic-join-errors.ts'
import { untilOthersHaveGone } from './other-topology.ts'
import { ClassicRequests, type JoinAnswer } from './classic-requests.ts'
import {
  decodeAssigned,
  encodeMember,
  taskSetOf,
  topologyHash,
  type AssignmentData,
  type Problem,
} from './user-data.ts'

const noGeneration = -1
/** Time in ms for which a close waits for the answer to a first join. */
const leavePatience = 3_000

/**
 * Membership in a classic group (JoinGroup, SyncGroup; KIP-429): one member, the leader, assigns the tasks of all.
 * Members keep what they own when they join again, and say what that is. So a rebalance stops only tasks that move.
 */
export class ClassicProtocol implements MemberProtocol {
  readonly heartbeats: Heartbeats
  readonly eagerInterval = 200
  readonly heartbeatInterval: number
  readonly sessionTimeout: number
  readonly instanceId: string | undefined
  readonly #member: Membership
  readonly #requests: ClassicRequests
  readonly #leader: GroupLeader
  readonly #topology: string
  /** Tasks whose state is, or may be, on the disk of this process. */
  readonly #stored: Map<string, TaskId>
  /** The last generation whose assignment this member knows. */
  #assignedIn = noGeneration
  #isLeader = false
  /** See `AssignmentData.topics`. */
  #topicsAssigned = ''
  /** See `MemberData.request`. */
  #request = 0
  /** Whether a rebalance was asked for, since this member entered, because the leader had missed its endpoint. */
  #hasAskedForRoute = false
  #isShuttingDown = false
  #isLooking = false
  #isRebalanceDue = false
  #rebalancing: Promise<void> | undefined
  #revocationTimer: TimerHandle | undefined
  /** The leave that is under way after a failure. */
  #leaving: Promise<void> | undefined

  constructor(member: Membership) {
    const { cluster, options } = member
    this.heartbeatInterval = cluster.options.heartbeatInterval
    this.sessionTimeout = cluster.options.sessionTimeout
    this.instanceId = options.instanceId
    this.heartbeats = new Heartbeats(cluster.options, this, () => member.beat(this))
    this.#member = member
    this.#requests = new ClassicRequests(cluster, options)
    this.#topology = topologyHash(options.subtopologies)
    this.#leader = new GroupLeader(cluster, options, this.#topology)
    this.#stored = new Map(taskSetOf(options.storedTasks ?? []))
  }

  /**
   * Gives up a killed predecessor of this thread: the lock of the state directory proves that it is dead. Only a leave
   * frees its tasks before its session ends, and fences what it has on the way. A static member replaces it by joining.
   */
  async prepare(): Promise<void> {
    if (this.instanceId !== undefined) return
    const { cluster, options } = this.#member
    const group = await describeClassicGroup(cluster, options.groupId)
    for (const { memberId, clientId, instanceId } of group.members) {
      if (instanceId === undefined && clientId === cluster.options.clientId) await this.#requests.leave(memberId)
    }
  }

  async enter(): Promise<void> {
    this.#cancelRevocation()
    this.#leaveGeneration()
    this.#hasAskedForRoute = false
    void this.#rebalance()
  }

  acknowledged(): void {
    if (this.#member.handover.isGivingUp) {
      const { cluster, options } = this.#member
      this.#revocationTimer ??= cluster.options.clock.schedule(options.rebalanceTimeout, () => this.#onOverdue())
      return
    }
    this.#cancelRevocation()
    if (!this.#member.state.is('reconciling')) return
    this.#member.state.become('stable')
    void this.#requestRebalance()
  }

  async shutdownApplication(): Promise<void> {
    this.#isShuttingDown = true
    void this.#requestRebalance()
    await this.#rebalanced()
  }

  /** Waits for the rebalance that leads to the next generation. If none is under way, a heartbeat may start it. */
  async renewEpoch(): Promise<void> {
    if (this.#rebalancing === undefined) await this.heartbeats.beatNow()
    await this.#rebalanced()
  }

  /** A static member does not leave: it keeps its place for the session timeout (KIP-345). */
  async leave(memberId: string): Promise<void> {
    if (this.instanceId !== undefined) return
    await this.#leaving
    if (memberId !== '') await this.#requests.leave(memberId)
    // The coordinator may be making a member id for this one: all other members would wait for it.
    else await this.#atMost(leavePatience, this.#rebalancing)
  }

  failed(): void {
    this.#cancelRevocation()
    this.#isLeader = false
    const { memberId } = this.#member
    this.#member.memberId = ''
    if (memberId !== '') this.#leaving = this.leave(memberId)
  }

  /** Makes the group assign its tasks again. */
  #requestRebalance(): Promise<void> {
    this.#request++
    return this.#rebalance()
  }

  /** Joins the next generation of the group, one at a time, and again if there is a newer one by then. */
  #rebalance(): Promise<void> {
    this.#isRebalanceDue = true
    this.#rebalancing ??= this.#followGroup()
    return this.#rebalancing
  }

  /** Resolves when no rebalance is under way, or after the session timeout: no member can hold it up any longer. */
  #rebalanced(): Promise<void> {
    return this.#atMost(this.sessionTimeout, this.#rebalancing)
  }

  async #atMost(timeout: number, work: Promise<void> | undefined): Promise<void> {
    const isDone = new AbortController()
    await Promise.race([work, pause(this.#member.cluster.options.clock, timeout, isDone.signal)])
    isDone.abort()
  }

  async #followGroup(): Promise<void> {
    const { cluster } = this.#member
    try {
      for (let failures = 0; this.#isRebalanceDue && !this.#member.hasEnded;) {
        this.#isRebalanceDue = false
        try {
          await this.#joinAndSync()
          failures = 0
        } catch (error) {
          if (isTopologyChange(error) && !this.#member.hasEnded) {
            await this.#standAside(error)
            failures = 0
            continue
          }
          if (!this.#member.canRetry(error)) return
          this.#isRebalanceDue = true
          await pause(cluster.options.clock, backoff(cluster.options, failures++), cluster.closed)
        }
      }
    } finally {
      // In the same turn as the last check whether a rebalance is due, or a later request for one would be lost.
      this.#rebalancing = undefined
    }
  }

  /**
   * Waits until the last member with another topology has gone: the group has that topology until then. This member
   * waits outside of the group, where it could become the leader of members whose tasks it does not know.
   */
  async #standAside(refusal: MillraceError): Promise<void> {
    const member = this.#member
    const { memberId } = member
    const { groupId, instanceId } = member.options
    member.startOver()
    this.#leaveGeneration()
    member.waitFor(refusal)
    if (memberId !== '') await this.#requests.leave(memberId, instanceId)
    await untilOthersHaveGone(member.cluster, groupId, this.#topology, member)
    this.#isRebalanceDue = true
  }

  async #joinAndSync(): Promise<void> {
    const member = this.#member
    await member.releaseAbandoned()
    if (member.hasEnded) return
    const { memberId } = member
    const joined = await this.#requests.join(memberId, this.#subscription())
    if (member.hasEnded) {
      // The id came too late for `leave`.
      if (memberId === '' && joined.memberId !== '') await this.leave(joined.memberId)
      return
    }
    // The membership may be lost, and its id another, while the answer is on its way.
    if (!member.isStill(memberId) || !this.#hasJoined(joined)) return
    const assignments = joined.isLeader && !joined.isAssigned ? await this.#leader.assign(joined.members) : []
    if (!member.isStill(joined.memberId)) return
    const synced = await this.#requests.sync(joined.memberId, joined.generation, assignments)
    if (!member.isStill(joined.memberId)) return
    switch (synced.errorCode) {
      case kafkaErrors.none:
        this.#onAssignment(decodeAssigned(synced.assignment), joined.generation)
        return
      case kafkaErrors.rebalanceInProgress:
      case kafkaErrors.illegalGeneration:
        this.#isRebalanceDue = true
        return
      default:
        this.#refuse(synced.errorCode, 'syncing with')
    }
  }

  /** Whether the answer to a join makes this client a member of the new generation. */
  #hasJoined(joined: JoinAnswer): boolean {
    const member = this.#member
    if (joined.errorCode === kafkaErrors.memberIdRequired) {
      member.memberId = joined.memberId
      this.#isRebalanceDue = true
      return false
    }
    if (joined.errorCode !== kafkaErrors.none) {
      this.#refuse(joined.errorCode, 'joining')
      return false
    }
    if (member.state.is('joining')) {
      member.heard(member.cluster.options.clock.monotonic())
      member.state.become('stable')
    }
    member.memberId = joined.memberId
    member.epoch = joined.generation
    this.#isLeader = joined.isLeader
    return true
  }

  #subscription(): Buffer {
    const { cluster, options, handover, taskOf } = this.#member
    const data = {
      processId: options.processId,
      clientId: cluster.options.clientId,
      topology: this.#topology,
      generation: this.#assignedIn,
      claimed: handover.claimed,
      stored: this.#stored,
      standbyReplicas: options.standbyReplicas,
      isShuttingDown: this.#isShuttingDown,
      request: this.#request,
      endpoint: options.endpoint,
    }
    return encodeSubscription(taskOf.topics, encodeMember(data))
  }

  /** Handles an error that concerns the membership. @throws KafkaError, MillraceError for any other */
  #refuse(errorCode: number, doing: string): void {
    const { options } = this.#member
    if (errorCode === kafkaErrors.unknownMemberId || errorCode === kafkaErrors.groupIdNotFound) {
      this.#member.lose(`the group coordinator answered ${kafkaErrorName(errorCode)}`)
      return
    }
    if (errorCode === kafkaErrors.fencedInstanceId) throw twinTookOver(options)
    const error = joinError(errorCode, options.groupId, this.sessionTimeout)
    if (error !== undefined) throw error
    throwOnError(errorCode, `${doing} group ${options.groupId}`)
  }

  #onAssignment(data: AssignmentData, generation: number): void {
    const member = this.#member
    if (data.isTransitional) this.heartbeats.hurry()
    if (data.isShuttingDown) {
      member.shutDown()
      // Members that join later must be notified, too.
      this.#isShuttingDown = true
    }
    if (data.problem?.type === 'failed') throw errorOf(data.problem)
    if (data.topology !== this.#topology) {
      // A static member came back with another topology. The leader decides about it.
      void this.#requestRebalance()
      return
    }
    this.#assignedIn = generation
    this.#topicsAssigned = data.topics
    member.state.become(data.mustRejoin ? 'reconciling' : 'stable')
    // While topics are missing nobody can have tasks: `waiting` says why, and an empty assignment would not.
    if (data.problem === undefined || !isEmpty(data.tasks)) member.handover.told(data.tasks)
    for (const set of [data.tasks.active, data.tasks.standby])
      for (const [text, task] of set) this.#stored.set(text, task)
    member.waitFor(data.problem === undefined ? undefined : errorOf(data.problem))
    this.#followEndpoints(data.endpoints ?? [])
    this.acknowledged()
  }

  /**
   * Passes the routes on. A static member that came back elsewhere gets the assignment that there was, with its old
   * endpoint: the leader must be made to assign again. This happens once, as an earlier version knows no endpoints.
   */
  #followEndpoints(endpoints: readonly Route[]): void {
    const own = this.#member.options.endpoint
    this.#member.toldRoutes(endpoints)
    if (own === undefined || this.#hasAskedForRoute || endpoints.some(({ endpoint }) => endpoint === own)) return
    this.#hasAskedForRoute = true
    void this.#requestRebalance()
  }

  #cancelRevocation(): void {
    this.#revocationTimer?.cancel()
    this.#revocationTimer = undefined
  }

  #onOverdue(): void {
    if (this.#member.hasEnded) return
    this.#member.abandon(`tasks were not given up within ${this.#member.options.rebalanceTimeout} ms`)
  }

  /** Heartbeats go on during a rebalance: a join may take as long as the session of a member that died. */
  async heartbeat(): Promise<void> {
    const member = this.#member
    if (!member.isMember) return
    const { memberId, epoch } = member
    const sentAt = member.cluster.options.clock.monotonic()
    const errorCode = await this.#requests.heartbeat(memberId, epoch)
    if (!member.isStill(memberId) || epoch !== member.epoch) return
    if (isRetriableCode(errorCode)) throw new KafkaError(errorCode, `heartbeat of group ${member.options.groupId}`)
    this.heartbeats.succeeded()
    member.answered()
    if (errorCode === kafkaErrors.none || errorCode === kafkaErrors.rebalanceInProgress) member.heard(sentAt)
    // The member id is known: the group counted this member, whose claims have not changed, in every generation since.
    else if (errorCode !== kafkaErrors.illegalGeneration) return this.#refuse(errorCode, 'heartbeat of')
    if (errorCode !== kafkaErrors.none) {
      if (this.#rebalancing === undefined) void this.#rebalance()
    } else if (this.#isLeader) void this.#lookAtTopics()
  }

  /** The leader looks for new topics and partitions, and has the tasks assigned again when there are any. */
  async #lookAtTopics(): Promise<void> {
    if (this.#rebalancing !== undefined || this.#isLooking) return
    this.#isLooking = true
    const generation = this.#member.epoch
    try {
      const isOutdated = await this.#leader.isOutdated(this.#topicsAssigned)
      if (isOutdated && this.#isLeader && generation === this.#member.epoch) void this.#requestRebalance()
    } catch (error) {
      // The next heartbeat looks again.
      if (this.#isLeader) this.#member.canRetry(error)
    } finally {
      this.#isLooking = false
    }
  }

  #leaveGeneration(): void {
    this.#member.epoch = noGeneration
    this.#assignedIn = noGeneration
    this.#isLeader = false
  }
}

function isTopologyChange(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === 'MR_TOPOLOGY_CHANGED'
}

function errorOf({ code, message, topic, hint }: Problem): MillraceError {
  return new MillraceError(code, message, { topic, hint })
}
