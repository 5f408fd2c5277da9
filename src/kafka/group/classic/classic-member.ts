import { MillraceError } from '../../../errors/millrace-error.ts'
import type { GroupEvent, GroupOptions, TaskId } from '../../../group/group.ts'
import type { TopicPartition } from '../../../log/log.ts'
import type { TimerHandle } from '../../../platform/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, isRetriableCode, kafkaErrorName, kafkaErrors, throwOnError } from '../../protocol/errors.ts'
import { backoff, pause } from '../../cluster/retry.ts'
import { Handover } from '../member/handover.ts'
import type { KafkaMember } from '../member/kafka-member.ts'
import { asMillraceError, fencedMember, isPassing } from '../member/member-errors.ts'
import type { OffsetMember } from '../member/offsets.ts'
import { Reachability } from '../member/reachability.ts'
import { TaskOfPartition, isEmpty } from '../member/tasks.ts'
import { encodeSubscription } from './consumer-protocol.ts'
import { describeClassicGroup } from '../member/describe-classic-group.ts'
import { GroupLeader } from './group-leader.ts'
import { HeartbeatTimer } from './heartbeat-timer.ts'
import { joinError, twinTookOver } from './classic-join-errors.ts'
import { untilOthersHaveGone } from './other-topology.ts'
import { ClassicRequests } from './classic-requests.ts'
import type { JoinAnswer } from './classic-requests.ts'
import { decodeAssigned, encodeMember, taskSetOf, topologyHash } from './user-data.ts'
import type { AssignmentData, Problem } from './user-data.ts'

const noGeneration = -1
/** How long closing waits for the answer to a first join. */
const leavePatience = 3_000

/**
 * Membership in a classic group (JoinGroup, SyncGroup; KIP-429): one member, the leader, assigns the tasks of all. Members join again
 * without giving up what they own, and say what that is; so a rebalance stops nothing but the tasks that move.
 */
export class ClassicMember implements KafkaMember {
  readonly #cluster: Cluster
  readonly #options: GroupOptions
  readonly #requests: ClassicRequests
  readonly #leader: GroupLeader
  readonly #taskOf: TaskOfPartition
  readonly #topics: readonly string[]
  readonly #topology: string
  readonly #handover = new Handover()
  readonly #heartbeats: HeartbeatTimer
  readonly #reachability: Reachability
  /** Tasks whose state lies, or may lie, on the disk of this process. */
  readonly #stored: Map<string, TaskId>
  #state: 'idle' | 'joining' | 'member' | 'ended' = 'idle'
  #memberId = ''
  #generation = noGeneration
  /** The last generation whose assignment this member knows. */
  #assignedIn = noGeneration
  #isLeader = false
  /** See `AssignmentData.topics`. */
  #topicsAssigned = ''
  /** When the last heartbeat that was answered was sent: the session runs from there at the latest. */
  #heardAt = 0
  /** Others wait for what this member is giving up. */
  #mustRejoin = false
  /** See `MemberData.request`. */
  #request = 0
  /** A member id that was given up here and may still hold tasks at the coordinator. */
  #abandonedId: string | undefined
  #isShuttingDown = false
  #shutdownTold = false
  #waitingFor: string | undefined
  #isLooking = false
  #isRebalanceDue = false
  #rebalancing: Promise<void> | undefined
  #revocationTimer: TimerHandle | undefined
  /** A leave under way after a failure. */
  #leaving: Promise<void> | undefined

  constructor(cluster: Cluster, options: GroupOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#reachability = new Reachability(options.onUnreachable)
    this.#requests = new ClassicRequests(cluster, options)
    this.#topology = topologyHash(options.subtopologies)
    this.#leader = new GroupLeader(cluster, options, this.#topology)
    this.#taskOf = new TaskOfPartition(options.subtopologies)
    this.#topics = this.#taskOf.topics
    this.#heartbeats = new HeartbeatTimer(cluster.options, () => this.#beat())
    this.#stored = new Map(taskSetOf(options.storedTasks ?? []))
  }

