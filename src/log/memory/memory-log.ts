import type { Clock } from '../../platform/clock.ts'
import { clockOption } from '../../options/clock-option.ts'
import { randomUUID } from 'node:crypto'
import { awaitedFunc, flag, readOptions, type TableOf, type Values } from '../../options/options.ts'
import type { TopicSpec } from '../log.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import { LocalLog, type LogStorage, type TopicIdentity } from '../local/local-log.ts'
import { MemoryPartition } from '../local/partition-data.ts'
import type { StagedCommit } from '../local/staged-commit.ts'
import type { LocalPartition } from '../local/local-topic.ts'

export interface MemoryLogOptions {
  /** Clock of LogAppendTime topics and of rebalance timeouts. Default: the machine's. */
  readonly clock?: Clock
  /**
   * Called for every commit that was accepted. The commit takes effect when the promise resolves. `committed` and
   * `openClient` wait for it, as they do on a broker for the offsets of a transaction that is about to end. Commits
   * that are under way together take effect in any order. Without this function, commits take effect at once.
   */
  readonly beforeCommit?: () => Promise<void>
  /**
   * True if each commit of a client leaves a control record in every partition that it wrote to, as transactions do on
   * a broker. Readers do not see it: offsets have gaps, and a partition does not end with its last record. Default
   * `false`.
   */
  readonly controlRecords?: boolean
}

/** Table of the options of `memoryLog`. */
export const MEMORY_LOG = {
  clock: clockOption,
  beforeCommit: awaitedFunc<() => Promise<void>>({
    description: 'called for every commit, which takes effect when the promise resolves; for tests',
  }),
  controlRecords: flag({
    default: false,
    description: 'each commit leaves a control record behind, as transactions do on a broker; for tests',
  }),
} satisfies TableOf<MemoryLogOptions>

/**
 * Returns a log in the memory of this process. `createTopics` creates its topics, and nothing outlives the process.
 * Every call returns synchronously, never a promise (unless `beforeCommit` is given), and callbacks of `onReady` and
 * `onEvent` are called before the call that caused them returns. Only `deleteRecords` removes records: configs of
 * compaction and retention are kept, but the embedded log alone carries them out.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible
 * @example
 * ```ts
 * const log = memoryLog()
 * log.createTopics([{ name: 'payments', partitions: 2 }])
 * ```
 */
export function memoryLog(options: MemoryLogOptions = {}): LocalLog {
  const { clock, ...storage } = readOptions(MEMORY_LOG, options, 'memoryLog()')
  return new LocalLog(new MemoryStorage(storage), clock)
}

class MemoryStorage implements LogStorage {
  readonly kind = 'memory'
  readonly trailerBytes = 0
  readonly #id = randomUUID()
  readonly #beforeCommit: (() => Promise<void>) | undefined
  readonly #controlRecords: boolean
  readonly #underWay = new Set<Promise<void>>()
  #topics = 0

  constructor({ beforeCommit, controlRecords }: Omit<Values<typeof MEMORY_LOG>, 'clock'>) {
    this.#beforeCommit = beforeCommit
    this.#controlRecords = controlRecords
  }

  createTopic(spec: TopicSpec): TopicIdentity {
    const id = `${this.#id}-${++this.#topics}`
    return { name: spec.name, id, partitions: Math.max(1, spec.partitions), configs: spec.configs ?? {} }
  }

  openPartition(): MemoryPartition {
    return new MemoryPartition()
  }

  publish(commit: StagedCommit, makeVisible: (commit: StagedCommit) => void): MaybePromise<void> {
    if (this.#beforeCommit === undefined) return this.#show(commit, makeVisible)
    const published = this.#beforeCommit()
      .then(() => this.#show(commit, makeVisible))
      .finally(() => this.#underWay.delete(published))
    this.#underWay.add(published)
    return published
  }

  #show(commit: StagedCommit, makeVisible: (commit: StagedCommit) => void): void {
    makeVisible(commit)
    if (!this.#controlRecords || commit.groupId === undefined) return
    for (const data of new Set(commit.runs.map(({ partition }) => partition.data))) {
      if (data instanceof MemoryPartition) data.addControlRecord()
    }
  }

  settled(): MaybePromise<void> {
    return this.#underWay.size === 0 ? undefined : Promise.all(this.#underWay).then(() => undefined)
  }

  changeTopic(): void {}

  deleteTopic(): void {}

  deleteOffsets(): void {}

  deleteBelow(partition: LocalPartition, offset: number): void {
    partition.data.deleteBelow(offset)
  }

  close(): void {}
}
