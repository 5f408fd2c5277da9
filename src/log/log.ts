import type { Headers } from '../record/headers.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { GroupMember, GroupOptions } from '../group/group.ts'
import type { RecordOrigin } from './refusal.ts'
import type { RecordSlice } from '../record/record-slice.ts'

export type OpenDescribed = (options: unknown) => Log

/**
 * How another thread opens the same log: data that can be cloned, and who understands it. Each thread has a log object of its own,
 * with connections of its own.
 */
export interface LogDescription {
  /** URL of a module that exports `openDescribed`, an `OpenDescribed`. */
  readonly module: string
  readonly options: unknown
}

/** What tools do to topics and groups of a log, beside what running an application needs. */
export interface LogAdmin {
  /** Names of all topics, sorted. */
  listTopics(): MaybePromise<readonly string[]>
  /** Deletes topics with their records; one that does not exist is passed over. */
  deleteTopics(names: readonly string[]): MaybePromise<void>
  /** Names of the members that a group has now; empty if there is no such group. */
  groupMembers(groupId: string): MaybePromise<readonly string[]>
  /** Stable committed offsets of a group, asked for without being its member; partitions without one are absent. */
  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  /** Forgets a group with all its committed offsets. @throws MR_GROUP_ACTIVE while it has members */
  deleteGroup(groupId: string): MaybePromise<void>
  /** Commits offsets for a group without members. @throws MR_GROUP_ACTIVE while it has members */
  commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): MaybePromise<void>
}

/**
 * The Log port: topics of partitions of records, consumer groups and atomic commits. Implemented in memory, durably in one
 * process, and over Kafka. The runtime knows this file and `group.ts` only; one conformance suite holds all three to it.
 *
 * Offsets, timestamps (ms) and sizes (bytes) are safe integers.
 */
export interface Log extends LogAdmin {
  readonly kind: 'memory' | 'embedded' | 'kafka'
  /** Topics that exist, by name; names that do not are absent from the map. */
  describeTopics(names: readonly string[]): MaybePromise<ReadonlyMap<string, TopicDescription>>
  /** Creates topics; one that exists already is left as it is. @throws MR_TOPIC_INVALID, MR_TOPIC_CREATE */
  createTopics(topics: readonly TopicSpec[]): MaybePromise<void>
  /** The first (`earliest`) or the next-to-be-written (`latest`, uncommitted records included) offset, or that of the first record at or after a time (end if none). */
  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): MaybePromise<PartitionMap<number>>
  /** Deletes the records below the given offsets. */
  deleteRecords(offsets: PartitionMap<number>): MaybePromise<void>
  /** A reader outside any group that sees committed records only: for restoring, global tables, tools. */
  openReader(options?: ReaderOptions): LogReader
  /** A producer outside any group: appended records become visible by `flush`. For generators, tools and tests. */
  openProducer(): LogProducer
  /** One stream thread's connection: its group membership, reader, producer and commits belong together. @throws MR_LOG_UNREACHABLE, MR_CONFIG */
  openClient(options: LogClientOptions): MaybePromise<LogClient>
  /** For a log that threads of one process can open side by side; absent, or answering nothing: this one cannot be. */
  describe?(): LogDescription | undefined
  close(): MaybePromise<void>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicDescription {
  readonly name: string
  /** Changes when a topic is deleted and created anew, if the log has such ids. */
  readonly id: string
  readonly partitions: number
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestamp: number }

/** Values by topic and partition. */
export class PartitionMap<V> {
  readonly #topics = new Map<string, Map<number, V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(topic: string, partition: number): V | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  has(topic: string, partition: number): boolean {
    return this.#topics.get(topic)?.has(partition) ?? false
  }

  set(topic: string, partition: number, value: V): this {
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) this.#topics.set(topic, (partitions = new Map()))
    if (!partitions.has(partition)) this.#size++
    partitions.set(partition, value)
    return this
  }

  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic)
    if (partitions === undefined || !partitions.delete(partition)) return false
    if (partitions.size === 0) this.#topics.delete(topic)
    this.#size--
    return true
  }

  clear(): void {
    this.#topics.clear()
    this.#size = 0
  }

  *entries(): Generator<[topic: string, partition: number, value: V]> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) yield [topic, partition, value]
    }
  }
}

