import type { TaskId } from '../../../group/group.ts'
import { assignTasks } from '../../../group/assign-tasks.ts'
import type { Assignment, TaskSet } from '../member/tasks.ts'

export interface Claimant {
  readonly processId: string
  readonly claimed: Assignment
  /** Tasks whose state is on the disk of its process. */
  readonly stored: TaskSet
}

export interface PlannedMember {
  /** The tasks it is to own now: those it keeps, and those that no other member has to give up first. */
  readonly tasks: Assignment
  /** Whether others wait for tasks that it gives up. */
  readonly mustRejoin: boolean
}

/**
 * Plans one step towards an even spread of the tasks (cooperative rebalancing, KIP-429), in the order of `members`. A
 * task that moves is first taken from its owner. Its new owner gets it once the old one has joined again without it.
 */
export function planStep(
  tasks: readonly TaskId[],
  isStateful: (subtopology: number) => boolean,
  members: readonly Claimant[],
  standbyReplicas: number,
): PlannedMember[] {
  // A member with a task's state on its disk is as good a place for it as one that keeps a standby.
  const known = members.map(({ processId, claimed, stored }) => ({
    processId,
    active: claimed.active,
    standby: new Map([...stored, ...claimed.standby]),
  }))
  const targets = assignTasks(tasks, isStateful, known, standbyReplicas)
  const holders = new Holders(members)
  const awaited = new Set<Claimant>()
  const granted = targets.map(({ active, standby }, index) => {
    const member = members[index]!
    return {
      active: grant(active, member.claimed.active, (text) => holders.inTheWayOfActive(text, member), awaited),
      standby: grant(standby, member.claimed.standby, (text) => holders.inTheWayOfStandby(text, member), awaited),
    }
  })
  return granted.map((given, index) => ({ tasks: given, mustRejoin: awaited.has(members[index]!) }))
}

function grant(
  wanted: TaskSet,
  claimed: TaskSet,
  inTheWay: (text: string) => readonly Claimant[],
  awaited: Set<Claimant>,
): TaskSet {
  const granted = new Map<string, TaskId>()
  for (const [text, task] of wanted) {
    const others = claimed.has(text) ? [] : inTheWay(text)
    if (others.length === 0) granted.set(text, task)
    for (const other of others) awaited.add(other)
  }
  return granted
}

/** The members that claim each task. */
class Holders {
  readonly #active = new Map<string, Claimant[]>()
  readonly #standby = new Map<string, Claimant[]>()

  constructor(members: readonly Claimant[]) {
    for (const member of members) {
      for (const text of member.claimed.active.keys()) add(this.#active, text, member)
      for (const text of member.claimed.standby.keys()) add(this.#standby, text, member)
    }
  }

  /** Returns other owners of the task, and standbys in the same process, which has one directory for the task. */
  inTheWayOfActive(text: string, member: Claimant): Claimant[] {
    const standbys = this.#sameProcess(this.#standby, text, member)
    return [...others(this.#active, text, member), ...standbys]
  }

  inTheWayOfStandby(text: string, member: Claimant): Claimant[] {
    return [...this.#sameProcess(this.#active, text, member), ...this.#sameProcess(this.#standby, text, member)]
  }

  #sameProcess(held: ReadonlyMap<string, readonly Claimant[]>, text: string, member: Claimant): Claimant[] {
    return others(held, text, member).filter(({ processId }) => processId === member.processId)
  }
}

function others(held: ReadonlyMap<string, readonly Claimant[]>, text: string, member: Claimant): Claimant[] {
  return (held.get(text) ?? []).filter((other) => other !== member)
}

function add(held: Map<string, Claimant[]>, text: string, member: Claimant): void {
  const list = held.get(text)
  if (list === undefined) held.set(text, [member])
  else list.push(member)
}
