import { MillraceError, type ErrorPlace } from '../../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset } from '../../log/log.ts'
import type { Topology } from '../../topology/topology.ts'
import { readsTopic } from '../restore/start-offsets.ts'
import type { Task, TaskInput } from '../task/task.ts'

/**
 * What this thread's tasks read last. A topic that is deleted takes its committed offsets with it. An offset that is
 * committed after that, before the thread notices that another topic has the name, is one of the deleted topic. It
 * would skip the first records of the new topic.
 */
export class LeftInputs {
  readonly #topology: Topology
  readonly #left = new PartitionMap<{ readonly topicId: string; readonly offset: number | undefined }>()

  constructor(topology: Topology) {
    this.#topology = topology
  }

  /** Call it for each task that ran, when it is closed. */
  leave({ inputs, processing }: Task): void {
    for (const { topic, partition, topicId } of inputs) {
      this.#left.set(topic, partition, { topicId, offset: processing.committedOffset(topic) })
    }
  }

  /**
   * The committed offsets without those of deleted topics.
   *
   * @throws MR_INTERNAL_TOPIC if one of these was a repartition topic
   */
  valid(inputs: readonly TaskInput[], committed: PartitionMap<CommittedOffset>): PartitionMap<CommittedOffset> {
    const valid = new PartitionMap<CommittedOffset>()
    for (const { topic, partition, topicId } of inputs) {
      const found = committed.get(topic, partition)
      const left = this.#left.get(topic, partition)
      const isReplaced = left !== undefined && left.topicId !== topicId
      if (isReplaced && !readsTopic(this.#topology, topic)) throw replacedRepartition({ topic, partition })
      if (found !== undefined && !(isReplaced && left.offset === found.offset)) valid.set(topic, partition, found)
    }
    return valid
  }
}

/** The writer of its records may have committed, and not yet the reader: those records are nowhere any more. */
export function replacedRepartition({ topic, partition, offset }: ErrorPlace, cause?: MillraceError): MillraceError {
  return new MillraceError(
    'MR_INTERNAL_TOPIC',
    'a repartition topic was deleted, and what it held may not have been processed',
    { topic, partition, offset, cause, hint: 'Process all input again: "millrace reset".' },
  )
}
