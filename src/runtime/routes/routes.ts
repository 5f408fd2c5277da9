import { compareTasks } from '../../group/assign-tasks.ts'
import { taskIdText, type Endpoint, type Route, type SubtopologyDescription, type TaskId } from '../../group/group.ts'

/** Where the stores of a partition are. */
export interface Hosts {
  /** Undefined while the task is on its way to another instance, or is with one that has no endpoint. */
  readonly active: Endpoint | undefined
  readonly standbys: readonly Endpoint[]
}

const NOWHERE: Hosts = { active: undefined, standbys: [] }

/**
 * What a process knows of where the tasks of its application are: the latest that one of its threads was given by the
 * group. Members learn of a change at different times, so that this is a hint: the instance that is asked decides.
 */
export class Routes {
  /** Sub-topologies by the topics that they read. */
  readonly #subtopologies = new Map<string, number>()
  #routes: readonly Route[] = []
  /** By `taskIdText`. */
  #hosts: ReadonlyMap<string, Hosts> = new Map()

  constructor(subtopologies: readonly SubtopologyDescription[]) {
    for (const { id, sourceTopics, repartitionSourceTopics } of subtopologies) {
      for (const topic of sourceTopics) this.#subtopologies.set(topic, id)
      for (const { name } of repartitionSourceTopics) this.#subtopologies.set(name, id)
    }
  }

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

  /** Returns where the stores are that are made of a partition of a topic, by its name in the log. */
  hostsOf(topic: string, partition: number): Hosts {
    const subtopology = this.#subtopologies.get(topic)
    if (subtopology === undefined) return NOWHERE
    return this.#hosts.get(taskIdText({ subtopology, partition })) ?? NOWHERE
  }

  /** Whether the group has named this endpoint: the only ones that a process may connect to. */
  isKnown(endpoint: Endpoint): boolean {
    return this.#routes.some((route) => route.endpoint === endpoint)
  }
}

function distinct(tasks: readonly TaskId[]): TaskId[] {
  return [...new Map(tasks.map((task) => [taskIdText(task), task])).values()].sort(compareTasks)
}
