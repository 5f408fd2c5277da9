import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import type { Clock } from '../../platform/clock.ts'
import { eventTime, noEventTime } from '../../record/event-time.ts'
import type { LogProducer } from '../log.ts'
import { refusalError, type AppendOrigin, type Refusal } from '../refusal.ts'
import { notifyWritten, RunWriter } from './run-writer.ts'
import type { Publish, StagedRun } from './staged-commit.ts'
import { refusedBy } from './topic-rules.ts'
import type { LocalPartition, LocalTopic } from './local-topic.ts'
import { RecordSlice, copyOfRange } from '../../record/record-slice.ts'

interface PartitionWriter {
  readonly partition: LocalPartition
  readonly runs: RunWriter
}

interface TopicWriters {
  readonly topic: LocalTopic
  readonly byPartition: PartitionWriter[]
}

/** The part of a log that its producers use. */
export interface ProducerHost {
  readonly clock: Clock
  readonly trailerBytes: number
  topic(name: string): LocalTopic | undefined
}

/** Collects records until a flush or a commit takes them, all at once. Memory alone bounds how many. */
export class LocalProducer implements LogProducer {
  readonly writable = true
  readonly #host: ProducerHost
  readonly #publishOnFlush: Publish | undefined
  readonly #topics = new Map<string, TopicWriters>()
  #lastTopic = ''
  #lastWriters: TopicWriters | undefined
  #pending: PartitionWriter[] = []
  #refusal: MillraceError | undefined

  /** @param publishOnFlush makes flushed records visible; without it `flush` does nothing, and the owner takes them */
  constructor(host: ProducerHost, publishOnFlush?: Publish) {
    this.#host = host
    this.#publishOnFlush = publishOnFlush
  }

  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place = -1): void {
    if (this.#refusal !== undefined) throw this.#refusal
    const writers = topic === this.#lastTopic && this.#lastWriters !== undefined ? this.#lastWriters : this.#open(topic)
    const writer = writers.byPartition[partition] ?? this.#newWriter(writers, partition)
    const { rules, usesAppendTime } = writers.topic
    const time = eventTime(usesAppendTime ? this.#host.clock.now() : record.timestamp)
    if (Number.isNaN(time))
      throw noEventTime(record.timestamp, 'the timestamp of a record to write', { topic, partition })
    if (rules !== undefined) {
      const why = refusedBy(rules, this.#host.clock.now(), time, record)
      if (why !== undefined) {
        const key = copyOfRange(record.buffer, record.keyStart, record.keyEnd)
        const value = copyOfRange(record.buffer, record.valueStart, record.valueEnd)
        this.#refuse({ topic, partition, timestamp: time, key, value, why }, origin, place)
        return
      }
    }
    if (writer.runs.isEmpty) this.#pending.push(writer)
    writer.runs.append(record, time)
    if (origin?.written !== undefined) writer.runs.listen(origin as Required<AppendOrigin>, place)
  }

  #refuse(refusal: Refusal, origin: AppendOrigin | undefined, place: number): void {
    if (origin === undefined) throw refusalError(refusal)
    const instead = origin.refused(refusal, place)
    if (instead === undefined) return
    if (isPromise(instead)) throw new MillraceError('MR_INTERNAL', 'the decision about a refused record comes late')
    const { topic, partition, timestamp, key, value, headers, origin: next } = instead
    this.append(topic, partition, RecordSlice.of(timestamp, key, value, headers), next)
  }

  partitionCount(topic: string): number | undefined {
    return this.#host.topic(topic)?.partitions.length
  }

  loadPartitionCount(topic: string): number {
    const count = this.partitionCount(topic)
    if (count !== undefined) return count
    throw new MillraceError('MR_TOPIC_UNKNOWN', `topic '${topic}' does not exist`, { topic, hint: 'Create it first.' })
  }

  onWritable(): void {}

  flush(): MaybePromise<void> {
    if (this.#refusal !== undefined) throw this.#refusal
    if (this.#publishOnFlush === undefined || this.#pending.length === 0) return
    const writers = this.#pending
    const published = this.#publishOnFlush({ runs: this.take(), groupId: undefined, offsets: undefined })
    const heard = writers.flatMap(({ runs }) => runs.takeHeard())
    if (heard.length === 0) return published
    if (isPromise(published)) return published.then(() => notifyWritten(heard))
    notifyWritten(heard)
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#topics.get(topic)?.byPartition[partition]?.runs.lastOffset
  }

  close(): void {
    this.drop()
    this.refuse(new MillraceError('MR_LOG_FAILED', 'the producer is closed'))
  }

  /** Takes everything appended since the last call. */
  take(): StagedRun[] {
    const taken: StagedRun[] = []
    for (const { partition, runs } of this.#pending) {
      for (const run of runs.take()) taken.push({ partition, run })
    }
    this.#pending = []
    return taken
  }

  /** Forgets everything appended since the last `take`. */
  drop(): void {
    for (const { runs } of this.#pending) runs.drop()
    this.#pending = []
  }

  /** Makes every later append and flush throw an error. */
  refuse(error: MillraceError): void {
    this.#refusal ??= error
  }

  #open(topic: string): TopicWriters {
    let writers = this.#topics.get(topic)
    if (writers === undefined) {
      const found = this.#host.topic(topic)
      if (found === undefined) {
        throw new MillraceError('MR_PRODUCE', `topic '${topic}' does not exist`, { topic, hint: 'Create it first.' })
      }
      writers = { topic: found, byPartition: [] }
      this.#topics.set(topic, writers)
    }
    this.#lastTopic = topic
    this.#lastWriters = writers
    return writers
  }

  /** Makes the writers of partitions that are new: a topic can be given more of them. */
  #newWriter({ topic, byPartition }: TopicWriters, partition: number): PartitionWriter {
    for (const found of topic.partitions.slice(byPartition.length))
      byPartition.push({ partition: found, runs: new RunWriter(this.#host.trailerBytes) })
    const writer = byPartition[partition]
    if (writer === undefined) throw noSuchPartition(topic.name, partition)
    return writer
  }
}

function noSuchPartition(topic: string, partition: number): MillraceError {
  return new MillraceError('MR_PRODUCE', 'the topic has no such partition', {
    topic,
    partition,
    hint: 'Check the partitioner against the number of partitions.',
  })
}
