import { randomUUID } from 'node:crypto'
import { isMillraceError } from '../../errors/millrace-error.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { RecordSlice } from '../../record/record-slice.ts'
import { LocalProducer, type ProducerHost } from '../local/local-producer.ts'
import type { LocalTopic } from '../local/local-topic.ts'
import type { LocalLog } from '../local/local-log.ts'
import { MemoryPartition } from '../local/partition-data.ts'
import type { StagedCommit, StagedRun } from '../local/staged-commit.ts'
import { rulesOf } from '../local/topic-rules.ts'
import type { LogProducer } from '../log.ts'
import type { AppendOrigin } from '../refusal.ts'
import { partitionIn, type BatchBases } from './attached-producers.ts'
import { batchParts, sentRun, type BatchMessage, type WrittenMessage } from './batch.ts'
import { ConnectionLost, type Connection } from './connection.ts'
import { PRODUCE } from './frames.ts'
import type { Held, TopicMessage } from './held-calls.ts'
import { whileWaiting } from '../../platform/kept-alive.ts'

/** Bytes of one batch, unless it is a single run. */
const BATCH_BYTES = 8 * 1024 * 1024

/** A record with its own bytes, and what it was appended with. */
interface EarlyRecord {
  readonly topic: string
  readonly partition: number
  readonly record: RecordSlice
  readonly origin: AppendOrigin | undefined
  readonly place: number | undefined
}

/** How the log is reached now: by itself, or through the process that holds it. */
export type Way = ({ readonly kind: 'held' } & Held) | { readonly kind: 'attached'; readonly connection: Connection }

/** What a producer needs of the log that it belongs to. */
export interface ProducerLog extends Pick<ProducerHost, 'clock' | 'trailerBytes'> {
  /** The way now; undefined while the log changes hands. */
  readonly way: Way | undefined
  /** Returns the way as soon as there is one. @throws if there will be none */
  reach(): Promise<Way>
  /** Calls something by name, through whoever holds the log. */
  ask(name: string, args: readonly unknown[]): MaybePromise<unknown>
}

/**
 * A producer that goes on when the log changes hands. It collects and refuses records as that of a local log does.
 * Batches have numbers, and whoever holds the log keeps the last of them with the records: a batch whose answer was
 * lost is sent again, and is written once.
 */
export class SharedProducer implements LogProducer {
  readonly writable = true
  readonly #log: ProducerLog
  readonly #inner: LocalProducer
  readonly #id = randomUUID()
  /** Topics as the holder described them. */
  readonly #topics = new Map<string, LocalTopic>()
  readonly #onClose: (producer: SharedProducer) => void
  /** The topic of the last record. */
  #last: LocalTopic | undefined
  /** Records of topics that the holder has not described yet, and those after them. */
  #early: EarlyRecord[] = []
  #batches = 0
  /** The last batch that was sent is known to be written before the next one goes. */
  #sending: Promise<void> | undefined

