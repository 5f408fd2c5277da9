import type { Logger } from '../../application/application.ts'
import type { WritableTopic } from '../../dsl/options/topic.ts'
import {
  awaitedFunc,
  duration,
  func,
  having,
  option,
  readOptions,
  topicConfigs,
  nested,
  wholeNumber,
  type Duration,
  type TableOf,
} from '../../options/options.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { Headers } from '../../record/headers.ts'
import { CONNECTOR, DEFAULT_RETRY, type Connector, type ConnectorConfig, type ConnectorSpec } from './connector.ts'

/** A record that a source has read. */
export interface SourceRecord<K, V> {
  /** Null, or not given: the records of the topic are spread over its partitions. */
  readonly key?: K | null
  /** Null: a tombstone. */
  readonly value: V | null
  /** Event time, ms since the epoch. The time at which it is written, if not given. */
  readonly timestamp?: number
  readonly headers?: Headers
  /** Number of the partition. The topic's partitioner, or else the key, decides if it is not given. */
  readonly partition?: number
}

/** A piece of input that is no record, such as a line that cannot be decoded. `onError` decides about it. */
export interface BadInput {
  /** What is wrong with it. */
  readonly error: Error
  /** Its bytes, which a dead letter keeps. Null: there are none. */
  readonly rawValue: Uint8Array | null
  /** Where it is in the system that is read, such as `in/a.log, byte 1200, line 31`. */
  readonly place: string
}

/** Records, and the position after them. They are committed together, or not at all. */
export interface SourceBatch<K, V, P> {
  /** May be empty: then the position alone moves on. */
  readonly records: Iterable<SourceRecord<K, V> | BadInput>
  /** Position after these records: data of JSON, up to 500 kB as text. It is taken as it is at the `yield`. */
  readonly position: P
}

/** What `read` is given. */
export interface ReadContext<P> {
  /** Name of the source partition to read: one of those that `partitions` returned. */
  readonly partition: string
  /** The position after the last batch that was taken; the source's `start` if there is none. */
  readonly position: P
  /** Aborted when the reading is to end: paused, handed over to another instance, stopped, or to be begun again. */
  readonly signal: AbortSignal
  /** True: return at the end of what there is, instead of waiting for more. */
  readonly untilEnd: boolean
  /** Where messages of the connectors go. */
  readonly logger: Logger
}

/** A position that is committed. */
export interface CommittedPosition<P> {
  readonly partition: string
  readonly position: P
}

/** How a topic is created that does not exist. */
export interface ConnectorTopicOptions {
  /** Number of partitions; -1 is the broker's default. */
  readonly partitions: number
  /** Copies of each partition; -1 (default) is the broker's default. */
  readonly replicationFactor?: number
  /** Configs by the broker's names. */
  readonly configs?: Readonly<Record<string, string>>
}

/**
 * How a system is read. The runtime writes what is read into a topic and commits the positions with it.
 *
 * What a source may rely on:
 *
 * - A source partition is read by one `read` at a time, of all instances together. An instance that was believed dead
 *   may still be reading, but nothing that it yields is committed.
 * - All records of batches up to the position that `read` is given are in the topic, or about to be committed, once.
 *   After a failure `read` begins again at an earlier position, and records of batches after it are not in the topic:
 *   `read` must return them again.
 * - The next batch is asked for only when there is room for it. Keep batches to some hundred records, or some hundred
 *   kB: `maxBatch` bounds what waits for a commit, one batch is taken whole.
 * - `committed` is called after the commit, never before it, and not at all if the process dies between the two.
 */
export interface SourceConfig<K, V, P> extends ConnectorConfig {
  /** The topic that the records are written to. */
  readonly topic: WritableTopic<K, V>
  /** How the topic is created if it does not exist. Not given: it has to exist. */
  readonly topicOptions?: ConnectorTopicOptions
  /** Position at which a partition begins that was never read. */
  readonly start: P
  /**
   * Returns the parts that are read side by side, each with a position of its own: files, tables, feeds. Asked again
   * every `partitionsInterval`; the reading of one that is missing then ends, and its position is kept. A single one,
   * `all`, if not given.
   */
  readonly partitions?: () => MaybePromise<readonly string[]>
  /** Time between two calls of `partitions`. Default 30 s */
  readonly partitionsInterval?: Duration
  /**
   * Reads a partition from a position on, usually as an `async` generator. It may go on until `signal` aborts, or
   * return when there is no more at present: then it is called again after `pollInterval`, with the position that was
   * yielded last. After an error it is called again as `retry` says.
   *
   * @example
   * ```ts
   * async *read({ partition, position, signal }) {
   *   const { rows, next } = await pages(partition, position.cursor, signal)
   *   yield { records: rows.map((row) => ({ key: row.id, value: row })), position: { cursor: next } }
   * }
   * ```
   */
  readonly read: (context: ReadContext<P>) => AsyncIterable<SourceBatch<K, V, P>>
  /** Time until a `read` that has returned is called again. Default 1 s */
  readonly pollInterval?: Duration
  /**
   * Called once a position is committed: acknowledges, deletes, moves what was read. A later position may stand for
   * earlier ones. It is left out when the process dies: a `read` that begins at such a position has to make up for it.
   * After an error it is called again as `retry` says.
   */
  readonly committed?: (committed: CommittedPosition<P>) => MaybePromise<void>
  /**
   * Number of tasks that instances share; a hash of its name gives each partition to one of them. It cannot be changed
   * later: positions lie in a topic with so many partitions. Default 1
   */
  readonly tasks?: number
  /** Changes, drops (`undefined`) or multiplies records before they are written. */
  readonly transform?: (record: SourceRecord<K, V>) => SourceRecord<K, V> | readonly SourceRecord<K, V>[] | undefined
}

