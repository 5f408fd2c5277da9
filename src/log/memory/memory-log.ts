import type { Clock } from '../../platform/clock.ts'
import { systemClock } from '../../platform/clock.ts'
import { randomUUID } from 'node:crypto'
import type { TopicSpec } from '../log.ts'
import { LocalLog } from '../local/local-log.ts'
import type { LogStorage, TopicIdentity } from '../local/local-log.ts'
import { MemoryPartition } from '../local/partition-data.ts'
import type { StagedCommit } from '../local/staged-commit.ts'
import type { LocalPartition } from '../local/topic.ts'

export interface MemoryLogOptions {
  /** Time of LogAppendTime topics and of rebalance timeouts; this machine's if not given. */
  readonly clock?: Clock
}

/**
 * A log in the memory of this process: topics are created by `createTopics`, nothing outlives the process. Every call
 * answers synchronously, never with a promise, and `onReady` and `onEvent` callbacks are called before the call that caused
 * them returns. Records are never removed but by `deleteRecords`: compaction and retention belong to the embedded log.
 *
 * @example
 * ```ts
 * const log = memoryLog()
 * log.createTopics([{ name: 'payments', partitions: 2 }])
 * ```
 */
export function memoryLog(options: MemoryLogOptions = {}): LocalLog {
  return new LocalLog(new MemoryStorage(), options.clock ?? systemClock)
}

class MemoryStorage implements LogStorage {
  readonly kind = 'memory'
  readonly trailerBytes = 0
  readonly #id = randomUUID()
  #topics = 0

  createTopic(spec: TopicSpec): TopicIdentity {
    const id = `${this.#id}-${++this.#topics}`
    return { name: spec.name, id, partitions: Math.max(1, spec.partitions), configs: spec.configs ?? {} }
  }

  openPartition(): MemoryPartition {
    return new MemoryPartition()
  }

  publish(commit: StagedCommit, makeVisible: (commit: StagedCommit) => void): void {
    makeVisible(commit)
  }

  settled(): void {}

  deleteBelow(partition: LocalPartition, offset: number): void {
    partition.data.deleteBelow(offset)
  }

  close(): void {}
}
