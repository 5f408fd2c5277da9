import type { TaskId } from '../../../group/group.ts'
import { assignTasks } from '../../../group/assign-tasks.ts'
import type { Assignment, TaskSet } from '../member/tasks.ts'

export interface Claimant {
  readonly processId: string
  readonly claimed: Assignment
  /** Tasks whose state lies on the disk of its process. */
  readonly stored: TaskSet
}

export interface PlannedMember {
  /** What it is to own now: what it keeps, and what nobody else has to give up first. */
  readonly tasks: Assignment
  /** Whether others wait for what it gives up. */
  readonly mustRejoin: boolean
}

/**
 * One step towards an even spread of the tasks, as cooperative rebalancing has it (KIP-429): a task that moves is taken from its owner
 * in this step, and given to its new one when the owner has joined again without it. All others stay where they are.
 *
 * @returns in the order of `members`
 */
export function planStep(
  tasks: readonly TaskId[],
  isStateful: (subtopology: number) => boolean,
  members: readonly Claimant[],
  standbyReplicas: number,
): PlannedMember[] {
  // Who has a task's state on its disk is as good a place for it as who keeps a standby.
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

/** Who claims which task. */
class Holders {
  readonly #active = new Map<string, Claimant[]>()
  readonly #standby = new Map<string, Claimant[]>()

  constructor(members: readonly Claimant[]) {
    for (const member of members) {
      for (const text of member.claimed.active.keys()) add(this.#active, text, member)
      for (const text of member.claimed.standby.keys()) add(this.#standby, text, member)
    }
  }

  /** An active task has one owner, and one process has a task's directory once. */
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
