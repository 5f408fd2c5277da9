import type { MillraceError } from '../../errors/millrace-error.ts'
import type { GroupEvent, GroupMember, GroupOptions, TaskId } from '../../group/group.ts'
import type { TimerHandle } from '../../platform/clock.ts'

/** An event that the member has to acknowledge before it gets the next one. */
export type TaskEvent = Extract<GroupEvent, { readonly type: 'revoked' | 'assigned' }>

/** The group that a member belongs to. */
export interface MemberHost {
  join(member: LocalMember): void
  acknowledged(member: LocalMember): void
  shutdown(): void
  leave(member: LocalMember): void
}

/** One member of a group: its queue of events, and what the coordinator knows of it. */
export class LocalMember implements GroupMember {
  readonly options: GroupOptions
  readonly name: string
  /** Tasks it may commit, by `taskIdText`: those told by `assigned`, until a revocation is acknowledged. */
  readonly active = new Map<string, TaskId>()
  readonly standby = new Map<string, TaskId>()
  /** The last `revoked` or `assigned` event, until it is acknowledged. */
  outstanding: TaskEvent | undefined
  /** True when what it holds differs from what `assigned` told last. */
  needsAssigned = true
  revocationTimer: TimerHandle | undefined
  readonly #host: MemberHost
  readonly #onLost: () => void
  #events: GroupEvent[] = []
  #wake: (() => void) | undefined
  #waitingFor: string | undefined
  #hasEnded = false

  constructor(name: string, options: GroupOptions, host: MemberHost, onLost: () => void) {
    this.name = name
    this.options = options
    this.#host = host
    this.#onLost = onLost
  }

  get processId(): string {
    return this.options.processId
  }

  join(): void {
    // A client that was closed or fenced would hold its tasks for ever: nobody is there to give them up.
    if (!this.#hasEnded) this.#host.join(this)
  }

  nextEvent(): GroupEvent | undefined {
    const event = this.#events.shift()
    if (event?.type === 'lost') {
      this.#onLost()
      this.join()
    }
    return event
  }

  onEvent(wake: (() => void) | undefined): void {
    this.#wake = wake
    if (this.#events.length > 0) wake?.()
  }

  acknowledge(): void {
    const event = this.outstanding
    if (event !== undefined && !this.#events.includes(event)) this.#host.acknowledged(this)
  }

  shutdownApplication(): void {
    this.#host.shutdown()
  }

  leave(): void {
    this.end()
    this.#host.leave(this)
  }

  /** It will not join again. */
  end(): void {
    this.#hasEnded = true
  }

  /** Between being told that membership is lost and hearing it, the member still believes that it owns its tasks. */
  get hasUnheardLoss(): boolean {
    return this.#events.some((event) => event.type === 'lost')
  }

  tell(event: GroupEvent): void {
    if (event.type === 'revoked' || event.type === 'assigned') this.outstanding = event
    if (event.type !== 'waiting') this.#waitingFor = undefined
    this.#events.push(event)
    this.#wake?.()
  }

  tellWaiting(error: MillraceError): void {
    if (this.#waitingFor === error.message) return
    this.#waitingFor = error.message
    this.tell({ type: 'waiting', error })
  }

  /** What it waited for is over. */
  tellResumed(): void {
    if (this.#waitingFor !== undefined) this.tell({ type: 'resumed' })
  }

  /** Takes everything away; events that were not taken yet no longer count. */
  forget(): void {
    this.active.clear()
    this.standby.clear()
    this.#events = []
    this.outstanding = undefined
    this.needsAssigned = true
    this.revocationTimer?.cancel()
    this.revocationTimer = undefined
    this.#waitingFor = undefined
  }
}
