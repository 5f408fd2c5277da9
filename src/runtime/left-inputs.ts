import { PartitionMap } from '../log/log.ts'
import type { CommittedOffset } from '../log/log.ts'
import type { Task } from './task.ts'
import type { OpenInput } from './task-opening.ts'

/**
 * What this thread's tasks read last. A topic that is deleted takes its committed offsets with it; one that is committed behind that,
 * before it is noticed that another topic has the name, is an offset of the deleted one and would skip what the new one begins with.
 */
export class LeftInputs {
  readonly #left = new PartitionMap<{ readonly topicId: string; readonly offset: number | undefined }>()

  /** To be told of each task that is closed. */
  leave(inputs: readonly OpenInput[], task: Pick<Task, 'committedOffset'> | undefined): void {
    if (task === undefined) return
    for (const { topic, partition, topicId } of inputs)
      this.#left.set(topic, partition, { topicId, offset: task.committedOffset(topic) })
  }

  /** The committed offsets less those that are of topics of before. */
  valid(inputs: readonly OpenInput[], committed: PartitionMap<CommittedOffset>): PartitionMap<CommittedOffset> {
    const valid = new PartitionMap<CommittedOffset>()
    for (const { topic, partition, topicId } of inputs) {
      const found = committed.get(topic, partition)
      const left = this.#left.get(topic, partition)
      const isStale = left !== undefined && left.topicId !== topicId && left.offset === found?.offset
      if (found !== undefined && !isStale) valid.set(topic, partition, found)
    }
    return valid
  }
}