/** Is shown where the key of a record lies; at -1 if it is null. */
export type SeeKey = (buffer: Buffer, keyStart: number, keyEnd: number) => void

/**
 * A run of records of one partition, read one after the other. One object serves all its records: what it shows belongs to
 * the current record and changes with `next()`. Control records, aborted records and records below the position asked for
 * are never shown.
 */
export interface RecordCursor {
  /** Moves to the next record; false when there is none left. No record is current before the first call. */
  next(): boolean
  readonly offset: number
  /** Milliseconds since the epoch; the broker's for a LogAppendTime topic; -1 if the record has none. */
  readonly timestamp: number
  /** Holds key and value of the current record at the ranges below; valid as long as the caller keeps the cursor. */
  readonly buffer: Buffer
  /** -1: the key is null. */
  readonly keyStart: number
  readonly keyEnd: number
  /** -1: the value is null. */
  readonly valueStart: number
  readonly valueEnd: number
  /**
   * Shows where the keys of the records behind the current one lie, in order and without moving to them: from number `from` (0 is the next record) up to,
   * but not including, number `to`; a null key at -1. May be called before the first `next`. Records that are not shown cost hardly anything.
   *
   * @returns how many records were passed, shown or not: `to`, or all that there are; -1 if that cannot be told, and what lies behind this cursor
   * does not follow what was shown
   * @throws as `next` will, if what it comes upon cannot be read
   */
  peekKeys(from: number, to: number, see: SeeKey): number
  /** The current record's headers, decoded anew; `none` itself if it has none. */
  headers(none: Headers): Headers
  /** The reader's position once every record of this cursor is taken: behind control and skipped records too. */
  readonly endOffset: number
  /** Memory that the cursor keeps alive, about. */
  readonly bytes: number
  /** No more records than this are left. */
  readonly remaining: number
}

/** Reads partitions from positions it is given. Fetches ahead in the background within bounds; `poll` never waits. */
export interface LogReader {
  /** Starts reading a partition at an offset; if it was being read, goes there and drops what was fetched. */
  assign(topic: string, partition: number, offset: number): void
  unassign(topic: string, partition: number): void
  /** A paused partition keeps its position and what was fetched; `poll` does not hand it over. */
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /**
   * Hands over what has arrived, each partition's cursors in offset order, and returns how many cursors it were.
   * @throws MR_OFFSET_OUT_OF_RANGE (topic, partition, offset), MR_CORRUPT_BATCH, MR_TOPIC_UNKNOWN, MR_LOG_FAILED
   */
  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number
  /** Called, once per arrival, when `poll` would hand something over or throw. Replaces the callback set before. */
  onReady(wake: (() => void) | undefined): void
  /** Offset behind everything handed over so far; `undefined` if not assigned. */
  position(topic: string, partition: number): number | undefined
  /** End of what a reader of committed records can see, as last heard; `undefined` while unknown. Lag = this - position. */
  endOffset(topic: string, partition: number): number | undefined
  /**
   * For how long it has been known, without a break, that the partition holds nothing behind what was handed over, open transactions
   * included. `undefined` if it holds more, or if it cannot be reached.
   */
  quiet(topic: string, partition: number): Quiet | undefined
  close(): MaybePromise<void>
}

/** Monotonic times, ms. */
export interface Quiet {
  readonly since: number
  /** When it was known last; Infinity: it is known at any time. */
  readonly until: number
}