  constructor(log: ProducerLog, onClose: (producer: SharedProducer) => void) {
    this.#log = log
    this.#onClose = onClose
    const { clock, trailerBytes } = log
    const host: ProducerHost = { clock, trailerBytes, topic: (name) => this.#topic(name) }
    this.#inner = new LocalProducer(host, (commit) => this.#publish(commit))
  }

  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place?: number): void {
    if (this.#early.length === 0 && this.#knows(topic, partition))
      this.#inner.append(topic, partition, record, origin, place)
    else this.#early.push({ topic, partition, record: record.copy(), origin, place })
  }

  partitionCount(topic: string): number | undefined {
    return this.#inner.partitionCount(topic)
  }

  loadPartitionCount(topic: string): MaybePromise<number> {
    if (this.#log.way?.kind === 'held') return this.#inner.loadPartitionCount(topic)
    return this.#load(topic)
  }

  onWritable(): void {}

  flush(): MaybePromise<void> {
    if (this.#early.length > 0) return whileWaiting(this.#flushEarly())
    const flushed = this.#inner.flush()
    // Records of an earlier flush may still be on their way.
    return flushed ?? this.#sending
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#inner.lastOffset(topic, partition)
  }

  async close(): Promise<void> {
    this.#inner.close()
    this.#onClose(this)
    if (this.#batches > 0 && this.#log.way !== undefined) await this.#forget().catch(() => {})
  }

  /** Has the holder forget this producer. If that fails, it does so after a day. */
  async #forget(): Promise<void> {
    await this.#log.ask('forget', [this.#id])
  }

  /** Appends what waited for its topic. The flush has the first error of a record, when the others are written. */
  async #flushEarly(): Promise<void> {
    for (const { topic, partition } of this.#early)
      if (!this.#knows(topic, partition)) await this.#load(topic).catch(gone)
    const early = this.#early
    this.#early = []
    let failure: unknown
    for (const { topic, partition, record, origin, place } of early) {
      try {
        this.#inner.append(topic, partition, record, origin, place)
      } catch (error) {
        failure ??= error
      }
    }
    await this.flush()
    if (failure !== undefined) throw failure
  }

  /** True if a record for the partition can be checked at once. */
  #knows(topic: string, partition: number): boolean {
    if (this.#log.way?.kind === 'held') return true
    if (topic !== this.#last?.name) this.#last = this.#topics.get(topic)
    return this.#last !== undefined && partition < this.#last.partitions.length
  }

  async #load(name: string): Promise<number> {
    const found = (await this.#log.ask('topic', [name])) as TopicMessage | undefined
    if (found === undefined) {
      this.#topics.delete(name)
      this.#last = undefined
      return this.#inner.loadPartitionCount(name)
    }
    this.#learn(found)
    return found.partitions
  }

  /** Goes by a topic as it is now: it may have been altered. */
  #learn({ name, id, partitions: count, configs }: TopicMessage): void {
    const behaviour = {
      configs,
      usesAppendTime: configs['message.timestamp.type'] === 'LogAppendTime',
      rules: rulesOf(configs),
    }
    const known = this.#topics.get(name)
    const topic = known?.id === id ? Object.assign(known, behaviour) : { name, id, partitions: [], ...behaviour }
    while (topic.partitions.length < count) topic.partitions.push(named(name, topic.partitions.length))
    this.#topics.set(name, topic)
    if (this.#last?.name === name) this.#last = topic
  }

  #topic(name: string): LocalTopic | undefined {
    const { way } = this.#log
    return way?.kind === 'held' ? way.log.topic(name) : this.#topics.get(name)
  }

  #publish(commit: StagedCommit): MaybePromise<void> {
    const { way } = this.#log
    if (way?.kind === 'held' && this.#sending === undefined) {
      return way.log.publish({ ...commit, runs: commit.runs.map((staged) => placedIn(way.log, staged)) })
    }
    const before = this.#sending
    const sent: Promise<void> = whileWaiting(this.#send(before, commit.runs)).finally(() => {
      if (this.#sending === sent) this.#sending = undefined
    })
    this.#sending = sent
    return sent
  }

  async #send(before: Promise<void> | undefined, runs: readonly StagedRun[]): Promise<void> {
    // A batch that failed is its own flush's error.
    await before?.catch(() => {})
    for (const batch of batchesOf(runs)) {
      const number = ++this.#batches
      const bases = await this.#sendUntilKnown(number, batch)
      bases?.forEach((base, i) => (batch[i]!.run.base = base))
    }
  }

  /** Sends a batch to each next holder of the log until one knows that it is written. */
  async #sendUntilKnown(number: number, batch: readonly StagedRun[]): Promise<BatchBases> {
    const { trailerBytes } = this.#log
    for (;;) {
      const way = await this.#log.reach()
      // It may have changed before this goes on.
      if (way !== this.#log.way) continue
      if (way.kind === 'held') {
        return await way.producers.write(
          this.#id,
          number,
          batch.map((staged) => placedIn(way.log, staged)),
        )
      }
      const message: BatchMessage = { producer: this.#id, number, runs: batch.map(sentRun) }
      try {
        const { answer } = way.connection.ask(PRODUCE, message, batchParts(batch, trailerBytes))
        const { bases, topics } = (await answer).message as WrittenMessage
        for (const topic of topics) this.#learn(topic)
        return bases
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        await way.connection.lost
      }
    }
  }
}

/** Returns a run for the log as it is open now. @throws MR_PRODUCE if the partition is gone */
function placedIn(log: LocalLog, { partition, run }: StagedRun): StagedRun {
  return { partition: partitionIn(log, partition.topic, partition.partition), run }
}

/** A topic that is gone is the error of its records. */
function gone(error: unknown): void {
  if (!isMillraceError(error) || error.code !== 'MR_TOPIC_UNKNOWN') throw error
}

/** A partition as a producer needs it, whose records another process has. */
function named(topic: string, partition: number): LocalTopic['partitions'][number] {
  return { topic, partition, data: new MemoryPartition(), listeners: new Set() }
}

function* batchesOf(runs: readonly StagedRun[]): Generator<readonly StagedRun[]> {
  let batch: StagedRun[] = []
  let bytes = 0
  for (const staged of runs) {
    const more = staged.run.end - staged.run.start
    if (batch.length > 0 && bytes + more > BATCH_BYTES) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(staged)
    bytes += more
  }
  if (batch.length > 0) yield batch
}
