import { taskIdText, type Route, type SubtopologyDescription, type TaskId } from '../../../group/group.ts'
import type { PartitionMap } from '../../../log/log.ts'
import type { EndpointPartitions, TaskIds, TaskLists, TopicPartitions } from '../../protocol/streams-group-types.ts'
import { fencedMember } from './member-errors.ts'

/** Tasks by their text, `<subtopology>_<partition>`. */
export type TaskSet = ReadonlyMap<string, TaskId>

/** The tasks that a member owns, or is to own. */
export interface Assignment {
  readonly active: TaskSet
  readonly standby: TaskSet
}

export const noTasks: Assignment = { active: new Map(), standby: new Map() }

/** Converts a task list of the protocol. Warm-up tasks become standbys. */
export function assignmentOf(lists: TaskLists): Assignment {
  return { active: taskSet(lists.active), standby: taskSet([...lists.standby, ...lists.warmup]) }
}

export function taskListsOf(assignment: Assignment): TaskLists {
  return { active: taskIds(assignment.active), standby: taskIds(assignment.standby), warmup: [] }
}

export function without(set: TaskSet, removed: TaskSet): TaskSet {
  return new Map([...set].filter(([text]) => !removed.has(text)))
}

export function minus(from: Assignment, removed: Assignment): Assignment {
  return { active: without(from.active, removed.active), standby: without(from.standby, removed.standby) }
}

export function plus(left: Assignment, right: Assignment): Assignment {
  return {
    active: new Map([...left.active, ...right.active]),
    standby: new Map([...left.standby, ...right.standby]),
  }
}

export function isEmpty(assignment: Assignment): boolean {
  return assignment.active.size === 0 && assignment.standby.size === 0
}

export function sortedTasks(set: TaskSet): TaskId[] {
  return [...set.values()].sort((a, b) => a.subtopology - b.subtopology || a.partition - b.partition)
}

/** Finds the task that reads a partition, by the topics that sub-topologies read. */
export class TaskOfPartition {
  readonly #subtopologies = new Map<string, number>()

  constructor(subtopologies: readonly SubtopologyDescription[]) {
    for (const { id, sourceTopics, repartitionSourceTopics } of subtopologies) {
      for (const topic of sourceTopics) this.#subtopologies.set(topic, id)
      for (const { name } of repartitionSourceTopics) this.#subtopologies.set(name, id)
    }
  }

  /** All topics that tasks read, sorted. */
  get topics(): string[] {
    return [...this.#subtopologies.keys()].sort()
  }

  /** @throws MR_FENCED with the first partition whose task is not in `owned` */
  requireOwned(groupId: string, owned: TaskSet, offsets: PartitionMap<unknown>): void {
    for (const [topic, partition] of offsets.entries()) {
      const task = this.#find(topic, partition)
      if (task === undefined || !owned.has(taskIdText(task)))
        throw fencedMember('this client does not own the task', groupId, { topic, partition })
    }
  }

  /**
   * Converts routes of the streams protocol (KIP-1071). Where the topics of a sub-topology differ in their partition
   * counts, the coordinator may list partitions that do not exist, but none whose task the member does not have.
   */
  routes(endpoints: readonly EndpointPartitions[]): Route[] {
    return endpoints.map(({ endpoint, active, standby }) => ({
      endpoint,
      active: sortedTasks(this.#tasksOf(active)),
      standby: sortedTasks(this.#tasksOf(standby)),
    }))
  }

  #tasksOf(topics: readonly TopicPartitions[]): TaskSet {
    const tasks = new Map<string, TaskId>()
    for (const { topic, partitions } of topics) {
      for (const partition of partitions) {
        const task = this.#find(topic, partition)
        if (task !== undefined) tasks.set(taskIdText(task), task)
      }
    }
    return tasks
  }

  #find(topic: string, partition: number): TaskId | undefined {
    const subtopology = this.#subtopologies.get(topic)
    return subtopology === undefined ? undefined : { subtopology, partition }
  }
}

function taskSet(lists: readonly TaskIds[]): TaskSet {
  const set = new Map<string, TaskId>()
  for (const { subtopologyId, partitions } of lists) {
    for (const partition of partitions) {
      const id = { subtopology: Number(subtopologyId), partition }
      set.set(taskIdText(id), id)
    }
  }
  return set
}

function taskIds(set: TaskSet): TaskIds[] {
  const bySubtopology = new Map<number, number[]>()
  for (const { subtopology, partition } of set.values()) {
    const partitions = bySubtopology.get(subtopology)
    if (partitions === undefined) bySubtopology.set(subtopology, [partition])
    else partitions.push(partition)
  }
  return Array.from(bySubtopology, ([subtopology, partitions]) => ({ subtopologyId: String(subtopology), partitions }))
}
