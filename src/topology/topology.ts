import type { Serde } from '../serde/serde.ts'
import type { StoreSpec } from './store-spec.ts'
import type { Headers } from '../record/headers.ts'
import type { OperatorSpec } from './operator-spec.ts'

/** A compiled topology: plain data that the runtime turns into tasks. Internal topics lack the application id. */
export interface Topology {
  /** In id order; those of global tables have a number too, but no tasks. */
  readonly subtopologies: readonly Subtopology[]
  readonly stores: ReadonlyMap<string, TopologyStore>
}

export interface Subtopology {
  readonly id: number
  /** True for the source and processor that keep a global table: run on every instance, over all partitions. */
  readonly global: boolean
  /** In the order in which they were added: the order in which operators are initialised and children called. */
  readonly nodes: readonly TopologyNode[]
  /** Names of the stores that its nodes use, in the order of first use. */
  readonly stores: readonly string[]
  /** Sets of topics (as in the nodes, internal ones without application id) that must have equal partition counts. */
  readonly copartitionGroups: readonly (readonly string[])[]
}

export interface TopologyStore {
  readonly spec: StoreSpec
  readonly global: boolean
  /** The source topic, if it serves as changelog; else `<application id>-<store>-changelog`. Null: not logged. */
  readonly changelog: { readonly kind: 'own' } | { readonly kind: 'source'; readonly topic: string } | null
  /** All configs of the changelog topic, sorted by name: defaults of its kind, the application's, the store's own. */
  readonly changelogConfigs: readonly (readonly [string, string])[]
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode

export interface SourceNode {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly string[]
  /** True if the topics are repartition (or foreign-key) topics of this topology. */
  readonly internal: boolean
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly timestampExtractor: TimestampExtractor | undefined
  readonly offsetReset: OffsetReset | undefined
  /** False if its children ask only whether there is a value. */
  readonly readsValue: boolean
  readonly children: readonly string[]
}

export interface ProcessorNode {
  readonly kind: 'processor'
  readonly name: string
  readonly operator: OperatorSpec
  readonly stores: readonly string[]
  /** In wiring order. */
  readonly parents: readonly string[]
  /** In the order in which they are called. */
  readonly children: readonly string[]
}

export interface SinkNode {
  readonly kind: 'sink'
  readonly name: string
  readonly topic: string | TopicExtractor
  readonly internal: boolean
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
  readonly parents: readonly string[]
  /** True if it may write the bytes of the input record's value: the value is the same, and nothing reads it. */
  readonly copiesValue: boolean
  /** For the sinks of repartition topics: what the group must create. */
  readonly repartition: RepartitionTopic | undefined
}

export interface RepartitionTopic {
  /** Without the application id. */
  readonly name: string
  /** 0: derived. */
  readonly partitions: number
  /** Sorted by name. */
  readonly configs: readonly (readonly [string, string])[]
}

/** Returns a record's event time; negative: drops it. `partitionTime`: greatest time of the partition so far, or -1. */
export type TimestampExtractor = (record: ExtractorRecord, partitionTime: number) => number

/** The record that a timestamp is computed for. */
export interface ExtractorRecord {
  readonly key: unknown
  readonly value: unknown
  /** The record's own timestamp, ms. */
  readonly timestamp: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Where a group without a committed offset starts: `byDuration` ms back from now (KIP-1106). */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { readonly byDuration: number }

/** Origin of the record that is written, for functions that choose its topic (Kafka Streams' `RecordContext`). */
export interface RecordOrigin {
  /** Null for what a punctuator forwards; partition and offset are -1 then. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  /** Timestamp of the record that is written, ms since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

export type TopicExtractor = (value: unknown, key: unknown, record: RecordOrigin) => string

/** Returns the partition; undefined: the default (murmur2 of the key bytes); an array: all of these, none if empty. */
export type StreamPartitioner = (
  topic: string,
  key: unknown,
  value: unknown,
  partitions: number,
) => number | readonly number[] | undefined
