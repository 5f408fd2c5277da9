import type { MillraceError } from '../../../errors/millrace-error.ts'
import type { GroupEvent, GroupOptions } from '../../../group/group.ts'
import type { PartitionMap } from '../../../log/log.ts'
import { StateMachine } from '../../../platform/state-machine.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, isStaleCoordinatorCode, kafkaErrors } from '../../protocol/errors.ts'
import { Handover } from './handover.ts'
import { Heartbeats } from './heartbeats.ts'
import type { KafkaMember } from './kafka-member.ts'
import { asMillraceError, fencedMember, isPassing, twinTookOver } from './member-errors.ts'
import type { MemberProtocol } from './member-protocol.ts'
import type { OffsetMember } from './offsets.ts'
import { Reachability } from './reachability.ts'
import { TaskOfPartition } from './tasks.ts'

type MemberState = 'unsubscribed' | 'joining' | 'stable' | 'reconciling' | 'acknowledging' | 'fatal' | 'left'

/**
 * The life of a member of a Kafka group, by either protocol. Its states are some of Kafka's own (`MemberState`):
 *
 * ```
 * unsubscribed ── join ──▶ joining ── in the group ──▶ stable ◀──▶ reconciling, acknowledging
 *                           │   ▲                        │                 │
 *                           │   └─── fenced, or its session may be over ───┤
 *                           └──────────── refused ───────┴─────────────────┴──▶ fatal
 *                                                  every state ──▶ left
 * ```
 *
 * A member is `reconciling` while others wait for tasks that it gives up (classic: then it joins again). It is
 * `acknowledging` while the coordinator does not know what its thread owns (streams: the next heartbeat says it).
 * `handover` has the tasks themselves.
 */
export class Membership implements KafkaMember {
  readonly cluster: Cluster
  readonly options: GroupOptions
  readonly handover = new Handover()
  readonly heartbeats: Heartbeats
  readonly taskOf: TaskOfPartition
  readonly state = new StateMachine<MemberState>(
    'a group member',
    {
      unsubscribed: ['joining', 'left'],
      joining: ['stable', 'fatal', 'left'],
      stable: ['reconciling', 'acknowledging', 'joining', 'fatal', 'left'],
      reconciling: ['stable', 'joining', 'fatal', 'left'],
      acknowledging: ['stable', 'joining', 'fatal', 'left'],
      fatal: ['left'],
      left: [],
    },
    'unsubscribed',
  )
  memberId = ''
  /** The member's epoch, or the generation of the group. */
  epoch = 0
  readonly #protocol: MemberProtocol
  readonly #reachability: Reachability
  /** When the last answered heartbeat was sent: the session runs from then on at the earliest. */
  #heardAt = 0
  /** A member id that was given up here, but may still hold tasks at the coordinator. */
  #abandonedId: string | undefined
  #isShutdownKnown = false
  /** The last reason given to the thread why nothing can be assigned. */
  #waitingFor: string | undefined

  constructor(cluster: Cluster, options: GroupOptions, protocol: (membership: Membership) => MemberProtocol) {
    this.cluster = cluster
    this.options = options
    this.taskOf = new TaskOfPartition(options.subtopologies)
    this.#reachability = new Reachability(options.onUnreachable)
    this.#protocol = protocol(this)
    this.heartbeats = new Heartbeats(cluster.options, this.#protocol, () => this.#beat())
  }

  async join(): Promise<void> {
    if (!this.state.is('unsubscribed')) return
    this.state.become('joining')
    try {
      await this.#protocol.prepare()
    } catch (error) {
      this.fail(asMillraceError(error))
      return
    }
    // The thread may leave while the group is prepared.
    if (this.hasEnded) return
    this.heartbeats.start()
    await this.#protocol.enter()
  }

  nextEvent(): GroupEvent | undefined {
    return this.handover.next()
  }

  onEvent(wake: (() => void) | undefined): void {
    this.handover.onEvent(wake)
  }

  acknowledge(): void {
    if (this.handover.acknowledge() && !this.hasEnded) this.#protocol.acknowledged()
  }

  async shutdownApplication(): Promise<void> {
    if (this.isMember || this.state.is('joining')) await this.#protocol.shutdownApplication()
  }

  async leave(): Promise<void> {
    const { memberId } = this
    this.#end('left')
    this.memberId = ''
    await this.#protocol.leave(memberId)
  }

  identity(): OffsetMember | undefined {
    if (this.state.is('unsubscribed')) return undefined
    this.#checkSession()
    if (!this.isMember) throw fencedMember('this client is not a member', this.options.groupId)
    return { memberId: this.memberId, memberEpoch: this.epoch, instanceId: this.#protocol.instanceId }
  }

  requireOwned(offsets: PartitionMap<unknown>): void {
    this.taskOf.requireOwned(this.options.groupId, this.handover.held.active, offsets)
  }

  renewEpoch(): Promise<void> {
    return this.#protocol.renewEpoch()
  }

  expelled(error: KafkaError): void {
    if (error.apiCode === kafkaErrors.fencedInstanceId) this.fail(twinTookOver(this.options))
    else if (this.isMember) this.lose(error.message)
  }

  get isMember(): boolean {
    return this.state.is('stable', 'reconciling', 'acknowledging')
  }

  get hasEnded(): boolean {
    return this.state.is('left', 'fatal')
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

  /** Drops the membership and all tasks with it, and joins again as a newcomer. */
  lose(reason: string): void {
    this.handover.lose(reason, this.#protocol.sessionTimeout)
    this.startOver()
    void this.#protocol.enter()
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
    if (this.#abandonedId !== undefined) await this.#protocol.leave(this.#abandonedId)
    this.#abandonedId = undefined
  }

  fail(error: MillraceError): void {
    if (this.hasEnded) return
    this.#end('fatal')
    this.handover.notify({ type: 'failed', error })
    this.#protocol.failed()
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

  async #beat(): Promise<void> {
    this.#checkSession()
    try {
      await this.#protocol.heartbeat()
    } catch (error) {
      if (!this.canRetry(error)) return
      this.heartbeats.failed()
      this.#reachability.failed(error)
    }
  }

  /** Drops everything if the coordinator may have given this member up without an answer that says so. */
  #checkSession(): void {
    const silence = this.cluster.options.clock.monotonic() - this.#heardAt
    if (!this.isMember || silence <= this.#protocol.sessionTimeout) return
    this.abandon(`no heartbeat was answered for ${silence} ms, longer than the session timeout`)
  }

  #end(state: 'left' | 'fatal'): void {
    this.state.become(state)
    this.heartbeats.stop()
  }
}
