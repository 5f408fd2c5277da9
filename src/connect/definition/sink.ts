import type { TopicRecord } from '../../client/topics.ts'
import type { ReadableTopic } from '../../dsl/options/topic.ts'
import type { TopicPartition } from '../../log/log.ts'
import {
  awaitedFunc,
  func,
  oneOf,
  option,
  Place,
  readOptions,
  wholeNumber,
  type TableOf,
} from '../../options/options.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import {
  CONNECTOR,
  DEFAULT_RETRY,
  type Connector,
  type ConnectorConfig,
  type ConnectorGuarantee,
  type ConnectorSpec,
} from './connector.ts'

/** A record that a sink is to write. */
export interface SinkRecord<K, V> extends TopicRecord<K, V> {
  readonly topic: string
}

/** The offset of the next record of a partition. */
export interface NextOffset extends TopicPartition {
  readonly offset: number
}

/** What `write` is given. */
export interface SinkBatch<K, V> {
  /** In the order of their offsets within each partition. May be empty: then the offsets alone move on. */
  readonly records: readonly SinkRecord<K, V>[]
  /**
   * Where each partition goes on after these records: what a target that keeps offsets must store together with them.
   * Partitions without news are absent.
   */
  readonly offsets: readonly NextOffset[]
  /** Aborted when the sink is to end at once: its partitions are lost. */
  readonly signal: AbortSignal
  /**
   * Gives up a record that the target refuses, so that `onError` decides about it. Await it before the rest of the
   * batch is made durable: a dead letter is written when it has resolved.
   *
   * @throws the error if it is to end the connector
   */
  refuse(record: SinkRecord<K, V>, error: Error): Promise<void>
}

/** What `open` is given. */
export interface SinkAssignment {
  /** All partitions that this instance has from now on. */
  readonly partitions: readonly TopicPartition[]
  /** Aborted when the sink is to end at once: its partitions are lost. */
  readonly signal: AbortSignal
}

/** A sink at work, on the partitions with which it was opened. */
export interface OpenSink<K, V> {
  /**
   * Where the target wants each partition to go on: it wins over what the group has committed. A partition that is
   * absent begins as the topic's `offsetReset` says. For `exactly-once` alone, which requires it.
   */
  readonly offsets?: readonly NextOffset[]
  /** Writes a batch, durably. It is called again when that has resolved, never before. */
  write(batch: SinkBatch<K, V>): MaybePromise<void>
  /** Releases what `open` has opened. Called once, whatever has happened. */
  close?(): MaybePromise<void>
}

interface SinkBase<K, V> extends ConnectorConfig {
  /** The topics that are read. */
  readonly topics: readonly ReadableTopic<K, V>[]
  /** What the sink promises; it is said at the start. Default `at-least-once` */
  readonly guarantee?: ConnectorGuarantee
  /** Most records of one batch. Default 1000 */
  readonly maxRecords?: number
  /** Changes, drops (`undefined`) or multiplies records before they are written. */
  readonly transform?: (record: SinkRecord<K, V>) => SinkRecord<K, V> | readonly SinkRecord<K, V>[] | undefined
}

/** A sink that has nothing to open. */
export interface PlainSinkConfig<K, V> extends SinkBase<K, V> {
  /** Writes a batch, durably: its offsets are committed when it has resolved. */
  readonly write: (batch: SinkBatch<K, V>) => MaybePromise<void>
  readonly open?: never
}

/** A sink that opens something for its partitions: a file, a connection, offsets of its own. */
export interface OpeningSinkConfig<K, V> extends SinkBase<K, V> {
  /**
   * Opens the target for all partitions of this instance. One is open at a time: when partitions come or go, and after
   * a failure, it is closed and another one is opened.
   */
  readonly open: (assignment: SinkAssignment) => MaybePromise<OpenSink<K, V>>
  readonly write?: never
}

