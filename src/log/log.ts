import type { Sample } from '../metrics/samples.ts'
import type { Headers } from '../record/headers.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { GroupMember, MemberOptions } from '../group/group.ts'
import type { AppendOrigin } from './refusal.ts'
import type { RecordSlice } from '../record/record-slice.ts'
import type { LogAdmin } from './admin.ts'
import type { CommittedOffset, PartitionMap, TopicPartition } from './partition-map.ts'

export { PartitionMap } from './partition-map.ts'
export type { CommittedOffset, TopicPartition } from './partition-map.ts'

export type OpenDescribed = (options: unknown) => Log

/**
 * A description by which another thread opens the same log: data that can be cloned, and the module that reads it. Each
 * thread has a log object of its own, with connections of its own.
 */
export interface LogDescription {
  /** URL of a module that exports `openDescribed`, an `OpenDescribed`. */
  readonly module: string
  readonly options: unknown
}

/**
 * The Log port: topics of partitions of records, consumer groups and atomic commits. It is implemented in memory,
 * durably in one process, and over Kafka. The runtime knows this file and `group.ts` only. One conformance suite tests
 * all three.
 *
 * Offsets, timestamps (ms) and sizes (bytes) are safe integers.
 */
export interface Log extends LogAdmin {
  readonly kind: 'memory' | 'embedded' | 'kafka'
  /** Returns the topics that exist, by name. */
  describeTopics(names: readonly string[]): MaybePromise<ReadonlyMap<string, TopicDescription>>
  /** Creates topics; one that exists already stays as it is. @throws MR_TOPIC_INVALID, MR_TOPIC_CREATE */
  createTopics(topics: readonly TopicSpec[]): MaybePromise<void>
  /**
   * Returns the first (`earliest`) or the next (`latest`, uncommitted records included) offsets, or those of the first
   * records at or after a time. Where there is no such record, that is the end.
   */
  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): MaybePromise<PartitionMap<number>>
  /** Deletes the records below the given offsets. */
  deleteRecords(offsets: PartitionMap<number>): MaybePromise<void>
  /** Opens a reader outside any group that sees committed records only: for restoring, global tables, tools. */
  openReader(options?: ReaderOptions): LogReader
  /** Opens a producer outside any group, whose records become visible by `flush`: for generators, tools, tests. */
  openProducer(): LogProducer
  /**
   * Opens the client of one stream thread: its group membership, reader, producer and commits belong together.
   * @throws MR_LOG_UNREACHABLE, MR_CONFIG
   */
  openClient(options: LogClientOptions): MaybePromise<LogClient>
  /**
   * Takes a log that several processes share for an application, whose tasks run where the log is open. Absent where
   * that is no matter.
   *
   * @returns a function by which the application gives the log up; it stays open
   * @throws MR_STATE_LOCKED if another application has it
   */
  hold?(options: HoldOptions): Promise<() => Promise<void>>
  /** @internal What it has counted of its traffic with brokers. Absent in logs without any. */
  samples?(): readonly Sample[]
  /** @internal The options that it was made with, where they can be changed to make another one. */
  readonly options?: object | undefined
  /** Describes the log for other threads. If absent or without a result, one thread alone can have it open. */
  describe?(): LogDescription | undefined
  close(): MaybePromise<void>
}

export interface HoldOptions {
  /** False: while the application has the log, no other process uses it. */
  readonly attach: boolean
}

/** A topic that exists. */
export interface TopicDescription {
  readonly name: string
  /** Changes when a topic is deleted and created again, if the log has such ids. */
  readonly id: string
  readonly partitions: number
}

/** A topic that is to be created. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** -1 is the broker's default. */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestamp: number }

/** Receives the place of a record's key in a buffer; -1 if the key is null. */
export type SeeKey = (buffer: Buffer, keyStart: number, keyEnd: number) => void

/**
 * A cursor over consecutive records of one partition. One object serves all of them: its fields describe the current
 * record and change with `next()`. Control records, aborted records and records below the requested position are never
 * shown.
 */
export interface RecordCursor {
  /** Moves to the next record; returns false if none is left. No record is current before the first call. */
  next(): boolean
  readonly offset: number
  /** Timestamp in ms since the epoch; the broker's time in a LogAppendTime topic; -1 if the record has none. */
  readonly timestamp: number
  /** Holds key and value of the current record at the ranges below; valid as long as the caller keeps the cursor. */
  readonly buffer: Buffer
  /** -1 if the key is null. */
  readonly keyStart: number
  readonly keyEnd: number
  /** -1 if the value is null. */
  readonly valueStart: number
  readonly valueEnd: number
  /**
   * Calls `see` with the keys of the next `count` records, in order, without moving to them. May be called before the
   * first `next`.
   *
   * @returns the number of keys shown: `count`, or all that there are. -1 if none can be shown before the first `next`
   * @throws the error that `next` will throw for a record that cannot be read
   */
  peekKeys(count: number, see: SeeKey): number
  /** Decodes and returns the headers of the current record; returns `none` itself if it has none. */
  headers(none: Headers): Headers
  /** Position of the reader once every record of this cursor is taken: after control and skipped records too. */
  readonly endOffset: number
  /** Approximate bytes of memory that the cursor keeps alive. */
  readonly bytes: number
  /** Most records that are left. */
  readonly remaining: number
}