/** Appends records. `append` copies the bytes before it returns, so that the caller may reuse its buffer at once. */
export interface LogProducer {
  /**
   * Appends a record.
   *
   * @param origin is asked if the log refuses this record for what it is; without it that is MR_PRODUCE. Flush and commit wait for what it
   * decides; records before and behind are written whatever that is
   * @param place the number by which the origin knows the record
   * @throws MR_PRODUCE and MR_FENCED of earlier records too: the answer to a send is known late.
   */
  append(topic: string, partition: number, record: RecordSlice, origin?: RecordOrigin, place?: number): void
  /** Number of partitions of a topic, once known: `undefined` makes the caller await `loadPartitionCount` first. */
  partitionCount(topic: string): number | undefined
  /** @throws MR_TOPIC_UNKNOWN */
  loadPartitionCount(topic: string): MaybePromise<number>
  /** False while so much is waiting to be sent that the caller should stop appending; `onWritable` tells when to go on. */
  readonly writable: boolean
  onWritable(wake: (() => void) | undefined): void
  /** Sends everything and answers when it is acknowledged. @throws MR_PRODUCE, MR_FENCED */
  flush(): MaybePromise<void>
  /**
   * Offset of the last record that this producer appended to the partition, once its place is known: after `flush`, on a log
   * that writes at the commit after `commit`. Undefined if it appended none.
   */
  lastOffset(topic: string, partition: number): number | undefined
  close(): MaybePromise<void>
}

/**
 * `at_least_once`: after a failure the records since the last commit are processed again, and their results written again.
 * `exactly_once`: results, state and input offsets are committed together (KIP-129, KIP-447).
 */
export type Guarantee = 'at_least_once' | 'exactly_once'

/** Bounds of a reader. A log in this process keeps nothing twice, and has no use for them. */
export interface ReaderOptions {
  /** Bytes fetched and not handed over, about. */
  readonly fetchBytes?: number
}

/** What becomes of records for a topic that was there and is not any more. */
export interface MissingTopics {
  /** ms for which it is waited for before that is MR_TOPIC_UNKNOWN. */
  readonly timeout: number
  /** Told at once, whatever the thread is waiting for, that a topic is missing, and that it is there again. */
  readonly tell: (topic: string, isMissing: boolean) => void
}

export interface LogClientOptions extends GroupOptions, ReaderOptions {
  readonly guarantee: Guarantee
  /** ms between two commits, if the application says. */
  readonly commitInterval?: number | undefined
  /** Topics that are written to and were deleted: they may be created again. */
  readonly missingTopics?: MissingTopics | undefined
  /** Name of this client in logs and on the broker: `<application id>-<process id>-StreamThread-<n>`. */
  readonly clientId: string
  /** Stable over restarts of the same thread: `<application id>-<process id>-<n>`. */
  readonly transactionalId: string
}

/** An offset to commit: of the next record to process, with the metadata string kept beside it. */
export interface CommittedOffset {
  readonly offset: number
  readonly metadata: string
}

/**
 * What became of a commit. `aborted`: definitely not done, nothing of it is visible. `unknown`: no definite answer could be
 * had although the request was repeated; only reading the log again tells.
 */
export type CommitOutcome = 'committed' | 'aborted' | 'unknown'

/**
 * What one stream thread reads, writes and commits. Under `exactly_once` records appended through `producer` and the
 * offsets become visible together by `commit`, or not at all; under `at_least_once` records are visible when flushed and
 * `commit` stores offsets only. The memory and embedded logs are always exactly-once, whatever was asked for.
 */
export interface LogClient {
  readonly guarantee: Guarantee
  readonly reader: LogReader
  readonly producer: LogProducer
  readonly group: GroupMember
  /** Committed offsets of the group, with stable offsets required; partitions without one are absent. @throws MR_FENCED, MR_LOG_FAILED */
  committed(partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  /**
   * Commits what was appended before this call, once it is acknowledged, and the offsets. What is appended from now on belongs
   * to the next commit, which must not be begun before this one is answered. Names only partitions of tasks that this member
   * owns. @throws MR_PRODUCE, MR_FENCED, MR_LOG_FAILED
   */
  commit(offsets: PartitionMap<CommittedOffset>): MaybePromise<CommitOutcome>
  /** Forgets everything appended since the last commit that is not visible yet. */
  abort(): MaybePromise<void>
  /** Leaves the group (if a member) and closes; does not commit. */
  close(): MaybePromise<void>
}