/**
 * How records are written to a system. The runtime reads the topics in batches, and commits the offsets to the group of
 * the connector after they are written.
 *
 * What a sink may rely on:
 *
 * - A partition is written by one instance at a time. An instance that was believed dead may still finish the batch
 *   that it has: a target that keeps offsets refuses it, by an epoch that each `open` raises.
 * - Batches of a partition follow each other without a gap. After a failure the next one begins where `offsets` of
 *   `open` say, or else at the last batch that was written.
 * - The next batch is read from the topic only when `write` has resolved.
 */
export type SinkConfig<K, V> = PlainSinkConfig<K, V> | OpeningSinkConfig<K, V>

type Write = (batch: SinkBatch<unknown, unknown>) => MaybePromise<void>
type Open = (assignment: SinkAssignment) => MaybePromise<OpenSink<unknown, unknown>>
type Topics = readonly ReadableTopic<unknown, unknown>[]

export const SINK = {
  ...CONNECTOR,
  topics: option<Topics>(
    'list of topics',
    { required: true, description: 'topics that are read', kafka: 'topics', alsoCalled: ['topic'] },
    (value, place) => {
      if (Array.isArray(value) && value.length > 0 && value.every(isTopic)) return [...value] as Topics
      throw place.refuse(value, "Give a list of topics, as in [topic('name', { key, value })].")
    },
  ),
  guarantee: oneOf<ConnectorGuarantee>(['exactly-once', 'effectively-once', 'at-least-once'], {
    default: 'at-least-once',
    description: 'what the sink promises',
  }),
  maxRecords: wholeNumber({
    default: 1000,
    least: 1,
    description: 'most records of one batch',
    kafka: 'max.poll.records',
  }),
  write: awaitedFunc<Write>({ description: 'writes a batch, durably' }),
  open: awaitedFunc<Open>({ description: 'opens the target for all partitions of this instance' }),
  transform: func<NonNullable<SinkBase<unknown, unknown>['transform']>>({
    description: 'changes, drops or multiplies records before they are written',
    kafka: 'transforms',
  }),
} satisfies TableOf<SinkBase<unknown, unknown> & { write?: Write; open?: Open }>

function isTopic(value: unknown): value is ReadableTopic<unknown, unknown> {
  return typeof value === 'object' && value !== null && 'name' in value && 'keySerde' in value && 'valueSerde' in value
}

/** A sink as the runtime knows it. */
export interface SinkSpec extends ConnectorSpec {
  readonly kind: 'sink'
  readonly topics: Topics
  readonly maxRecords: number
  readonly open: Open
  readonly transform: SinkBase<unknown, unknown>['transform']
}

/**
 * Defines a sink: what `defineConnectors` takes.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible
 * @example
 * ```ts
 * const search = defineSink({
 *   name: 'search',
 *   topics: [products],
 *   guarantee: 'effectively-once',
 *   write: ({ records, signal }) => index.upsert(records.map(({ key, value }) => ({ id: key, ...value })), signal),
 * })
 * ```
 */
export function defineSink<K, V>(config: SinkConfig<K, V>): Connector {
  const { write, open, ...options } = readOptions(SINK, config, 'defineSink()')
  const place = new Place('defineSink()', 'write', SINK.write)
  if (write !== undefined && open !== undefined) throw place.refuse(write, 'Give write or open, not both.')
  if (write !== undefined && options.guarantee === 'exactly-once')
    throw new Place('defineSink()', 'guarantee', SINK.guarantee).refuse(
      'exactly-once',
      'Give open, which returns the offsets that the target keeps.',
    )
  const opening = open ?? (write === undefined ? undefined : (): OpenSink<unknown, unknown> => ({ write }))
  if (opening === undefined) throw place.missing('Give write, or open, which returns { write }.')
  const spec: SinkSpec = { kind: 'sink', ...options, retry: options.retry ?? DEFAULT_RETRY, open: opening }
  return spec
}
