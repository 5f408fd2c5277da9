import { PartitionMap, type Log } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import type { Topology } from '../../topology/topology.ts'
import type { Task } from '../task/task.ts'
import { fullTopicName } from '../task/task-wiring.ts'

/** ms between two purges. */
const PURGE_INTERVAL = 30_000

/** Deletes committed records of repartition topics: no one reads them again, and topics would keep them for ever. */
export class RepartitionPurge {
  readonly #log: Log
  readonly #topics = new Set<string>()
  #last: number

  constructor(applicationId: string, topology: Topology, log: Log, clock: Clock) {
    this.#log = log
    this.#last = clock.monotonic()
    for (const node of topology.subtopologies.flatMap(({ nodes }) => nodes)) {
      if (node.kind !== 'sink' || node.repartition === undefined) continue
      this.#topics.add(fullTopicName(applicationId, node.repartition.name, true))
    }
  }

  /**
   * Call it when everything that these tasks have processed is committed.
   *
   * @param now by the monotonic clock
   */
  *run(running: Iterable<Task>, now: number): Steps<void> {
    if (now - this.#last < PURGE_INTERVAL) return
    this.#last = now
    const offsets = new PartitionMap<number>()
    for (const { processing } of running) {
      for (const { topic, partition, nextOffset } of processing.queues) {
        if (this.#topics.has(topic) && nextOffset > 0) offsets.set(topic, partition, nextOffset)
      }
    }
    if (offsets.size > 0) yield* wait(this.#log.deleteRecords(offsets))
  }
}
