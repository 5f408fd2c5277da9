import { taskIdText, type TaskId } from './group.ts'

export interface AssignableMember {
  readonly processId: string
  /** Active tasks that it holds, by `taskIdText`. */
  readonly active: ReadonlyMap<string, TaskId>
  readonly standby: ReadonlyMap<string, TaskId>
}

export interface TargetAssignment {
  readonly active: Map<string, TaskId>
  readonly standby: Map<string, TaskId>
}

/**
 * Spreads tasks over members as evenly as their number allows, first over all and then within each sub-topology. It
 * moves no task that need not move. A task without an owner goes to a member that keeps a standby of it, if that member
 * has room. Standbys of stateful tasks are in other processes than the active task, one per process.
 *
 * @returns the target of each member, in the order of `members`
 */
export function assignTasks(
  tasks: readonly TaskId[],
  isStateful: (subtopology: number) => boolean,
  members: readonly AssignableMember[],
  standbyReplicas: number,
): TargetAssignment[] {
  const targets = members.map(() => ({ active: new Map<string, TaskId>(), standby: new Map<string, TaskId>() }))
  if (members.length === 0) return targets
  const wanted = new Map(tasks.map((task) => [taskIdText(task), task]))
  const quotas = activeQuotas(wanted, members)
  const isKnownElsewhere = knownElsewhere(members)
  members.forEach((member, index) => keepOwned(wanted, member, quotas[index]!, isKnownElsewhere, targets[index]!))

  const owned = new Set(targets.flatMap((target) => [...target.active.keys()]))
  for (const [text, task] of wanted) {
    if (owned.has(text)) continue
    let best = -1
    for (let i = 0; i < members.length; i++) {
      if (targets[i]!.active.size >= quotas[i]!) continue
      if (best < 0 || isBetter(text, task, members, targets, i, best)) best = i
    }
    targets[best]!.active.set(text, task)
  }
  const stateful = [...wanted].filter(([, task]) => isStateful(task.subtopology))
  placeStandbys(stateful, members, targets, standbyReplicas)
  return targets
}

/** Returns the number of active tasks per member. Those that hold most keep the odd ones, which then need not move. */
function activeQuotas(wanted: ReadonlyMap<string, TaskId>, members: readonly AssignableMember[]): number[] {
  const floor = Math.floor(wanted.size / members.length)
  const quotas = members.map(() => floor)
  const held = members.map((member) => [...member.active.keys()].filter((text) => wanted.has(text)).length)
  const byHeld = members.map((_, index) => index).sort((left, right) => held[right]! - held[left]! || left - right)
  for (const index of byHeld.slice(0, wanted.size % members.length)) quotas[index] = floor + 1
  return quotas
}

type IsKnown = (text: string, processId: string) => boolean

/** Returns a function that returns whether a process other than the given one has a standby of a task. */
function knownElsewhere(members: readonly AssignableMember[]): IsKnown {
  const processes = new Map<string, Set<string>>()
  for (const { processId, standby } of members) {
    for (const text of standby.keys()) {
      const known = processes.get(text)
      if (known === undefined) processes.set(text, new Set([processId]))
      else known.add(processId)
    }
  }
  return (text, processId) => {
    const known = processes.get(text)
    return known !== undefined && (known.size > 1 || !known.has(processId))
  }
}

/**
 * Keeps the member's tasks up to its quota. It gives up tasks of the sub-topology of which it holds most, first those
 * of which another process keeps a standby.
 */
function keepOwned(
  wanted: ReadonlyMap<string, TaskId>,
  member: AssignableMember,
  quota: number,
  isKnownElsewhere: IsKnown,
  target: TargetAssignment,
): void {
  const kept = [...member.active]
    .filter(([text]) => wanted.has(text))
    .sort(([, left], [, right]) => compareTasks(left, right))
  while (kept.length > quota) {
    const counts = new Map<number, number>()
    for (const [, task] of kept) counts.set(task.subtopology, (counts.get(task.subtopology) ?? 0) + 1)
    const most = Math.max(...counts.values())
    const isOfMost = ([, task]: [string, TaskId]): boolean => counts.get(task.subtopology) === most
    const moving = kept.findLastIndex((entry) => isOfMost(entry) && isKnownElsewhere(entry[0], member.processId))
    kept.splice(moving < 0 ? kept.findLastIndex(isOfMost) : moving, 1)
  }
  for (const [text, task] of kept) target.active.set(text, task)
}

function isBetter(
  text: string,
  task: TaskId,
  members: readonly AssignableMember[],
  targets: readonly TargetAssignment[],
  candidate: number,
  best: number,
): boolean {
  const standby = Number(members[candidate]!.standby.has(text)) - Number(members[best]!.standby.has(text))
  if (standby !== 0) return standby > 0
  const siblings = siblingCount(targets[candidate]!, task) - siblingCount(targets[best]!, task)
  if (siblings !== 0) return siblings < 0
  return targets[candidate]!.active.size < targets[best]!.active.size
}

function siblingCount(target: TargetAssignment, task: TaskId): number {
  let count = 0
  for (const other of target.active.values()) if (other.subtopology === task.subtopology) count++
  return count
}

function placeStandbys(
  stateful: readonly (readonly [string, TaskId])[],
  members: readonly AssignableMember[],
  targets: readonly TargetAssignment[],
  replicas: number,
): void {
  const quota = Math.ceil((stateful.length * replicas) / members.length)
  for (const [text, task] of stateful) {
    const processes = new Set(members.filter((_, i) => targets[i]!.active.has(text)).map((member) => member.processId))
    for (let replica = 0; replica < replicas; replica++) {
      let best = -1
      for (let i = 0; i < members.length; i++) {
        if (processes.has(members[i]!.processId)) continue
        if (
          best < 0 ||
          standbyRank(text, members[i]!, targets[i]!, quota) < standbyRank(text, members[best]!, targets[best]!, quota)
        ) {
          best = i
        }
      }
      if (best < 0) break
      targets[best]!.standby.set(text, task)
      processes.add(members[best]!.processId)
    }
  }
}

/** Returns a rank, lower is better: first members that have the standby and are below `quota`, then by number held. */
function standbyRank(text: string, member: AssignableMember, target: TargetAssignment, quota: number): number {
  const held = member.standby.has(text) && target.standby.size < quota
  return held ? -1 : target.standby.size
}

export function compareTasks(left: TaskId, right: TaskId): number {
  return left.subtopology - right.subtopology || left.partition - right.partition
}
