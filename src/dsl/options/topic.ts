import { MillraceError } from '../../errors/millrace-error.ts'
import { duration, flag, func, option, readMembers, readOptions, type TableOf } from '../../options/options.ts'
import { serde } from '../../serde/serde-option.ts'
import type { Serde } from '../../serde/serde.ts'
import type { OffsetReset, StreamPartitioner, TimestampExtractor } from '../../topology/topology.ts'
import { validateName } from '../../topology/names.ts'

declare const READS: unique symbol
declare const TAKES: unique symbol

/** Keys and values that fit. */
export interface Taken<in K, in V> {
  readonly key: (key: K) => void
  readonly value: (value: V) => void
}

/** A topic as its readers see it. */
export interface ReadableTopic<K, V> {
  readonly [READS]: readonly [key: K, value: V]
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly tombstones: boolean
  readonly timestamp: TimestampExtractor | undefined
  readonly offsetReset: OffsetReset | undefined
}

/** A topic as its writers see it: it takes what fits its types. */
export interface WritableTopic<K, V> {
  readonly [TAKES]: Taken<K, V>
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
}

/** A topic with the types and serdes of its records. `V` includes null if the topic has tombstones. */
export interface Topic<K, V> extends ReadableTopic<K, V>, WritableTopic<K, V> {}

/** What a topic holds and how its records are read and written (Kafka Streams' `Consumed` and `Produced`). */
export interface TopicOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /**
   * Event time of a record, ms since the epoch; the record's own timestamp if not given. A fraction is cut off; a
   * negative time drops the record. If the function throws, or returns anything but a number within ±8.64e15
   * (MR_TIMESTAMP), `onDeserializationError` decides.
   */
  readonly timestamp?: (
    record: {
      readonly key: K | null
      readonly value: V | null
      /** The record's own timestamp, ms. */
      readonly timestamp: number
      readonly topic: string
      readonly partition: number
      readonly offset: number
    },
    /** Greatest event time taken from the partition so far; -1 if none. */
    partitionTime: number,
  ) => number
  /** Where an application without committed offsets starts; `earliest` if not given. `byDuration`: ms before now. */
  readonly offsetReset?: OffsetReset
  /** Partition that a record is written to; by its key if not given. */
  readonly partitioner?: (
    topic: string,
    key: K | null,
    value: V | null,
    partitions: number,
  ) => number | readonly number[] | undefined
}

const RESETS = ['earliest', 'latest', 'none'] as const

/** The options of `topic`. */
const TOPIC = {
  key: serde({ required: true, description: 'serde of the keys', code: 'MR_TOPIC_INVALID', alsoCalled: ['keySerde'] }),
  value: serde({
    required: true,
    description: 'serde of the values',
    code: 'MR_TOPIC_INVALID',
    alsoCalled: ['valueSerde'],
  }),
  tombstones: flag({ default: false, description: 'whether values may be null' }),
  timestamp: func<TimestampExtractor>({
    description: 'event time of a record',
    kafka: 'default.timestamp.extractor',
    alsoCalled: ['timestampExtractor'],
  }),
  offsetReset: option<OffsetReset>(
    `${RESETS.map((reset) => `'${reset}'`).join(', ')}, { byDuration }`,
    { description: 'where an application without committed offsets starts reading', kafka: 'auto.offset.reset' },
    (given, place) => {
      const word = RESETS.find((reset) => reset === given)
      return (
        word ?? readMembers({ byDuration: duration({ required: true, description: 'time before now' }) }, given, place)
      )
    },
  ),
  partitioner: func<StreamPartitioner>({
    description: 'partition that a record is written to',
    kafka: 'partitioner.class',
  }),
} satisfies TableOf<TopicOptions<unknown, unknown> & { readonly tombstones?: boolean }>

/**
 * A topic that streams and tables read or write. It creates nothing: topics must exist on the log.
 *
 * With `tombstones: true` its values may be null, and the types of its streams say so. Tables take a null value as the
 * deletion of the key.
 *
 * @throws MR_TOPIC_INVALID for an impossible name or missing serdes; MR_CONFIG for any other bad option
 * @example
 * ```ts
 * const payments = topic('payments', { key: string(), value: json(Payment) })
 * const customers = topic('customers', { key: string(), value: json<Customer>(), tombstones: true })
 * ```
 */
export function topic<K, V>(
  name: string,
  options: TopicOptions<K, V> & { readonly tombstones: true },
): Topic<K, V | null>
export function topic<K, V>(name: string, options: TopicOptions<K, V> & { readonly tombstones?: false }): Topic<K, V>
export function topic(
  name: string,
  options: TopicOptions<unknown, unknown> & { readonly tombstones?: boolean },
): Topic<unknown, unknown> {
  try {
    validateName(name)
  } catch (cause) {
    throw new MillraceError('MR_TOPIC_INVALID', `${JSON.stringify(name)} is no name of a topic`, {
      hint: 'Use 1 to 249 of the characters A-Z, a-z, 0-9, ".", "_" and "-".',
      cause,
    })
  }
  const { key, value, tombstones, timestamp, offsetReset, partitioner } = readOptions(
    TOPIC,
    options,
    `topic('${name}')`,
  )
  const made: Omit<Topic<unknown, unknown>, typeof READS | typeof TAKES> = {
    name,
    keySerde: key,
    valueSerde: value,
    tombstones,
    timestamp,
    offsetReset,
    partitioner,
  }
  return made as Topic<unknown, unknown>
}
