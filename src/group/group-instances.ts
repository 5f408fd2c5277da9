import { compareTasks } from './assign-tasks.ts'
import type { Endpoint, TaskId } from './group.ts'

/** A process of a group, as a tool outside of the group sees it. */
export interface GroupInstance {
  readonly processId: string
  /** Undefined if it advertises none. */
  readonly endpoint: Endpoint | undefined
  /** The tasks that the group has assigned to it, over all its threads, sorted. */
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
}

/** Merges the members of each process into one, in the order of the process ids. */
export function mergeInstances(members: readonly GroupInstance[]): GroupInstance[] {
  const processes = Map.groupBy(members, ({ processId }) => processId)
  return [...processes]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([processId, threads]) => ({
      processId,
      endpoint: threads.find(({ endpoint }) => endpoint !== undefined)?.endpoint,
      active: threads.flatMap(({ active }) => active).sort(compareTasks),
      standby: threads.flatMap(({ standby }) => standby).sort(compareTasks),
    }))
}
