import { MillraceError } from '../../errors/millrace-error.ts'
import type { ErrorPlace } from '../../errors/millrace-error.ts'
import { PartitionMap } from '../../log/log.ts'
import type { CommittedOffset } from '../../log/log.ts'
import type { Topology } from '../../topology/topology.ts'
import { readsTopic } from '../restore/start-offsets.ts'
import type { Task, TaskInput } from '../task/task.ts'

/**
 * What this thread's tasks read last. A topic that is deleted takes its committed offsets with it; one that is committed behind that,
 * before it is noticed that another topic has the name, is an offset of the deleted one and would skip what the new one begins with.
 */
export class LeftInputs {
  readonly #topology: Topology
  readonly #left = new PartitionMap<{ readonly topicId: string; readonly offset: number | undefined }>()

  constructor(topology: Topology) {
    this.#topology = topology
  }

  /** To be called for each task that ran, when it is closed. */
  leave({ inputs, processing }: Task): void {
    for (const { topic, partition, topicId } of inputs) {
      this.#left.set(topic, partition, { topicId, offset: processing.committedOffset(topic) })
    }
  }

  /**
   * The committed offsets less those that are of topics of before.
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

/** Its records may have been committed by who wrote them, and not yet by who reads them: they are nowhere any more. */
export function replacedRepartition({ topic, partition, offset }: ErrorPlace, cause?: MillraceError): MillraceError {
  return new MillraceError(
    'MR_INTERNAL_TOPIC',
    'a repartition topic was deleted, and what it held may not have been processed',
    { topic, partition, offset, cause, hint: 'Process all input again: "millrace reset".' },
  )
}
