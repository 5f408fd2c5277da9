import type { GroupEvent } from '../../../group/group.ts'
import { isEmpty, minus, noTasks, plus, sortedTasks, type Assignment } from './tasks.ts'

/**
 * Makes events of what the group wants this member to own and what its thread owns. The thread always gets the latest
 * state, and gives up tasks before it takes over others. Nothing counts as done before the thread acknowledges it.
 */
export class Handover {
  readonly #notices: GroupEvent[] = []
  #wake: (() => void) | undefined
  #held = noTasks
  #target: Assignment | undefined
  /** The event that the thread has taken and not acknowledged. */
  #awaited: { readonly type: 'revoked'; readonly tasks: Assignment } | { readonly type: 'assigned' } | undefined
  /** Whether the last `assigned` listed all that the thread owns. A thread that owns nothing gets one, too. */
  #announced = false

  /** What the thread owns, from when it takes `assigned` until it acknowledges `revoked`. */
  get held(): Assignment {
    return this.#held
  }

  /** What the thread owns, or may take at any moment. */
  get claimed(): Assignment {
    return this.#target === undefined ? this.#held : plus(this.#held, this.#target)
  }

  /** Whether the thread still owns something that the group wants it to give up. */
  get isGivingUp(): boolean {
    return this.#target !== undefined && !isEmpty(minus(this.#held, this.#target))
  }

  /** Notes that the group wants this member to own exactly these tasks. */
  told(target: Assignment): void {
    this.#target = target
    this.#wakeUp()
  }

  /** Passes on an event beside the assignment. */
  notify(event: GroupEvent): void {
    this.#notices.push(event)
    this.#wakeUp()
  }

  /** Drops all tasks, since the membership is gone. What the thread was about to acknowledge counts no longer. */
  lose(reason: string, sessionTimeout?: number): void {
    this.#held = noTasks
    this.#target = undefined
    this.#awaited = undefined
    this.#announced = false
    this.notify({ type: 'lost', reason, sessionTimeout })
  }

  next(): GroupEvent | undefined {
    const notice = this.#notices.shift()
    if (notice !== undefined) return notice
    if (this.#target === undefined || this.#awaited !== undefined) return undefined
    const revoked = minus(this.#held, this.#target)
    if (!isEmpty(revoked)) {
      this.#awaited = { type: 'revoked', tasks: revoked }
      return { type: 'revoked', active: sortedTasks(revoked.active), standby: sortedTasks(revoked.standby) }
    }
    if (this.#announced && isEmpty(minus(this.#target, this.#held))) return undefined
    this.#announced = true
    this.#held = this.#target
    this.#awaited = { type: 'assigned' }
    return { type: 'assigned', active: sortedTasks(this.#held.active), standby: sortedTasks(this.#held.standby) }
  }

  /** Acknowledges the last event. @returns whether to notify the group; false if the event counts no longer */
  acknowledge(): boolean {
    const awaited = this.#awaited
    if (awaited === undefined) return false
    this.#awaited = undefined
    if (awaited.type === 'revoked') {
      this.#held = minus(this.#held, awaited.tasks)
      this.#announced = false
    }
    this.#wakeUp()
    return true
  }

  /** Sets the function that is called when there is an event: at once if there is one already. */
  onEvent(wake: (() => void) | undefined): void {
    this.#wake = wake
    this.#wakeUp()
  }

  #wakeUp(): void {
    if (this.#wake !== undefined && this.#hasEvent()) this.#wake()
  }

  #hasEvent(): boolean {
    if (this.#notices.length > 0) return true
    if (this.#target === undefined || this.#awaited !== undefined) return false
    return !this.#announced || !isEmpty(minus(this.#held, this.#target)) || !isEmpty(minus(this.#target, this.#held))
  }
}
