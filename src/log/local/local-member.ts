import type { MillraceError } from '../../errors/millrace-error.ts'
import type { GroupEvent, GroupMember, MemberOptions, TaskId } from '../../group/group.ts'
import type { TimerHandle } from '../../platform/clock.ts'

/** An event that the member must acknowledge before it gets the next one. */
export type TaskEvent = Extract<GroupEvent, { readonly type: 'revoked' | 'assigned' }>

/** The group that a member belongs to. */
export interface MemberHost {
  join(member: LocalMember): void
  acknowledged(member: LocalMember): void
  shutdown(): void
  leave(member: LocalMember): void
}

/** A member of a group: its queue of events, and what the coordinator knows of it. */
export class LocalMember implements GroupMember {
  readonly options: MemberOptions
  readonly name: string
  /** Tasks that it may commit, by `taskIdText`: those of `assigned`, until a revocation is acknowledged. */
  readonly active = new Map<string, TaskId>()
  readonly standby = new Map<string, TaskId>()
  /** The last `revoked` or `assigned` event, until it is acknowledged. */
  outstanding: TaskEvent | undefined
  /** True if its tasks differ from those of the last `assigned` event. */
  needsAssigned = true
  revocationTimer: TimerHandle | undefined
  readonly #host: MemberHost
  readonly #onLost: () => void
  #events: GroupEvent[] = []
  #wake: (() => void) | undefined
  #waitingFor: string | undefined
  #hasEnded = false

  constructor(name: string, options: MemberOptions, host: MemberHost, onLost: () => void) {
    this.name = name
    this.options = options
    this.#host = host
    this.#onLost = onLost
  }

  get isCurrent(): boolean {
    return !this.#hasEnded && !this.hasPendingLoss
  }

  get processId(): string {
    return this.options.processId
  }

  join(): void {
    // A closed or fenced client would hold its tasks for ever, as nobody is left to give them up.
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

  /** Keeps the member from joining again. */
  end(): void {
    this.#hasEnded = true
  }

  /** True until the member takes a `lost` event: it still believes that it owns its tasks. */
  get hasPendingLoss(): boolean {
    return this.#events.some((event) => event.type === 'lost')
  }

  notify(event: GroupEvent): void {
    if (event.type === 'revoked' || event.type === 'assigned') this.outstanding = event
    if (event.type !== 'waiting') this.#waitingFor = undefined
    this.#events.push(event)
    this.#wake?.()
  }

  notifyWaiting(error: MillraceError): void {
    if (this.#waitingFor === error.message) return
    this.#waitingFor = error.message
    this.notify({ type: 'waiting', error })
  }

  /** Notifies the member, if it was waiting, that it can go on. */
  notifyResumed(): void {
    if (this.#waitingFor !== undefined) this.notify({ type: 'resumed' })
  }

  /** Takes all tasks away, and drops the events that were not taken yet. */
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