/** Reads partitions from given positions. It fetches ahead in the background within bounds; `poll` never waits. */
export interface LogReader {
  /** Starts reading a partition at an offset. If it was being read already, drops what was fetched. */
  assign(topic: string, partition: number, offset: number): void
  unassign(topic: string, partition: number): void
  /** Pauses a partition: it keeps its position and what was fetched, but `poll` does not hand it over. */
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /**
   * Hands over what has arrived, each partition's cursors in offset order, and returns the number of cursors.
   * @throws MR_OFFSET_OUT_OF_RANGE (topic, partition, offset), MR_CORRUPT_BATCH, MR_TOPIC_UNKNOWN, MR_LOG_FAILED
   */
  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number
  /** Sets the callback, called once per arrival when `poll` would hand something over or throw. Replaces the last. */
  onReady(wake: (() => void) | undefined): void
  /** Returns the offset after everything handed over so far; `undefined` if the partition is not assigned. */
  position(topic: string, partition: number): number | undefined
  /** Returns the last known end of the committed records; `undefined` while unknown. Lag is this minus `position`. */
  endOffset(topic: string, partition: number): number | undefined
  /**
   * Returns for how long it has been known, without a break, that the partition holds nothing after what was handed
   * over, open transactions included; `undefined` if it holds more, or cannot be reached.
   */
  quiet(topic: string, partition: number): Quiet | undefined
  close(): MaybePromise<void>
}

/** Period in monotonic times, ms. */
export interface Quiet {
  readonly since: number
  /** Time at which it was last known; Infinity if it is known at any time. */
  readonly until: number
}

/** Appends records. `append` copies the bytes before it returns, so that the caller may reuse its buffer at once. */
export interface LogProducer {
  /**
   * Appends a record.
   *
   * @param origin decides if the log refuses this record for what it is; without it that is MR_PRODUCE. Flush and
   *   commit wait for the decision. Records before and after are written in any case.
   * @param place the number by which the origin knows the record
   * @throws MR_PRODUCE and MR_FENCED of earlier records too, as the result of a send is known late
   */
  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place?: number): void
  /** Returns a topic's number of partitions; if it is `undefined`, the caller must await `loadPartitionCount` first. */
  partitionCount(topic: string): number | undefined
  /** @throws MR_TOPIC_UNKNOWN */
  loadPartitionCount(topic: string): MaybePromise<number>
  /** False while too much waits to be sent: the caller should append nothing until the callback of `onWritable`. */
  readonly writable: boolean
  onWritable(wake: (() => void) | undefined): void
  /** Sends everything, and returns when it is acknowledged. @throws MR_PRODUCE, MR_FENCED */
  flush(): MaybePromise<void>
  /**
   * Returns the offset of the last record that this producer appended to the partition, once it is known: after
   * `flush`, or, on a log that writes at the commit, after `commit`. `undefined` if it appended none.
   */
  lastOffset(topic: string, partition: number): number | undefined
  close(): MaybePromise<void>
}

/**
 * `at_least_once`: after a failure the records since the last commit are processed again, and their results written
 * again. `exactly_once`: results, state and input offsets are committed together (KIP-129, KIP-447).
 */
export type Guarantee = 'at_least_once' | 'exactly_once'

/** Bounds of a reader. A log in this process keeps nothing twice and needs none. */
export interface ReaderOptions {
  /** Approximate bytes that are fetched and not handed over. */
  readonly fetchBytes?: number
}

/** Treatment of records for a topic that no longer exists. */
export interface MissingTopics {
  /** Time in ms for which records wait for the topic before the error MR_TOPIC_UNKNOWN. */
  readonly timeout: number
  /** Called at once, whatever the thread is waiting for, when a topic is missing and when it exists again. */
  readonly tell: (topic: string, isMissing: boolean) => void
}

export interface LogClientOptions extends MemberOptions, ReaderOptions {
  readonly guarantee: Guarantee
  /** Time in ms between two commits, if the application sets it. */
  readonly commitInterval?: number | undefined
  /** Treatment of output topics that were deleted: they may be created again. */
  readonly missingTopics?: MissingTopics | undefined
  /** Name of this client in logs and on the broker: `<application id>-<process id>-StreamThread-<n>`. */
  readonly clientId: string
  /** Stable over restarts of the same thread: `<application id>-<process id>-<n>`. */
  readonly transactionalId: string
}

/**
 * Outcome of a commit. `aborted`: it is definitely not done, and nothing of it is visible. `unknown`: no definite
 * response came although the request was repeated; only reading the log again shows the outcome.
 */
export type CommitOutcome = 'committed' | 'aborted' | 'unknown'

/**
 * The client through which one stream thread reads, writes and commits. Under `exactly_once`, `commit` makes the
 * records appended through `producer` and the offsets visible together, or not at all. Under `at_least_once` records
 * are visible when flushed, and `commit` stores offsets only. The memory and embedded logs are always exactly-once,
 * whatever was asked for.
 */
export interface LogClient {
  readonly guarantee: Guarantee
  readonly reader: LogReader
  readonly producer: LogProducer
  readonly group: GroupMember
  /** Returns the group's stable committed offsets. Partitions without are absent. @throws MR_FENCED, MR_LOG_FAILED */
  committed(partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  /**
   * Commits what was appended before this call, once it is acknowledged, and the offsets. Records appended from now on
   * belong to the next commit, which must not begin before this one returns. `offsets` names only partitions of tasks
   * that this member owns.
   * @throws MR_PRODUCE, MR_FENCED, MR_LOG_FAILED
   */
  commit(offsets: PartitionMap<CommittedOffset>): MaybePromise<CommitOutcome>
  /** Forgets everything appended since the last commit that is not visible yet. */
  abort(): MaybePromise<void>
  /** Leaves the group, if it is a member, and closes. It does not commit. */
  close(): MaybePromise<void>
}
