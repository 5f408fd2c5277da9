import { taskIdText, type TaskId } from '../../group/group.ts'
import type { Subtopology } from '../../topology/topology.ts'
import { Task } from '../task/task.ts'
import type { DropCounter } from '../node/drop-counter.ts'
import type { TaskManagerOptions } from './task-manager-options.ts'

type AssignedTasksOptions = Pick<TaskManagerOptions, 'app' | 'topology' | 'lines' | 'tasks'>

/** What the task is called that has this part in the work of the group. */
export function taskName(id: TaskId, { tasks }: Pick<AssignedTasksOptions, 'tasks'>): string {
  return tasks === 'merged' ? `0_${id.partition}` : taskIdText(id)
}

/** The tasks that these are to a thread, newly created. */
export function assignedTasks(
  ids: readonly TaskId[],
  isActive: boolean,
  options: AssignedTasksOptions,
  drops: DropCounter,
): Task[] {
  const { app, topology, lines } = options
  const parts = new Map<string, { readonly partition: number; readonly subtopologies: Subtopology[] }>()
  for (const id of ids) {
    const name = taskName(id, options)
    const part = parts.get(name) ?? { partition: id.partition, subtopologies: [] }
    part.subtopologies.push(...topology.subtopologies.filter((candidate) => candidate.id === id.subtopology))
    parts.set(name, part)
  }
  return [...parts].map(([name, { partition, subtopologies }]) => {
    subtopologies.sort((a, b) => a.id - b.id)
    return new Task(name, partition, subtopologies, isActive, lines, app.settings.logger, drops)
  })
}

/** Those tasks that are not among the removed ones. */
export function without(tasks: readonly TaskId[], removed: readonly TaskId[]): TaskId[] {
  const names = new Set(removed.map(taskIdText))
  return tasks.filter((task) => !names.has(taskIdText(task)))
}
