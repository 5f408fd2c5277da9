import type { MillraceError } from '../../../errors/millrace-error.ts'
import type { GroupEvent, GroupMember, MemberOptions, Route } from '../../../group/group.ts'
import type { PartitionMap } from '../../../log/log.ts'
import { StateMachine } from '../../../platform/state-machine.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, isStaleCoordinatorCode, kafkaErrors } from '../../protocol/errors.ts'
import type { GroupProtocol } from './detect-protocol.ts'
import { Handover } from './handover.ts'
import { asMillraceError, fencedMember, isPassing, twinTookOver } from './member-errors.ts'
import type { MemberProtocol } from './member-protocol.ts'
import type { OffsetMember } from './offsets.ts'
import type { ProtocolChoice } from './protocol-choice.ts'
import { Reachability } from './reachability.ts'
import { TaskOfPartition } from './tasks.ts'

type JoinedState = 'stable' | 'reconciling' | 'acknowledging'
type MemberState = 'unsubscribed' | 'choosing' | 'joining' | JoinedState | 'fatal' | 'left'

/**
 * The life of a member of a Kafka group, by either protocol. Its states are some of Kafka's own (`MemberState`), and
 * `choosing`:
 *
 * ```
 * unsubscribed ── join ──▶ choosing ───▶ joining ── in the group ──▶ stable ◀──▶ reconciling, acknowledging
 *                           ▲             ▲ │                          │                 │
 *                           │             └─┼── fenced, or its session may be over ──────┤
 *                           └───────────────┴── protocol refused ──────┴─────────────────┘
 *                           every state but the first ──▶ fatal          every state ──▶ left
 * ```
 *
 * A member is `choosing` until it knows a protocol that its group may take. It is `reconciling` while others wait for
 * tasks that it gives up (classic: then it joins again), and `acknowledging` while the coordinator does not know what
 * its thread owns (streams: the next heartbeat says it). The `handover` has the tasks themselves.
 */
export class Membership implements GroupMember {
  readonly cluster: Cluster
  readonly options: MemberOptions
  readonly handover = new Handover()
  readonly taskOf: TaskOfPartition
  readonly state = new StateMachine<MemberState>(
    'a group member',
    {
      unsubscribed: ['choosing', 'left'],
      choosing: ['joining', 'fatal', 'left'],
      joining: ['stable', 'choosing', 'fatal', 'left'],
      stable: ['reconciling', 'acknowledging', 'joining', 'choosing', 'fatal', 'left'],
      reconciling: ['stable', 'joining', 'choosing', 'fatal', 'left'],
      acknowledging: ['stable', 'joining', 'choosing', 'fatal', 'left'],
      fatal: ['left'],
      left: [],
    },
    'unsubscribed',
  )
  memberId = ''
  /** The member's epoch, or the generation of the group. */
  epoch = 0
  readonly #choice: ProtocolChoice
  readonly #speak: (protocol: GroupProtocol, membership: Membership) => MemberProtocol
  /** The protocol that is spoken now, or was last. */
  #protocol: MemberProtocol | undefined
  readonly #reachability: Reachability
  /** When the last answered heartbeat was sent: the session runs from then on at the earliest. */
  #heardAt: number | undefined
  /** A member id that was given up here, but may still hold tasks at the coordinator. */
  #abandonedId: string | undefined
  /** Whether its tasks were lost, and its thread may not know yet: until it takes those that it has instead. */
  #hasLost = false
  #isShutdownKnown = false
  /** The last reason given to the thread why nothing can be assigned. */
  #waitingFor: string | undefined

  constructor(
    cluster: Cluster,
    options: MemberOptions,
    choice: ProtocolChoice,
    speak: (protocol: GroupProtocol, membership: Membership) => MemberProtocol,
  ) {
    this.cluster = cluster
    this.options = options
    this.taskOf = new TaskOfPartition(options.subtopologies)
    this.#reachability = new Reachability(options.onUnreachable)
    this.#choice = choice
    this.#speak = speak
  }

