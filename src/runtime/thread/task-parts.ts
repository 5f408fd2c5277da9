import { taskIdText, type TaskId } from '../../group/group.ts'
import type { Subtopology, Topology } from '../../topology/topology.ts'
import type { TaskParts } from './task-opening.ts'

/** What the assigned tasks are made of, by task id. `merged`: one task a partition, over all sub-topologies. */
export function taskParts(
  ids: readonly TaskId[],
  topology: Topology,
  tasks: 'real' | 'merged',
): Map<string, TaskParts> {
  const groups = new Map<string, { id: string; partition: number; subtopologies: Subtopology[] }>()
  for (const task of ids) {
    const id = tasks === 'merged' ? `0_${task.partition}` : taskIdText(task)
    const group = groups.get(id) ?? { id, partition: task.partition, subtopologies: [] }
    const subtopology = topology.subtopologies.find((candidate) => candidate.id === task.subtopology)
    if (subtopology !== undefined) group.subtopologies.push(subtopology)
    groups.set(id, group)
  }
  for (const group of groups.values()) group.subtopologies.sort((a, b) => a.id - b.id)
  return groups
}
