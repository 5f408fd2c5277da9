import { PartitionMap } from '../../log/log.ts'
import type { Topology } from '../../topology/topology.ts'
import type { Task } from '../task/task.ts'
import { fullTopicName } from '../task/task-wiring.ts'

/** Offsets below which these tasks have processed the repartition topics that they read. */
export function repartitionedUpTo(
  applicationId: string,
  topology: Topology,
  tasks: readonly Task[],
): PartitionMap<number> {
  const internal = new Set<string>()
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind === 'sink' && node.repartition !== undefined) {
        internal.add(fullTopicName(applicationId, node.repartition.name, true))
      }
    }
  }
  const offsets = new PartitionMap<number>()
  for (const { queues } of tasks) {
    for (const { topic, partition, nextOffset } of queues) {
      if (internal.has(topic) && nextOffset > 0) offsets.set(topic, partition, nextOffset)
    }
  }
  return offsets
}
