import { compareTasks } from '../../group/assign-tasks.ts'
import { taskIdText, type Endpoint, type Route, type TaskId } from '../../group/group.ts'
import type { Hosts } from '../../query/remote/hosts.ts'

const NOWHERE: Hosts = { active: undefined, standbys: [] }

/**
 * What a process knows of where the tasks of its application are: the latest that one of its threads was given by the
 * group. Members learn of a change at different times, so that this is a hint: the instance that is asked decides.
 */
export class Routes {
  #routes: readonly Route[] = []
  /** By `taskIdText`. */
  #hosts: ReadonlyMap<string, Hosts> = new Map()

  /** Each endpoint of the group once, with its tasks sorted. */
  get all(): readonly Route[] {
    return this.#routes
  }

  /** Replaces all that was known. The threads of a process have a route each, and one endpoint. */
  replace(routes: readonly Route[]): void {
    this.#routes = [...Map.groupBy(routes, ({ endpoint }) => endpoint)].map(([endpoint, threads]) => ({
      endpoint,
      active: distinct(threads.flatMap(({ active }) => active)),
      standby: distinct(threads.flatMap(({ standby }) => standby)),
    }))
    const hosts = new Map<string, { active: Endpoint | undefined; standbys: Endpoint[] }>()
    const hostsOf = (task: TaskId) => {
      const text = taskIdText(task)
      let found = hosts.get(text)
      if (found === undefined) hosts.set(text, (found = { active: undefined, standbys: [] }))
      return found
    }
    for (const { endpoint, active, standby } of this.#routes) {
      for (const task of active) hostsOf(task).active = endpoint
      for (const task of standby) hostsOf(task).standbys.push(endpoint)
    }
    this.#hosts = hosts
  }

  /** Returns where the stores of a task are. Nothing but what the group has named is ever connected to. */
  hostsOf(task: TaskId): Hosts {
    return this.#hosts.get(taskIdText(task)) ?? NOWHERE
  }
}

function distinct(tasks: readonly TaskId[]): TaskId[] {
  return [...new Map(tasks.map((task) => [taskIdText(task), task])).values()].sort(compareTasks)
}
