import type { Guarantee, Quiet } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Operator } from '../../operators/operator.ts'
import type { Settings } from '../../application/application.ts'
import { heldBackBefore } from '../../topology/held-back.ts'
import type { Topology } from '../../topology/topology.ts'
import { commitIntervalOf } from '../../application/commit-interval.ts'
import type { NodeFailure } from '../node/node-output.ts'
import type { PartitionQueue } from '../input/partition-queue.ts'
import type { TaskContexts } from '../node/task-context.ts'

/** How long the log has been known to hold nothing more of a partition. Undefined: it may hold more. */
export type QuietOf = (topic: string, partition: number) => Quiet | undefined

/** The name of the task's stream time among the times kept with offsets. No node has a space in its name. */
const STREAM_TIME = 'stream time'

/** An operator with a stream time, and how much of what passes it has to wait for what is held back before it, ms. */
export interface DelayedOperator {
  readonly operator: Operator
  readonly delay: number
}

/** How long each operator waits for what is held back before it, ms. Undefined: stream time goes by records alone. */
export function idleDelays(
  settings: Settings,
  topology: Topology,
  guarantee: Guarantee,
): ReadonlyMap<string, number> | undefined {
  if (settings.idleAfter === undefined) return undefined
  return heldBackBefore(topology, commitIntervalOf(settings, guarantee))
}

/**
 * The stream time of a task whose input partitions have all been silent for `idleAfter`. From where it stood it goes on
 * by the time that passes, until the next record. Time counts only while the log is known to hold nothing more of any
 * of the partitions.
 */
export class IdleTime {
  readonly #idleAfter: number
  readonly #clock: Clock
  readonly #contexts: TaskContexts
  readonly #operators: readonly DelayedOperator[]
  readonly #failed: NodeFailure
  /** When the silence began that is being counted, by the monotonic clock; -1: none. */
  #since = -1
  /** How much of it has passed for the sources, beyond `idleAfter`. */
  #passed = 0

  constructor(
    idleAfter: number,
    clock: Clock,
    contexts: TaskContexts,
    operators: readonly DelayedOperator[],
    failed: NodeFailure,
  ) {
    this.#idleAfter = idleAfter
    this.#clock = clock
    this.#contexts = contexts
    this.#operators = operators
    this.#failed = failed
    contexts.streamTime = Math.max(contexts.streamTime, contexts.times.get(STREAM_TIME) ?? -1)
  }

  /** By how much stream time is to go on now, ms; 0: some partition is not silent, or not for long enough. */
  due(queues: readonly PartitionQueue[], quietOf: QuietOf): number {
    return Math.max(0, this.#silence(queues, quietOf) - this.#idleAfter - this.#passed)
  }

  /** Lets what is due pass. True if anything came of it: results, or a change of state. */
  pass(due: number): boolean {
    const before = this.#passed
    const passed = before + due
    this.#passed = passed
    const contexts = this.#contexts
    // What a clock says that runs ahead of the producers' must not close windows that they still write to.
    const limit = this.#clock.now() - this.#idleAfter
    if (contexts.streamTime >= 0) {
      contexts.streamTime = Math.max(contexts.streamTime, Math.min(contexts.streamTime + due, limit))
      contexts.times.set(STREAM_TIME, contexts.streamTime)
    }
    contexts.record.set(null, -1, -1, contexts.streamTime, contexts.noHeaders())
    let changed = false
    for (const { operator, delay } of this.#operators) {
      const ms = Math.max(0, passed - delay) - Math.max(0, before - delay)
      if (ms === 0) continue
      try {
        if (operator.passTime(ms, limit, contexts.noHeaders())) changed = true
      } catch (error) {
        changed = true
        this.#failed(error, operator.context.node)
      }
    }
    return changed
  }

  #silence(queues: readonly PartitionQueue[], quietOf: QuietOf): number {
    let since = 0
    let until = this.#clock.monotonic()
    for (const queue of queues) {
      const quiet = queue.hasHead ? undefined : quietOf(queue.topic, queue.partition)
      if (quiet === undefined) {
        this.#since = -1
        this.#passed = 0
        return 0
      }
      since = Math.max(since, queue.idleSince, quiet.since)
      until = Math.min(until, quiet.until)
    }
    if (since !== this.#since) {
      this.#since = since
      this.#passed = 0
    }
    return until - since
  }
}
