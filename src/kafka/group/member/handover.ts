import type { GroupEvent } from '../../../group/group.ts'
import { isEmpty, minus, noTasks, plus, sortedTasks } from './tasks.ts'
import type { Assignment } from './tasks.ts'

/**
 * What the group wants this member to own against what its thread owns, and the events that lead from one to the other: the thread
 * is always told the latest, gives up before it takes over, and nothing counts as done before it says so.
 */
export class Handover {
  readonly #notices: GroupEvent[] = []
  #wake: (() => void) | undefined
  #held = noTasks
  #target: Assignment | undefined
  /** The event that the thread has taken and not acknowledged. */
  #awaited: { readonly type: 'revoked'; readonly tasks: Assignment } | { readonly type: 'assigned' } | undefined
  /** Whether the last `assigned` told all that the thread owns; it is told of owning nothing too. */
  #announced = false

  /** What the thread owns, from taking `assigned` until acknowledging `revoked`. */
  get held(): Assignment {
    return this.#held
  }

  /** What the thread owns or may take at any moment. */
  get claimed(): Assignment {
    return this.#target === undefined ? this.#held : plus(this.#held, this.#target)
  }

  /** Whether the thread owns something that the group does not want it to own any more. */
  get isGivingUp(): boolean {
    return this.#target !== undefined && !isEmpty(minus(this.#held, this.#target))
  }

  /** The group wants this member to own exactly these tasks. */
  told(target: Assignment): void {
    this.#target = target
    this.#wakeUp()
  }

  /** An event beside the assignment. */
  notify(event: GroupEvent): void {
    this.#notices.push(event)
    this.#wakeUp()
  }

  /** Membership is gone; what the thread was about to acknowledge no longer counts. */
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

  /** Whether the group is to be told what the thread owns now; false if there was nothing to acknowledge any more. */
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

  /** `wake` is called at once if there is an event already. */
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
