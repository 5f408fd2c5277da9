import { MillraceError } from '../../errors/millrace-error.ts'
import type { LocalLog } from '../local/local-log.ts'
import type { LocalPartition } from '../local/local-topic.ts'
import { PRODUCERS } from '../local/own-group.ts'
import type { StagedRun } from '../local/staged-commit.ts'
import { PartitionMap, type CommittedOffset, type TopicPartition } from '../log.ts'

/** ms for which the number of a producer that was not closed is kept. */
const KEPT = 24 * 60 * 60 * 1000

/** The result of a batch: the offset of the first record of each run; undefined if an earlier holder wrote it. */
export type BatchBases = readonly number[] | undefined

interface Writing {
  readonly number: number
  readonly done: Promise<BatchBases>
}

/** Writes batches of producers, each of them once, however often it is sent. */
export class AttachedProducers {
  readonly #log: LocalLog
  readonly #writing = new Map<string, Writing>()

  constructor(log: LocalLog) {
    this.#log = log
    // Rows that stay do no harm: the next holder tries again.
    this.#forgetOld().catch(() => {})
  }

  write(producer: string, number: number, runs: readonly StagedRun[]): Promise<BatchBases> {
    const before = this.#writing.get(producer)
    if (before?.number === number) return before.done
    if (this.has(producer, number)) return Promise.resolve(undefined)
    const done = this.#publish(producer, number, runs)
    this.#writing.set(producer, { number, done })
    // A batch that was not written may be sent again.
    done.catch(() => this.#writing.delete(producer))
    return done
  }

  /** True if the batch is in the log. */
  has(producer: string, number: number): boolean {
    return (this.#log.committedOffset(PRODUCERS, producer, 0)?.offset ?? 0) >= number
  }

  /** Forgets a producer that sends nothing any more. */
  async forget(producer: string): Promise<void> {
    this.#writing.delete(producer)
    if (this.has(producer, 1)) await this.#log.deleteOffsets(PRODUCERS, [{ topic: producer, partition: 0 }])
  }

  async #publish(producer: string, number: number, runs: readonly StagedRun[]): Promise<BatchBases> {
    const offset = { offset: number, metadata: String(this.#log.clock.now()) }
    const offsets = new PartitionMap<CommittedOffset>().set(producer, 0, offset)
    await this.#log.publish({ runs, groupId: PRODUCERS, offsets })
    return runs.map(({ run }) => run.base)
  }

  async #forgetOld(): Promise<void> {
    const now = this.#log.clock.now()
    const old: TopicPartition[] = []
    for (const [topic, partition, { metadata }] of (await this.#log.committedOffsets(PRODUCERS)).entries()) {
      if (now - Number(metadata) > KEPT) old.push({ topic, partition })
    }
    if (old.length > 0) await this.#log.deleteOffsets(PRODUCERS, old)
  }
}

/** @throws MR_PRODUCE if the topic or the partition is gone */
export function partitionIn(log: LocalLog, topic: string, partition: number): LocalPartition {
  const found = log.topic(topic)?.partitions[partition]
  if (found !== undefined) return found
  throw new MillraceError('MR_PRODUCE', 'there is no such partition', {
    topic,
    partition,
    hint: 'Create the topic first.',
  })
}