  async join(): Promise<void> {
    if (!this.state.is('unsubscribed')) return
    this.state.become('choosing')
    await this.#choose(undefined)
  }

  /** Joins by the protocol of the group. @param refusal why the group refused the last one */
  async #choose(refusal: MillraceError | undefined): Promise<void> {
    let chosen: GroupProtocol
    try {
      chosen = await this.#choice.next(refusal, (error) => this.waitFor(error))
      // The thread may leave meanwhile, here and below.
      if (!this.state.is('choosing')) return
      const { memberId } = this
      this.memberId = ''
      await this.#protocol?.leave(memberId)
    } catch (error) {
      if (this.state.is('choosing')) this.#die(asMillraceError(error))
      return
    }
    if (!this.state.is('choosing')) return
    this.state.become('joining')
    await this.#enter(this.#speak(chosen, this))
  }

  async #enter(protocol: MemberProtocol): Promise<void> {
    this.#protocol = protocol
    try {
      await protocol.prepare()
    } catch (error) {
      if (this.#protocol === protocol) this.fail(asMillraceError(error))
      return
    }
    if (this.#protocol !== protocol || this.hasEnded) return
    protocol.heartbeats.start()
    await protocol.enter()
  }

  nextEvent(): GroupEvent | undefined {
    const event = this.handover.next()
    if (event?.type === 'assigned') {
      this.#hasLost = false
      this.#choice.accepted()
    }
    return event
  }

  onEvent(wake: (() => void) | undefined): void {
    this.handover.onEvent(wake)
  }

  acknowledge(): void {
    if (this.handover.acknowledge() && this.isMember) this.#protocol?.acknowledged()
  }

  async shutdownApplication(): Promise<void> {
    if (this.isMember || this.state.is('joining')) await this.#protocol?.shutdownApplication()
  }

  async leave(): Promise<void> {
    const { memberId } = this
    this.#end('left')
    this.memberId = ''
    await this.#protocol?.leave(memberId)
  }

  /**
   * Returns the name and epoch for reading or committing offsets; `undefined` before joining, when the broker decides.
   *
   * @throws MR_FENCED if this is not a member any more, or cannot know whether it still is one
   */
  identity(): OffsetMember | undefined {
    if (this.state.is('unsubscribed')) return undefined
    this.#checkSession()
    if (!this.isMember) throw fencedMember('this client is not a member', this.options.groupId)
    return { memberId: this.memberId, memberEpoch: this.epoch, instanceId: this.#protocol?.instanceId }
  }

  /** Checks what the coordinator does not. @throws MR_FENCED if this member does not own the task of a partition */
  requireOwned(offsets: PartitionMap<unknown>): void {
    this.taskOf.requireOwned(this.options.groupId, this.handover.held.active, offsets)
  }

  /** Waits for a newer epoch, which may be on its way, after the coordinator refused the current one. */
  async renewEpoch(): Promise<void> {
    await this.#protocol?.renewEpoch()
  }

  /** Notes that the coordinator does not take this client for a member any more. */
  expelled(error: KafkaError): void {
    if (error.apiCode === kafkaErrors.fencedInstanceId) this.fail(twinTookOver(this.options))
    else if (this.isMember) this.lose(error.message)
  }

  get isMember(): boolean {
    return this.state.is('stable', 'reconciling', 'acknowledging')
  }

  get isCurrent(): boolean {
    return !this.#hasLost && this.#hasSession
  }

  get #hasSession(): boolean {
    return this.isMember && this.#silence <= (this.#protocol?.sessionTimeout ?? 0)
  }

  get heardAt(): number | undefined {
    return this.#heardAt
  }

  /** ms since the last heartbeat that was answered. */
  get #silence(): number {
    return this.cluster.options.clock.monotonic() - (this.#heardAt ?? 0)
  }

  /** Whether the protocol of this member is over: it left, failed, or chooses another one. */
  get hasEnded(): boolean {
    return this.state.is('choosing', 'left', 'fatal')
  }

  /** Whether the answer to a request under this member id still concerns this member. */
  isStill(memberId: string): boolean {
    return memberId === this.memberId && !this.hasEnded
  }

  /** @param sentAt when the answered heartbeat was sent */
  heard(sentAt: number): void {
    this.#heardAt = sentAt
  }

  /** Notes that the coordinator responds, whatever it says. */
  answered(): void {
    this.#reachability.answered()
  }

  /** Notifies the thread once why nothing can be assigned, and once when that is over. */
  waitFor(error: MillraceError | undefined): void {
    if (error === undefined) {
      if (this.#waitingFor !== undefined) this.handover.notify({ type: 'resumed' })
    } else if (error.message !== this.#waitingFor) this.handover.notify({ type: 'waiting', error })
    this.#waitingFor = error?.message
  }

  /** Notifies the thread once that some member asked all members to shut down. */
  shutDown(): void {
    if (!this.#isShutdownKnown) this.handover.notify({ type: 'shutdown' })
    this.#isShutdownKnown = true
  }

  /** Notifies the host of the routes to all members, without waiting for its thread. */
  toldRoutes(routes: readonly Route[]): void {
    this.options.onRoutes?.(routes)
  }

  /** Drops the membership and all tasks with it, and joins again as a newcomer. */
  lose(reason: string): void {
    this.#hasLost = true
    this.handover.lose(reason, this.#protocol?.sessionTimeout)
    this.startOver()
    void this.#protocol?.enter()
  }

  /** Loses a membership that the coordinator may still count. It is ended there before this member joins again. */
  abandon(reason: string): void {
    if (this.memberId !== '') this.#abandonedId = this.memberId
    this.lose(reason)
  }

  /** Makes this member a newcomer. */
  startOver(): void {
    this.state.become('joining')
    this.memberId = ''
  }

  async releaseAbandoned(): Promise<void> {
    if (this.#abandonedId !== undefined) await this.#protocol?.leave(this.#abandonedId)
    this.#abandonedId = undefined
  }

  /** Ends this member, unless the group refuses only its protocol: then it chooses again. */
  fail(error: MillraceError): void {
    if (this.hasEnded) return
    if (error.code !== 'MR_GROUP_PROTOCOL') return this.#die(error)
    if (this.isMember) {
      this.#hasLost = true
      this.handover.lose(error.message)
    }
    this.#end('choosing')
    this.#protocol?.failed()
    void this.#choose(error)
  }

  #die(error: MillraceError): void {
    this.#end('fatal')
    this.handover.notify({ type: 'failed', error })
    this.#protocol?.failed()
  }

  /** Whether what failed may succeed later. If not, this member fails, unless it is closing anyway. */
  canRetry(error: unknown): boolean {
    if (this.hasEnded) return false
    if (this.cluster.closed.aborted) {
      this.#end('left')
      return false
    }
    if (!isPassing(error)) {
      this.fail(asMillraceError(error))
      return false
    }
    if (!(error instanceof KafkaError) || isStaleCoordinatorCode(error.apiCode))
      this.cluster.forgetCoordinator('group', this.options.groupId)
    return true
  }

  /** Sends a heartbeat. Never rejects. */
  async beat(protocol: MemberProtocol): Promise<void> {
    this.#checkSession()
    try {
      await protocol.heartbeat()
    } catch (error) {
      if (this.#protocol !== protocol || !this.canRetry(error)) return
      protocol.heartbeats.failed()
      this.#reachability.failed(error)
    }
  }

  /** Drops everything if the coordinator may have given this member up without an answer that says so. */
  #checkSession(): void {
    if (!this.isMember || this.#hasSession) return
    this.abandon(`no heartbeat was answered for ${this.#silence} ms, longer than the session timeout`)
  }

  #end(state: 'choosing' | 'left' | 'fatal'): void {
    this.state.become(state)
    this.#protocol?.heartbeats.stop()
  }
}