type AnySource = SourceConfig<unknown, unknown, unknown>

const TOPIC_OPTIONS = {
  partitions: wholeNumber({ required: true, least: -1, description: 'number of partitions' }),
  replicationFactor: wholeNumber({ default: -1, least: -1, description: 'copies of each partition' }),
  configs: topicConfigs({ default: {}, description: "configs by the broker's names" }),
} satisfies TableOf<ConnectorTopicOptions>

const ALL = (): readonly string[] => ['all']

export const SOURCE = {
  ...CONNECTOR,
  topic: having<WritableTopic<unknown, unknown>>('topic', [], "topic('name', { key, value })", {
    required: true,
    description: 'topic that the records are written to',
  }),
  topicOptions: nested(TOPIC_OPTIONS, {
    description: 'how the topic is created if it does not exist; not given: it has to exist',
  }),
  start: option<unknown>(
    'data of JSON',
    { required: true, description: 'position at which a partition begins that was never read' },
    (value) => value,
  ),
  partitions: awaitedFunc<NonNullable<AnySource['partitions']>>({
    default: ALL,
    defaultText: 'one, `all`',
    description: 'names of the parts that are read side by side, each with a position of its own',
  }),
  partitionsInterval: duration({
    default: 30_000,
    defaultText: '30 s',
    least: 1,
    description: 'time between two calls of `partitions`',
  }),
  read: awaitedFunc<AnySource['read']>({
    required: true,
    description: 'reads a partition from a position on; usually an `async` generator',
  }),
  pollInterval: duration({
    default: 1000,
    defaultText: '1 s',
    least: 1,
    description: 'time until a `read` that has returned is called again',
  }),
  committed: awaitedFunc<NonNullable<AnySource['committed']>>({
    description: 'called once a position is committed: acknowledges, deletes, moves what was read',
  }),
  tasks: wholeNumber({
    default: 1,
    least: 1,
    most: 1000,
    description: 'number of tasks that instances share; it cannot be changed later',
    kafka: 'tasks.max',
  }),
  transform: func<NonNullable<AnySource['transform']>>({
    description: 'changes, drops or multiplies records before they are written',
    kafka: 'transforms',
  }),
} satisfies TableOf<AnySource>

/** A source as the runtime knows it. */
export interface SourceSpec extends ConnectorSpec {
  readonly kind: 'source'
  readonly topic: WritableTopic<unknown, unknown>
  readonly topicOptions: Required<ConnectorTopicOptions> | undefined
  readonly start: unknown
  readonly partitions: () => MaybePromise<readonly string[]>
  readonly partitionsInterval: number
  readonly read: AnySource['read']
  readonly pollInterval: number
  readonly committed: AnySource['committed']
  readonly tasks: number
  readonly transform: AnySource['transform']
}

/**
 * Defines a source: what `defineConnectors` takes. The type of its positions is that of `start`.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible
 * @example
 * ```ts
 * const buoys = defineSource({
 *   name: 'buoys',
 *   topic: readings,
 *   start: { cursor: 0 },
 *   partitions: () => ['north', 'south'],
 *   async *read({ partition, position, signal }) {
 *     const { rows, next } = await pages(partition, position.cursor, signal)
 *     yield { records: rows.map((row) => ({ key: row.id, value: row })), position: { cursor: next } }
 *   },
 * })
 * ```
 */
export function defineSource<K, V, P>(config: SourceConfig<K, V, P>): Connector {
  const options = readOptions(SOURCE, config, 'defineSource()')
  const spec: SourceSpec = {
    kind: 'source',
    guarantee: 'exactly-once',
    ...options,
    retry: options.retry ?? DEFAULT_RETRY,
  }
  return spec
}