  async join(): Promise<void> {
    if (this.#state !== 'idle') return
    this.#state = 'joining'
    try {
      await this.#evictPredecessor()
    } catch (error) {
      this.#fail(asMillraceError(error))
      return
    }
    // Left before it had joined.
    if (this.#hasEnded()) return
    this.#heartbeats.start()
    void this.#rebalance()
  }

  nextEvent(): GroupEvent | undefined {
    return this.#handover.next()
  }

  onEvent(wake: (() => void) | undefined): void {
    this.#handover.onEvent(wake)
  }

  acknowledge(): void {
    if (this.#handover.acknowledge()) this.#onHandover()
  }

  async shutdownApplication(): Promise<void> {
    if (this.#state !== 'member' && this.#state !== 'joining') return
    this.#isShuttingDown = true
    void this.#requestRebalance()
    await this.#rebalanced()
  }

  /** A static member keeps its place for the session timeout, which is what it is for (KIP-345). */
  async leave(): Promise<void> {
    const memberId = this.#memberId
    const entering = this.#rebalancing
    this.#end()
    this.#memberId = ''
    if (this.#isStatic) return
    await this.#leaving
    if (memberId !== '') {
      await this.#requests.leave(memberId)
    } else {
      // The coordinator has made, or is making, a member id for this one: all others would wait for it.
      await this.#atMost(leavePatience, entering)
    }
  }

  identity(): OffsetMember | undefined {
    if (this.#state === 'idle') return undefined
    this.#checkSession()
    if (this.#state !== 'member') throw fencedMember('this client is not a member', this.#options.groupId)
    return { memberId: this.#memberId, memberEpoch: this.#generation, instanceId: this.#options.instanceId }
  }

  requireOwned(partitions: Iterable<TopicPartition>): void {
    this.#taskOf.requireOwned(this.#options.groupId, this.#handover.held.active, partitions)
  }

  /** The rebalance that leads to the next generation may be under way already, or a heartbeat may tell of it. */
  async renewEpoch(): Promise<void> {
    if (this.#rebalancing === undefined) await this.#heartbeats.beatNow()
    await this.#rebalanced()
  }

  expelled(error: KafkaError): void {
    if (error.apiCode === kafkaErrors.fencedInstanceId) this.#fail(this.#twinTookOver())
    else if (this.#state === 'member') this.#lose(error.message)
  }

  get #isStatic(): boolean {
    return this.#options.instanceId !== undefined
  }

  /** Drops everything if the coordinator may have given this member up without its having heard of it. */
  #checkSession(): void {
    const { clock, sessionTimeout } = this.#cluster.options
    const silence = clock.monotonic() - this.#heardAt
    if (this.#state !== 'member' || silence <= sessionTimeout) return
    this.#abandonedId = this.#memberId
    this.#lose(`no heartbeat was answered for ${silence} ms, longer than the session timeout`)
  }

  /**
   * A thread of this process that was killed holds its tasks until its session ends; the state directory's lock says that it is dead.
   * Only a leave frees them at once and fences whatever it left on the way. A static member takes its predecessor's place by joining.
   */
  async #evictPredecessor(): Promise<void> {
    if (this.#isStatic) return
    const group = await describeClassicGroup(this.#cluster, this.#options.groupId)
    for (const { memberId, clientId, instanceId } of group.members) {
      if (instanceId === undefined && clientId === this.#cluster.options.clientId) await this.#requests.leave(memberId)
    }
  }

  /** Has the group assign its tasks anew. */
  #requestRebalance(): Promise<void> {
    this.#request++
    return this.#rebalance()
  }

  /** Joins the coming generation of the group; one at a time, and again if there is a newer one by then. */
  #rebalance(): Promise<void> {
    this.#isRebalanceDue = true
    this.#rebalancing ??= this.#followGroup()
    return this.#rebalancing
  }

  /** Resolves when no rebalance is under way, or when there is no hope for it: the members that it waits for lose their sessions. */
  #rebalanced(): Promise<void> {
    return this.#atMost(this.#cluster.options.sessionTimeout, this.#rebalancing)
  }

  async #atMost(timeout: number, work: Promise<void> | undefined): Promise<void> {
    const isDone = new AbortController()
    await Promise.race([work, pause(this.#cluster.options.clock, timeout, isDone.signal)])
    isDone.abort()
  }

  async #followGroup(): Promise<void> {
    try {
      for (let failures = 0; this.#isRebalanceDue && !this.#hasEnded();) {
        this.#isRebalanceDue = false
        try {
          await this.#joinAndSync()
          failures = 0
        } catch (error) {
          if (isTopologyChange(error)) {
            await this.#standAside(error)
            failures = 0
            continue
          }
          if (!this.#canRetry(error)) return
          this.#isRebalanceDue = true
          await pause(this.#cluster.options.clock, backoff(this.#cluster.options, failures++), this.#cluster.closed)
        }
      }
    } finally {
      // In the same turn as the last look at whether a rebalance is due: who asks for one later must not be overheard.
      this.#rebalancing = undefined
    }
  }

  /**
   * Others run another topology, which is the group's while they live. Waits outside of the group, in which it could be made the leader
   * of members whose tasks it does not know, until the last of them has gone.
   */
  async #standAside(refusal: MillraceError): Promise<void> {
    const { groupId, instanceId } = this.#options
    const memberId = this.#memberId
    this.#leaveGeneration()
    this.#tellWaiting(refusal)
    if (memberId !== '') await this.#requests.leave(memberId, instanceId)
    await untilOthersHaveGone(this.#cluster, groupId, this.#topology, {
      tell: (error) => this.#tellWaiting(error),
      canRetry: (error) => this.#canRetry(error),
      hasEnded: () => this.#hasEnded(),
    })
    this.#isRebalanceDue = true
  }

  /** Whether what failed may succeed later; if not, this member has failed, unless it is closing anyway. */
  #canRetry(error: unknown): boolean {
    if (this.#hasEnded()) return false
    if (this.#cluster.closed.aborted) {
      this.#end()
      return false
    }
    if (!isPassing(error)) {
      this.#fail(asMillraceError(error))
      return false
    }
    if (error instanceof KafkaError) this.#requests.forgetCoordinator(error.apiCode)
    return true
  }

  async #joinAndSync(): Promise<void> {
    if (this.#abandonedId !== undefined && !this.#isStatic) await this.#requests.leave(this.#abandonedId)
    this.#abandonedId = undefined
    if (this.#hasEnded()) return
    const memberId = this.#memberId
    const joined = await this.#requests.join(memberId, this.#subscription())
    if (this.#hasEnded()) {
      // Whatever id came too late to be left under.
      if (memberId === '' && joined.memberId !== '' && !this.#isStatic) await this.#requests.leave(joined.memberId)
      return
    }
    // Lost, and given another id or none, while the answer was on its way.
    if (memberId !== this.#memberId || !this.#hasJoined(joined)) return
    const assignments = joined.isLeader && !joined.isAssigned ? await this.#leader.assign(joined.members) : []
    if (joined.memberId !== this.#memberId) return
    const synced = await this.#requests.sync(joined.memberId, joined.generation, assignments)
    if (joined.memberId !== this.#memberId) return
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

  /** Whether the answer to a join makes this a member of the new generation. */
  #hasJoined(joined: JoinAnswer): boolean {
    if (joined.errorCode === kafkaErrors.memberIdRequired) {
      this.#memberId = joined.memberId
      this.#isRebalanceDue = true
      return false
    }
    if (joined.errorCode !== kafkaErrors.none) {
      this.#refuse(joined.errorCode, 'joining')
      return false
    }
    if (this.#state === 'joining') this.#heardAt = this.#cluster.options.clock.monotonic()
    this.#memberId = joined.memberId
    this.#generation = joined.generation
    this.#isLeader = joined.isLeader
    this.#state = 'member'
    return true
  }

  #subscription(): Buffer {
    const { processId, standbyReplicas } = this.#options
    const data = {
      processId,
      clientId: this.#cluster.options.clientId,
      topology: this.#topology,
      generation: this.#assignedIn,
      claimed: this.#handover.claimed,
      stored: this.#stored,
      standbyReplicas,
      isShuttingDown: this.#isShuttingDown,
      request: this.#request,
    }
    return encodeSubscription(this.#topics, encodeMember(data))
  }

  /** Acts upon an error that concerns the membership. @throws KafkaError, MillraceError any other */
  #refuse(errorCode: number, doing: string): void {
    if (errorCode === kafkaErrors.unknownMemberId || errorCode === kafkaErrors.groupIdNotFound) {
      this.#lose(`the group coordinator answered ${kafkaErrorName(errorCode)}`)
      return
    }
    if (errorCode === kafkaErrors.fencedInstanceId) throw this.#twinTookOver()
    const error = joinError(errorCode, this.#options.groupId, this.#cluster.options.sessionTimeout)
    if (error !== undefined) throw error
    throwOnError(errorCode, `${doing} group ${this.#options.groupId}`)
  }

  #onAssignment(data: AssignmentData, generation: number): void {
    if (data.isTransitional) this.#heartbeats.hurry()
    if (data.isShuttingDown && !this.#shutdownTold) {
      this.#shutdownTold = true
      // Whoever joins later is to hear of it, too.
      this.#isShuttingDown = true
      this.#handover.notify({ type: 'shutdown' })
    }
    if (data.problem?.type === 'failed') throw errorOf(data.problem)
    if (data.topology !== this.#topology) {
      // A static member came back with another topology, which is for the leader to judge.
      void this.#requestRebalance()
      return
    }
    this.#assignedIn = generation
    this.#topicsAssigned = data.topics
    this.#mustRejoin = data.mustRejoin
    // While topics are missing a member has no tasks because nobody can have any, which `waiting` says better than an empty list.
    if (data.problem === undefined || !isEmpty(data.tasks)) this.#handover.told(data.tasks)
    for (const set of [data.tasks.active, data.tasks.standby])
      for (const [text, task] of set) this.#stored.set(text, task)
    this.#tellWaiting(data.problem === undefined ? undefined : errorOf(data.problem))
    this.#onHandover()
  }

  #tellWaiting(error: MillraceError | undefined): void {
    if (error === undefined) {
      if (this.#waitingFor !== undefined) this.#handover.notify({ type: 'resumed' })
    } else if (error.message !== this.#waitingFor) this.#handover.notify({ type: 'waiting', error })
    this.#waitingFor = error?.message
  }

  #onHandover(): void {
    if (this.#handover.isGivingUp) {
      const { rebalanceTimeout } = this.#options
      this.#revocationTimer ??= this.#cluster.options.clock.schedule(rebalanceTimeout, () => this.#onOverdue())
      return
    }
    this.#revocationTimer?.cancel()
    this.#revocationTimer = undefined
    if (!this.#mustRejoin) return
    this.#mustRejoin = false
    void this.#requestRebalance()
  }

  #onOverdue(): void {
    if (this.#hasEnded()) return
    this.#abandonedId = this.#memberId
    this.#lose(`tasks were not given up within ${this.#options.rebalanceTimeout} ms`)
  }

  /** Goes on while the group is rebalanced: a join may take as long as the session of a member that died. */
  async #beat(): Promise<void> {
    this.#checkSession()
    if (this.#state !== 'member') return
    const [memberId, generation] = [this.#memberId, this.#generation]
    const sentAt = this.#cluster.options.clock.monotonic()
    try {
      const errorCode = await this.#requests.heartbeat(memberId, generation)
      if (memberId !== this.#memberId || generation !== this.#generation || this.#hasEnded()) return
      if (isRetriableCode(errorCode)) throw new KafkaError(errorCode, `heartbeat of group ${this.#options.groupId}`)
      this.#onHeartbeat(errorCode, sentAt)
    } catch (error) {
      if (!this.#canRetry(error)) return
      this.#heartbeats.failed()
      this.#reachability.failed(error)
    }
  }

  #onHeartbeat(errorCode: number, sentAt: number): void {
    this.#heartbeats.succeeded()
    this.#reachability.answered()
    switch (errorCode) {
      case kafkaErrors.none:
        this.#heardAt = sentAt
        if (this.#isLeader) void this.#lookAtTopics()
        return
      case kafkaErrors.rebalanceInProgress:
        this.#heardAt = sentAt
        if (this.#rebalancing === undefined) void this.#rebalance()
        return
      case kafkaErrors.illegalGeneration:
        // The member id is known: the group counted on this member, whose claims have not changed, in every generation since.
        if (this.#rebalancing === undefined) void this.#rebalance()
        return
      default:
        this.#refuse(errorCode, 'heartbeat of')
    }
  }

  /** The leader answers for it that the group hears of new topics and partitions. */
  async #lookAtTopics(): Promise<void> {
    if (this.#rebalancing !== undefined || this.#isLooking) return
    this.#isLooking = true
    const generation = this.#generation
    try {
      const isOutdated = await this.#leader.isOutdated(this.#topicsAssigned)
      if (isOutdated && this.#isLeader && generation === this.#generation) void this.#requestRebalance()
    } catch (error) {
      // The next heartbeat looks again.
      this.#canRetry(error)
    } finally {
      this.#isLooking = false
    }
  }

  #lose(reason: string): void {
    this.#revocationTimer?.cancel()
    this.#revocationTimer = undefined
    this.#handover.lose(reason, this.#cluster.options.sessionTimeout)
    this.#leaveGeneration()
    void this.#rebalance()
  }

  #leaveGeneration(): void {
    this.#memberId = ''
    this.#generation = noGeneration
    this.#assignedIn = noGeneration
    this.#isLeader = false
    this.#mustRejoin = false
    this.#state = 'joining'
  }

  #twinTookOver(): MillraceError {
    return twinTookOver(this.#options.groupId, this.#options.instanceId)
  }

  #fail(error: MillraceError): void {
    if (this.#state === 'ended') return
    this.#end()
    this.#handover.notify({ type: 'failed', error })
    const memberId = this.#memberId
    this.#memberId = ''
    if (memberId !== '' && !this.#isStatic) this.#leaving = this.#requests.leave(memberId)
  }

  #hasEnded(): boolean {
    return this.#state === 'ended'
  }

  #end(): void {
    this.#state = 'ended'
    this.#heartbeats.stop()
    this.#revocationTimer?.cancel()
  }
}

function isTopologyChange(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === 'MR_TOPOLOGY_CHANGED'
}

function errorOf({ code, message, topic, hint }: Problem): MillraceError {
  return new MillraceError(code, message, { topic, hint })
}
