// What `import … from 'millrace/connect'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface BadInput {
  readonly error: Error
  readonly rawValue: Uint8Array | null
  readonly place: string
}

export interface BytesFileSource<K, V> extends FileSourceBase<K, V, Buffer> {
  readonly format?:
    | 'lines'
    | {
        readonly split: string
      }
  readonly encoding: 'bytes'
}

export interface CommittedPosition<P> {
  readonly partition: string
  readonly position: P
}

export interface Connector {
  readonly kind: 'source' | 'sink'
  readonly name: string
  readonly guarantee: ConnectorGuarantee
}

export interface ConnectorConfig {
  readonly name: string
  readonly retry?: ConnectorRetry
  readonly onError?: OnBadRecord
  readonly commitInterval?: Duration
  readonly maxBatch?: ByteSize
}

export type ConnectorGuarantee = 'exactly-once' | 'effectively-once' | 'at-least-once'

export interface ConnectorRetry {
  readonly backoff?: Duration
  readonly maxBackoff?: Duration
  readonly timeout?: Duration
  readonly retryOn?: (error: unknown) => boolean
}

export type ConnectorState = (typeof CONNECTOR_STATES)[number]

export interface ConnectorStatus extends Connector {
  readonly state: ConnectorState
  readonly reason?: string
  readonly tasks: readonly number[]
  readonly records: number
  readonly commits: number
  readonly bad: number
  readonly deadLetters: number
  readonly retries: number
  readonly redone: number
  readonly positions?: Readonly<Record<string, string>>
  readonly lag?: number
}

export interface ConnectorTopicOptions {
  readonly partitions: number
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

export interface Connectors {
  readonly id: string
  readonly connectors: readonly Connector[]
  readonly deadLetterTopic: string | undefined
  readonly logger: Logger
}

export interface ConnectorsConfig {
  readonly id: string
  readonly connectors: readonly Connector[]
  readonly deadLetterTopic?: string
  readonly logger?: Logger
}

export interface ConnectorsOptions {
  readonly instanceId?: string
}

export interface CsvFileSource<K, V> extends FileSourceBase<K, V, Readonly<Record<string, string>>> {
  readonly format: 'csv'
  readonly encoding?: string
  readonly columns?: readonly string[]
  readonly delimiter?: string
}

export interface FileInput<Input> {
  readonly input: Input
  readonly path: string
  readonly line: number
}

export interface FileSinkConfig<K, V> extends SinkCommon<K, V> {
  readonly path: string
  readonly format?: 'lines' | 'ndjson' | ((record: SinkRecord<K, V>) => string | Uint8Array)
  readonly perPartition?: boolean
}

export type FileSourceConfig<K, V> =
  | TextFileSource<K, V>
  | BytesFileSource<K, V>
  | JsonFileSource<K, V>
  | CsvFileSource<K, V>

export interface JsonFileSource<K, V> extends FileSourceBase<K, V, unknown> {
  readonly format: 'ndjson'
  readonly encoding?: string
}

export interface NextOffset extends TopicPartition {
  readonly offset: number
}

export type OnBadRecord = 'fail' | 'continue' | 'deadLetter'

export interface OpenSink<K, V> {
  readonly offsets?: readonly NextOffset[]
  write(batch: SinkBatch<K, V>): MaybePromise<void>
  close?(): MaybePromise<void>
}

export interface OpeningSinkConfig<K, V> extends SinkBase<K, V> {
  readonly open: (assignment: SinkAssignment) => MaybePromise<OpenSink<K, V>>
  readonly write?: never
}

export interface PlainSinkConfig<K, V> extends SinkBase<K, V> {
  readonly write: (batch: SinkBatch<K, V>) => MaybePromise<void>
  readonly open?: never
}

export interface ReadContext<P> {
  readonly partition: string
  readonly position: P
  readonly signal: AbortSignal
  readonly untilEnd: boolean
  readonly logger: Logger
}

export interface RunConnectorsOptions {
  readonly log: Log
  readonly untilEnd?: boolean
  readonly instanceId?: string
  readonly clock?: Clock
  readonly scheduler?: Scheduler
}

export interface RunningConnectors extends AsyncDisposable {
  status(): readonly ConnectorStatus[]
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  readonly closed: Promise<void>
  close(): Promise<void>
}

export interface SinkAssignment {
  readonly partitions: readonly TopicPartition[]
  readonly signal: AbortSignal
}

export interface SinkBatch<K, V> {
  readonly records: readonly SinkRecord<K, V>[]
  readonly offsets: readonly NextOffset[]
  readonly signal: AbortSignal
  refuse(record: SinkRecord<K, V>, error: Error): Promise<void>
}

export type SinkConfig<K, V> = PlainSinkConfig<K, V> | OpeningSinkConfig<K, V>

export interface SinkRecord<K, V> extends TopicRecord<K, V> {
  readonly topic: string
}

export interface SourceBatch<K, V, P> {
  readonly records: Iterable<SourceRecord<K, V> | BadInput>
  readonly position: P
}

export interface SourceConfig<K, V, P> extends ConnectorConfig {
  readonly topic: WritableTopic<K, V>
  readonly topicOptions?: ConnectorTopicOptions
  readonly start: P
  readonly partitions?: () => MaybePromise<readonly string[]>
  readonly partitionsInterval?: Duration
  readonly read: (context: ReadContext<P>) => AsyncIterable<SourceBatch<K, V, P>>
  readonly pollInterval?: Duration
  readonly committed?: (committed: CommittedPosition<P>) => MaybePromise<void>
  readonly tasks?: number
  readonly transform?: (record: SourceRecord<K, V>) => SourceRecord<K, V> | readonly SourceRecord<K, V>[] | undefined
}

export interface SourceRecord<K, V> {
  readonly key?: K | null
  readonly value: V | null
  readonly timestamp?: number
  readonly headers?: Headers
  readonly partition?: number
}

export interface TextFileSource<K, V> extends FileSourceBase<K, V, string> {
  readonly format?:
    | 'lines'
    | {
        readonly split: string
      }
  readonly encoding?: string
}

export function connectors(definition: Connectors, given?: ConnectorsOptions): Companion

export function defineConnectors(config: ConnectorsConfig): Connectors

export function defineSink<K, V>(config: SinkConfig<K, V>): Connector

export function defineSource<K, V, P>(config: SourceConfig<K, V, P>): Connector

export function fileSink<K, V>(config: FileSinkConfig<K, V>): Connector

export function fileSource<K, V>(config: FileSourceConfig<K, V>): Connector

export function runConnectors(definition: Connectors, given: RunConnectorsOptions): Promise<RunningConnectors>
