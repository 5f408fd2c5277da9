// Types that the public ones name, and that cannot be imported: what users see of the inside.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

// src/application/log-line.ts

const LOG_FORMATS: readonly ['text', 'json']

const LOG_LEVELS: readonly ['debug', 'info', 'warn', 'error']

// src/cli/settings/module-options.ts

type OfApplication =
  | 'bufferedRecordsPerPartition'
  | 'cacheBytes'
  | 'commitInterval'
  | 'deadLetterTopic'
  | 'guarantee'
  | 'idleAfter'
  | 'logValues'
  | 'maxTaskIdle'
  | 'memory'
  | 'replicationFactor'
  | 'standbyReplicas'
  | 'taskTimeout'
  | 'threads'
  | 'topicConfigs'
  | 'windowStoreChangelogAdditionalRetention'

type OfKafka =
  | 'apiTimeout'
  | 'clientId'
  | 'compression'
  | 'connectTimeout'
  | 'groupProtocol'
  | 'heartbeatInterval'
  | 'maxBatchBytes'
  | 'maxRequestSize'
  | 'requestTimeout'
  | 'retryBackoff'
  | 'retryBackoffMax'
  | 'sessionTimeout'
  | 'transactionTimeout'

type OfStreams =
  | 'advertise'
  | 'attach'
  | 'companions'
  | 'fileMode'
  | 'instanceId'
  | 'onRestore'
  | 'onState'
  | 'readyLag'
  | 'stateCleanupDelay'
  | 'stateDirectory'

// src/connect/definition/sink.ts

interface SinkBase<K, V> extends ConnectorConfig {
  readonly topics: readonly ReadableTopic<K, V>[]
  readonly guarantee?: ConnectorGuarantee
  readonly maxRecords?: number
  readonly transform?: (record: SinkRecord<K, V>) => SinkRecord<K, V> | readonly SinkRecord<K, V>[] | undefined
}

// src/connect/files/file-sink.ts

type SinkCommon<K, V> = Pick<
  OpeningSinkConfig<K, V>,
  'name' | 'topics' | 'retry' | 'onError' | 'commitInterval' | 'maxBatch' | 'maxRecords' | 'transform'
>

// src/connect/files/file-source-options.ts

interface FileSourceBase<K, V, Input> extends SourceCommon<K, V> {
  readonly path: string
  readonly value?: (input: Input, read: FileInput<Input>) => V | null
  readonly key?: (value: V, read: FileInput<Input>) => K | null
  readonly timestamp?: (value: V, read: FileInput<Input>) => number
  readonly maxRecord?: ByteSize
  readonly missing?: 'fail' | 'wait'
  readonly flushPartial?: Duration
  readonly done?:
    | 'keep'
    | 'delete'
    | {
        readonly move: string
      }
  readonly doneAfter?: Duration
  readonly pollInterval?: Duration
}

type SourceCommon<K, V> = Pick<
  SourceConfig<K, V, never>,
  'name' | 'topic' | 'topicOptions' | 'retry' | 'onError' | 'commitInterval' | 'maxBatch' | 'transform'
>

// src/connect/thread/counters.ts

const CONNECTOR_STATES: readonly ['starting', 'waiting', 'running', 'retrying', 'paused', 'done', 'failed', 'stopped']

// src/credentials/peer-tls.ts

interface PeerTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

// src/credentials/peer-token.ts

type PeerTokenSource =
  | {
      readonly file: string
    }
  | {
      readonly env: string
    }

// src/dsl/branched-kstream.ts

type Branch = readonly [name: string, stream: unknown]

type Ordinal<Declared extends readonly Branch[]> = `${[...Declared, unknown]['length'] & number}`

type StreamOf<Name extends string, R> =
  | Exclude<R, null | undefined | void>
  | ([R] extends [KStream<unknown, unknown>] ? ({} extends Record<Name, unknown> ? undefined : never) : undefined)

type StreamsOf<Declared extends Branch> = {
  [B in Declared as B[1] extends null | undefined | void ? never : B[0]]: StreamOf<B[0], B[1]>
}

type Used = KStream<unknown, unknown> | null | undefined | void

// src/dsl/handles/handles.ts

const TYPES: unique symbol

// src/dsl/options/settled.ts

type MayBePromise<R> = [0] extends [1 & R] ? false : [Extract<R, PromiseLike<unknown>>] extends [never] ? false : true

type Settled<R> = R & ([MayBePromise<R>] extends [true] ? never : unknown)

// src/dsl/options/suppressed.ts

const KEYS: unique symbol

// src/dsl/options/topic.ts

const READS: unique symbol

const TAKES: unique symbol

interface Taken<in K, in V> {
  readonly key: (key: K) => void
  readonly value: (value: V) => void
}

// src/engine/choice/choose-engine.ts

interface ChosenEngine {
  readonly factory: EngineFactory
  readonly note: string | undefined
}

// src/engine/engine.ts

interface EngineEstimate {
  readonly rows?: number
  readonly disk?: number
  readonly memory?: number
}

interface EngineIterator {
  next(): boolean
  readonly key: Buffer
  readonly value: Buffer
  close(): void
}

interface EngineOpenOptions extends EngineOptions {
  readonly acceptDamage?: boolean
  readonly fileMode?: FileMode
}

interface EngineRange {
  readonly gte?: Buffer
  readonly lt?: Buffer
  readonly reverse?: boolean
  readonly limit?: number
}

interface KeyValueEngine {
  readonly name: EngineName
  get(key: Buffer): Buffer | undefined
  getMany?(keys: readonly Buffer[]): readonly (Buffer | undefined)[]
  beginGetMany?(keys: readonly Buffer[]): PendingRows | undefined
  iterate(range: EngineRange): EngineIterator
  prepare?(batch: WriteBatch): void
  write(
    batch: WriteBatch,
    options?: {
      readonly sync?: boolean
    },
  ): MaybePromise<void>
  estimate?(): EngineEstimate | undefined
  close(): MaybePromise<void>
}

interface PendingRows {
  take(): readonly (Buffer | undefined)[] | undefined
  drop(): void
}

// src/engine/memory/memory-engine.ts

interface SynchronousEngineFactory extends EngineFactory {
  open(directory: string): KeyValueEngine
}

// src/engine/row-list.ts

class RowList {
  get length(): number
  add(buffer: Buffer, start: number, keyEnd: number, end: number): number
  replace(row: number, buffer: Buffer, start: number, keyEnd: number, end: number): void
  buffer(row: number): Buffer
  start(row: number): number
  keyEnd(row: number): number
  end(row: number): number
  clear(): void
}

// src/engine/short-view.ts

class ShortView {
  of(buffer: Buffer, start: number, end: number): Buffer
  copyOf(buffer: Buffer, start: number, end: number): Buffer
}

// src/engine/write-batch.ts

class WriteBatch {
  get edition(): number
  get length(): number
  put(key: Buffer, value: Buffer): void
  addRows(rows: RowList): void
  delete(key: Buffer): void
  deleteRange(gte: Buffer, lt: Buffer): void
  kind(index: number): WriteKind
  key(index: number, view?: ShortView): Buffer
  value(index: number, view?: ShortView): Buffer
  range(index: number): {
    readonly gte: Buffer
    readonly lt: Buffer
  }
  copy(): WriteBatch
  clear(): void
}

type WriteKind = 'put' | 'delete' | 'deleteRange'

// src/errors/millrace-error.ts

interface MillraceErrorOptions extends ErrorPlace {
  readonly hint?: string | undefined
  readonly cause?: unknown
}

// src/group/group.ts

type Endpoint = string

type GroupEvent =
  | {
      readonly type: 'revoked'
      readonly active: readonly TaskId[]
      readonly standby: readonly TaskId[]
    }
  | {
      readonly type: 'assigned'
      readonly active: readonly TaskId[]
      readonly standby: readonly TaskId[]
    }
  | {
      readonly type: 'lost'
      readonly reason: string
      readonly sessionTimeout?: number | undefined
    }
  | {
      readonly type: 'waiting'
      readonly error: MillraceError
    }
  | {
      readonly type: 'resumed'
    }
  | {
      readonly type: 'shutdown'
    }
  | {
      readonly type: 'failed'
      readonly error: MillraceError
    }

interface GroupMember {
  readonly isCurrent: boolean
  readonly heardAt?: number | undefined
  join(): MaybePromise<void>
  nextEvent(): GroupEvent | undefined
  onEvent(wake: (() => void) | undefined): void
  acknowledge(): void
  shutdownApplication(): MaybePromise<void>
  leave(): MaybePromise<void>
}

interface InternalTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: readonly (readonly [name: string, value: string])[]
}

interface MemberOptions {
  readonly groupId: string
  readonly processId: string
  readonly subtopologies: readonly SubtopologyDescription[]
  readonly rebalanceTimeout: number
  readonly standbyReplicas: number
  readonly instanceId?: string | undefined
  readonly onUnreachable?: ((reason: string | undefined) => void) | undefined
  readonly endpoint?: Endpoint | undefined
  readonly onRoutes?: ((routes: readonly Route[]) => void) | undefined
  readonly storedTasks?: readonly TaskId[] | undefined
}

interface Route {
  readonly endpoint: Endpoint
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
}

interface SubtopologyDescription {
  readonly id: number
  readonly sourceTopics: readonly string[]
  readonly repartitionSourceTopics: readonly InternalTopic[]
  readonly repartitionSinkTopics: readonly string[]
  readonly changelogTopics: readonly InternalTopic[]
  readonly copartitionGroups: readonly (readonly string[])[]
}

interface TaskId {
  readonly subtopology: number
  readonly partition: number
}

// src/group/group-instances.ts

interface GroupInstance {
  readonly processId: string
  readonly endpoint: Endpoint | undefined
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
}

// src/kafka/cluster/security-options.ts

type Credential = string | (() => string | Promise<string>)

// src/kafka/records/codecs.ts

type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

// src/log/embedded/embedded-log.ts

interface LossLogger {
  warn(fields: object, message: string): void
}

// src/log/local/local-log.ts

class LocalLog implements Log {
  readonly kind: 'memory' | 'embedded'
  describeTopics(names: readonly string[]): ReadonlyMap<string, TopicDescription>
  createTopics(specs: readonly TopicSpec[]): MaybePromise<void>
  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): PartitionMap<number>
  deleteRecords(offsets: PartitionMap<number>): MaybePromise<void>
  listTopics(): readonly string[]
  deleteTopics(names: readonly string[]): MaybePromise<void>
  createPartitions(name: string, count: number): MaybePromise<void>
  describePartitions(name: string): readonly PartitionDescription[]
  topicConfigs(name: string): ReadonlyMap<string, TopicConfig>
  alterTopicConfigs(name: string, changes: Readonly<Record<string, string | null>>): MaybePromise<void>
  listGroups(): readonly GroupListing[]
  describeGroup(groupId: string): GroupDescription | undefined
  groupMembers(groupId: string): readonly string[]
  groupInstances(groupId: string): readonly GroupInstance[]
  committedOffsets(groupId: string, partitions?: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<void>
  deleteGroup(groupId: string): MaybePromise<void>
  commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): MaybePromise<void>
  openReader(): LogReader
  openProducer(): LogProducer
  openClient(options: LogClientOptions): MaybePromise<LogClient>
  close(): MaybePromise<void>
}

// src/log/log.ts

type CommitOutcome = 'committed' | 'aborted' | 'unknown'

interface HoldOptions {
  readonly attach: boolean
}

interface LogClient {
  readonly guarantee: Guarantee
  readonly reader: LogReader
  readonly producer: LogProducer
  readonly group: GroupMember
  committed(partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  commit(offsets: PartitionMap<CommittedOffset>): MaybePromise<CommitOutcome>
  abort(): MaybePromise<void>
  close(): MaybePromise<void>
}

interface LogClientOptions extends MemberOptions, ReaderOptions {
  readonly guarantee: Guarantee
  readonly commitInterval?: number | undefined
  readonly missingTopics?: MissingTopics | undefined
  readonly clientId: string
  readonly transactionalId: string
}

interface LogDescription {
  readonly module: string
  readonly options: unknown
}

interface LogProducer {
  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place?: number): void
  partitionCount(topic: string): number | undefined
  loadPartitionCount(topic: string): MaybePromise<number>
  readonly writable: boolean
  onWritable(wake: (() => void) | undefined): void
  flush(): MaybePromise<void>
  lastOffset(topic: string, partition: number): number | undefined
  close(): MaybePromise<void>
}

interface LogReader {
  assign(topic: string, partition: number, offset: number): void
  unassign(topic: string, partition: number): void
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number
  onReady(wake: (() => void) | undefined): void
  position(topic: string, partition: number): number | undefined
  endOffset(topic: string, partition: number): number | undefined
  quiet(topic: string, partition: number): Quiet | undefined
  close(): MaybePromise<void>
}

interface MissingTopics {
  readonly timeout: number
  readonly tell: (topic: string, isMissing: boolean) => void
}

type OffsetSpec =
  | 'earliest'
  | 'latest'
  | {
      readonly timestamp: number
    }

interface Quiet {
  readonly since: number
  readonly until: number
}

interface ReaderOptions {
  readonly fetchBytes?: number
}

interface RecordCursor {
  next(): boolean
  readonly offset: number
  readonly timestamp: number
  readonly buffer: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
  peekKeys(count: number, see: SeeKey): number
  headers(none: Headers): Headers
  readonly endOffset: number
  readonly bytes: number
  readonly remaining: number
}

type SeeKey = (buffer: Buffer, keyStart: number, keyEnd: number) => void

// src/log/memory/memory-log.ts

interface MemoryLogOptions {
  readonly clock?: Clock
  readonly beforeCommit?: () => Promise<void>
  readonly controlRecords?: boolean
}

// src/log/refusal.ts

interface AppendOrigin {
  refused(refusal: Refusal, place: number): MaybePromise<Replacement | undefined>
  written?(offset: number, place: number): void
}

interface Refusal {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly why: RefusalReason
  readonly signal?: AbortSignal
}

interface RefusalReason {
  readonly text: string
  readonly configs: readonly string[]
  readonly hint?: string
}

interface Replacement {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Headers
  readonly origin?: AppendOrigin
}

// src/metrics/catalogue.ts

const ALL: {
  millrace_build_info: {
    readonly type: 'gauge'
    readonly unit: 'yes or no'
    readonly labels: readonly ['version', 'node_version', 'engine', 'guarantee', 'log', 'topology_hash']
    readonly help: 'Always 1; its labels tell instances apart that run another version or topology.'
    readonly kafkaStreams: 'version, commit-id, application-id'
  }
  millrace_state: {
    readonly type: 'gauge'
    readonly unit: 'yes or no'
    readonly labels: readonly ['state']
    readonly help: '1 for the state that the application is in, 0 for all others.'
    readonly kafkaStreams: 'state, client-state'
  }
  millrace_threads: {
    readonly type: 'gauge'
    readonly unit: 'threads'
    readonly labels: readonly ['state']
    readonly help: 'Stream threads by their state.'
    readonly kafkaStreams: 'alive-stream-threads, thread-state'
  }
  millrace_thread_failures_total: {
    readonly type: 'counter'
    readonly unit: 'threads'
    readonly labels: readonly ['decision']
    readonly help: 'Stream threads that an error has ended, by what onUncaughtError decided.'
    readonly kafkaStreams: 'failed-stream-threads'
  }
  millrace_memory_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['part']
    readonly help: 'Memory that tasks use, by what for; engines count with all that they may use.'
    readonly kafkaStreams: 'cache-size-bytes-total, block-cache-usage'
  }
  millrace_memory_limit_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly []
    readonly help: 'The setting memory: what the parts of millrace_memory_bytes may use together.'
  }
  millrace_metrics_series_dropped: {
    readonly type: 'gauge'
    readonly unit: 'times'
    readonly labels: readonly []
    readonly help: 'Series that were made one with others, because there were too many.'
  }
  millrace_connector_state: {
    readonly type: 'gauge'
    readonly unit: 'yes or no'
    readonly labels: readonly ['connector', 'state']
    readonly help: '1 for the state that a connector of this instance is in, 0 for all others.'
  }
  millrace_connector_records_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['connector', 'kind']
    readonly help: 'Records that a source has committed to its topic, or a sink has written to its target.'
  }
  millrace_connector_bad_records_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['connector']
    readonly help: 'Records that a connector has given up, as onError says.'
  }
  millrace_connector_commits_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['connector']
    readonly help: 'Commits of a connector.'
  }
  millrace_connector_retries_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['connector']
    readonly help: 'Attempts of a connector that failed and were made again: its system or its log fails.'
  }
  millrace_connector_lag_records: {
    readonly type: 'gauge'
    readonly unit: 'records'
    readonly labels: readonly ['connector']
    readonly help: 'Records that a sink has not written yet.'
  }
  process_cpu_seconds_total: {
    readonly type: 'counter'
    readonly unit: 'seconds'
    readonly labels: readonly []
    readonly help: 'Processor time of the process, that of the user and that of the system.'
  }
  process_resident_memory_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly []
    readonly help: 'Memory of the process that is in the memory of the machine.'
  }
  process_start_time_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly []
    readonly help: 'When the process was started, as seconds since the epoch.'
  }
  nodejs_heap_used_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['thread']
    readonly help: 'JavaScript objects of a thread that has a heap, those included that nothing refers to any more.'
  }
  nodejs_heap_total_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['thread']
    readonly help: 'Size of the JavaScript heap of a thread: main, or a stream thread that is a worker.'
  }
  nodejs_heap_limit_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['thread']
    readonly help: 'Size that the JavaScript heap of a thread may have; beyond it the process dies.'
  }
  nodejs_external_memory_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['thread']
    readonly help: 'Buffers and other memory outside of the JavaScript heap of a thread.'
  }
  nodejs_eventloop_active_seconds_total: {
    readonly type: 'counter'
    readonly unit: 'seconds'
    readonly labels: readonly ['thread']
    readonly help: 'Time for which the event loop of a thread did not wait.'
  }
  nodejs_gc_duration_seconds: {
    readonly type: 'histogram'
    readonly unit: 'seconds'
    readonly labels: readonly ['thread', 'kind']
    readonly bounds: readonly [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1]
    readonly help: 'Pauses of a thread in which unused objects were collected; counted only while metrics are read.'
  }
  millrace_records_processed_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['subtopology']
    readonly finer: readonly ['task']
    readonly help: 'Input records processed; those that are processed again after a failed commit count again.'
    readonly kafkaStreams: 'process-total'
  }
  millrace_records_written_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['node', 'topic']
    readonly help: 'Records that a sink has written, aborted ones included; without a topic if each record chooses it.'
    readonly kafkaStreams: 'records-produced-total'
  }
  millrace_node_records_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['node']
    readonly help: 'Records that a node has passed on, or that a sink has written.'
    readonly kafkaStreams: 'forward-total, process-total'
  }
  millrace_edge_records_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['node', 'child']
    readonly help: 'Records that a node has passed on to this child.'
  }
  millrace_node_time_seconds_total: {
    readonly type: 'counter'
    readonly unit: 'seconds'
    readonly labels: readonly ['node']
    readonly help: 'Time in a node, its children left out; from one slice of 64, and only while metrics are read.'
    readonly kafkaStreams: 'process-latency-avg'
  }
  millrace_record_e2e_latency_seconds: {
    readonly type: 'histogram'
    readonly unit: 'seconds'
    readonly labels: readonly ['at']
    readonly bounds: readonly [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600]
    readonly help: 'Age of the last record of each slice by its timestamp: into a source, or out of a sink.'
    readonly kafkaStreams: 'record-e2e-latency-avg, -min, -max (KIP-613)'
  }
  millrace_record_lateness_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly ['subtopology']
    readonly across: 'max'
    readonly help: 'How far behind stream time the latest record of the last half minute was.'
    readonly kafkaStreams: 'record-lateness-max'
  }
  millrace_dead_letters_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['node', 'error']
    readonly help: 'Records put into the dead letter topic, by the node and by what failed.'
  }
  millrace_records_dropped_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['reason', 'node', 'store']
    readonly help: 'Records dropped, by the reason and by the node or store that dropped them.'
    readonly kafkaStreams: 'dropped-records-total (without repartition-null-key)'
  }
  millrace_queries_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['store', 'op', 'outcome']
    readonly help: 'Queries of partitions that this instance has asked, by ok, aborted, or the code of the error.'
    readonly kafkaStreams: 'none (interactive queries have no metrics)'
  }
  millrace_query_duration_seconds: {
    readonly type: 'histogram'
    readonly unit: 'seconds'
    readonly labels: readonly ['op']
    readonly bounds: number[]
    readonly help: 'Time until the first rows of a query were there, waiting for tasks that move included.'
  }
  millrace_open_scans: {
    readonly type: 'gauge'
    readonly unit: 'times'
    readonly labels: readonly []
    readonly help: 'Scans of stores that are open: each keeps a snapshot of the engine.'
    readonly kafkaStreams: 'num-open-iterators'
  }
  millrace_oldest_scan_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly []
    readonly across: 'max'
    readonly help: 'Time since the oldest scan that is open was opened; 0 if there is none.'
    readonly kafkaStreams: 'oldest-iterator-open-since-ms'
  }
  millrace_http_requests_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['route', 'method', 'status']
    readonly help: 'Requests to servers of the application, by the path as the OpenAPI document has it, and by class of status.'
  }
  millrace_http_request_duration_seconds: {
    readonly type: 'histogram'
    readonly unit: 'seconds'
    readonly labels: readonly ['route']
    readonly bounds: number[]
    readonly help: 'Time until the head of the response was there; rows and events may follow for long.'
  }
  millrace_kafka_requests_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['api', 'outcome']
    readonly help: 'Requests to Kafka brokers, by ok or failed: no connection, no response, or one that cannot be read.'
    readonly kafkaStreams: 'request-total'
  }
  millrace_kafka_request_duration_seconds: {
    readonly type: 'histogram'
    readonly unit: 'seconds'
    readonly labels: readonly ['api']
    readonly bounds: number[]
    readonly help: 'Time until a Kafka broker has responded; fetches wait there for records.'
    readonly kafkaStreams: 'request-latency-avg, fetch-latency-avg'
  }
  millrace_kafka_bytes_total: {
    readonly type: 'counter'
    readonly unit: 'bytes'
    readonly labels: readonly ['direction']
    readonly help: 'Bytes that came from Kafka brokers and went to them.'
    readonly kafkaStreams: 'incoming-byte-total, outgoing-byte-total'
  }
  millrace_kafka_last_heartbeat_age_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly ['thread']
    readonly across: 'max'
    readonly help: 'Time since the group coordinator has last acknowledged a heartbeat.'
    readonly kafkaStreams: 'last-heartbeat-seconds-ago'
  }
  millrace_tasks: {
    readonly type: 'gauge'
    readonly unit: 'tasks'
    readonly labels: readonly ['role']
    readonly help: 'Tasks of this instance: active, standby, restoring, or waiting for another thread to release them.'
    readonly kafkaStreams: 'task-created-rate, task-closed-rate'
  }
  millrace_task_input_lag_records: {
    readonly type: 'gauge'
    readonly unit: 'records'
    readonly labels: readonly ['topic']
    readonly finer: readonly ['task']
    readonly help: 'Records of input topics that are in the log and were not processed yet.'
    readonly kafkaStreams: 'records-lag'
  }
  millrace_task_partitions_lagging: {
    readonly type: 'gauge'
    readonly unit: 'tasks'
    readonly labels: readonly []
    readonly help: 'Input partitions with lag: more instances than these have nothing to do.'
  }
  millrace_task_stream_time_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly ['subtopology']
    readonly finer: readonly ['task']
    readonly across: 'min'
    readonly help: 'Stream time as seconds since the epoch: the event time that the task furthest behind has reached.'
  }
  millrace_commits_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['outcome']
    readonly help: 'Commits by outcome: committed, or failed, after which the tasks go back to the last commit.'
    readonly kafkaStreams: 'commit-total'
  }
  millrace_commit_duration_seconds: {
    readonly type: 'histogram'
    readonly unit: 'seconds'
    readonly labels: readonly []
    readonly bounds: readonly [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]
    readonly help: 'Time from the beginning of a commit until the log has acknowledged it; tasks go on meanwhile.'
    readonly kafkaStreams: 'commit-latency-avg, -max'
  }
  millrace_rebalances_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['cause']
    readonly help: 'What the group has said: tasks assigned, tasks revoked, membership lost.'
    readonly kafkaStreams: 'rebalance-total, failed-rebalance-total'
  }
  millrace_rebalance_duration_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly []
    readonly across: 'max'
    readonly help: 'Time of the last rebalance, from the first task that came or went until all were running again.'
    readonly kafkaStreams: 'rebalance-latency-max'
  }
  millrace_thread_time_seconds_total: {
    readonly type: 'counter'
    readonly unit: 'seconds'
    readonly labels: readonly ['thread', 'activity']
    readonly help: 'Time of a stream thread by what it did; io: it let the event loop run fetches and queries.'
    readonly kafkaStreams: 'process-ratio, punctuate-ratio, commit-ratio, poll-ratio'
  }
  millrace_event_loop_hold_seconds: {
    readonly type: 'gauge'
    readonly unit: 'seconds'
    readonly labels: readonly ['thread']
    readonly help: 'The longest time of late for which one callback kept everything else from running; 0 below 10 ms.'
    readonly kafkaStreams: 'process-latency-max'
  }
  millrace_store_reads_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['store']
    readonly help: 'Look-ups of a key of a store by operators.'
    readonly kafkaStreams: 'get-rate, fetch-rate'
  }
  millrace_store_engine_reads_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['store']
    readonly help: 'Keys of a store that an engine was asked for, when needed or ahead: memory did not have them.'
    readonly kafkaStreams: 'hit-ratio-avg (of record caches)'
  }
  millrace_store_puts_total: {
    readonly type: 'counter'
    readonly unit: 'times'
    readonly labels: readonly ['store']
    readonly help: 'Puts and deletes of a store by operators.'
    readonly kafkaStreams: 'put-rate, put-if-absent-rate, delete-rate'
  }
  millrace_store_writes_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['store']
    readonly help: 'Rows of a store that have changed, each once a commit.'
  }
  millrace_engine_rows: {
    readonly type: 'gauge'
    readonly unit: 'entries'
    readonly labels: readonly ['subtopology']
    readonly finer: readonly ['task']
    readonly help: 'Rows in the engines of tasks, of all their stores together, as RocksDB estimates them.'
    readonly kafkaStreams: 'estimate-num-keys'
  }
  millrace_engine_disk_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['subtopology']
    readonly finer: readonly ['task']
    readonly help: 'Size of the table files of engines, of all stores of a task together.'
    readonly kafkaStreams: 'total-sst-files-size'
  }
  millrace_engine_memory_bytes: {
    readonly type: 'gauge'
    readonly unit: 'bytes'
    readonly labels: readonly ['subtopology']
    readonly finer: readonly ['task']
    readonly help: 'Memory that engines take now: writes that are in no file yet, cached blocks, indexes of files.'
    readonly kafkaStreams: 'size-all-mem-tables, block-cache-usage, estimate-table-readers-mem'
  }
  millrace_buffered_entries: {
    readonly type: 'gauge'
    readonly unit: 'entries'
    readonly labels: readonly ['store']
    readonly finer: readonly ['task']
    readonly help: 'Entries that suppress, or a join with grace, holds back.'
    readonly kafkaStreams: 'suppression-buffer-count-current'
  }
  millrace_restore_remaining_offsets: {
    readonly type: 'gauge'
    readonly unit: 'offsets'
    readonly labels: readonly ['store']
    readonly finer: readonly ['task']
    readonly help: 'Offsets that are still to be replayed into stores that are restored; it reaches 0.'
    readonly kafkaStreams: 'restore-remaining-records-total'
  }
  millrace_restored_records_total: {
    readonly type: 'counter'
    readonly unit: 'records'
    readonly labels: readonly ['store']
    readonly help: 'Records replayed into stores that were restored, or that are kept as standbys.'
    readonly kafkaStreams: 'restore-total, update-total'
  }
  millrace_standby_lag_offsets: {
    readonly type: 'gauge'
    readonly unit: 'offsets'
    readonly labels: readonly ['store']
    readonly finer: readonly ['task']
    readonly help: 'Offsets of changelogs that standbys do not hold yet.'
    readonly kafkaStreams: 'KafkaStreams.allLocalStorePartitionLags()'
  }
}

// src/metrics/catalogue/metric.ts

type Unit = 'seconds' | 'bytes' | 'records' | 'offsets' | 'entries' | 'tasks' | 'threads' | 'times' | 'yes or no'

// src/metrics/snapshot.ts

interface MetricHead {
  readonly name: MetricName
  readonly unit: Unit
  readonly help: string
}

// src/options/duration.ts

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'

// src/platform/clock.ts

interface Clock {
  now(): number
  monotonic(): number
  schedule(delayMs: number, callback: () => void): TimerHandle
}

interface TimerHandle {
  cancel(): void
}

// src/platform/file-mode.ts

type FileMode = 'owner' | 'group'

// src/platform/maybe-promise.ts

type MaybePromise<T> = T | Promise<T>

// src/platform/scheduler.ts

interface Scheduler {
  yield(): Promise<void>
  random(): number
}

// src/query/row-request.ts

type Position = Readonly<Record<string, Readonly<Record<number, number>>>>

// src/query/views.ts

interface ScanOptions {
  readonly reverse?: boolean
  readonly limit?: number
}

interface WatchTimesView<K, V> {
  watch(options?: WatchTimesOptions<K>): AsyncIterableIterator<WatchedWindow<K, V>>
}

interface WatchView<K, V> {
  watch(options?: WatchOptions<K>): AsyncIterableIterator<WatchedRow<K, V>>
}

// src/record/record-slice.ts

class RecordSlice {
  timestamp: number
  buffer: Buffer
  keyStart: number
  keyEnd: number
  valueStart: number
  valueEnd: number
  headers: Headers | undefined
  static of(
    timestamp: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Headers | undefined,
  ): RecordSlice
  copy(): RecordSlice
  setKey(start: number, end: number): void
  setValue(start: number, end: number): void
  get keyLength(): number
  get valueLength(): number
}

// src/runtime/calls/task-calls.ts

interface StepStatus {
  readonly node: string
  readonly store: string
  readonly inFlight: number
  readonly waiting: number
  readonly attempts: number
  readonly failures: number
  readonly oldest: number
}

// src/runtime/node/drop-counter.ts

class DropCounter {
  get total(): number
  get byReason(): ReadonlyMap<DropReason, number>
}

// src/runtime/streams-status.ts

const STREAMS_STATES: readonly [
  'created',
  'rebalancing',
  'running',
  'pending-shutdown',
  'not-running',
  'pending-error',
  'error',
]

// src/runtime/thread/task-manager.ts

interface StandbyLag {
  readonly id: string
  readonly lag: number | undefined
}

// src/runtime/thread/thread-handle.ts

interface ThreadStatus {
  readonly processed: number
  readonly written: number
  readonly lag: number
  readonly commits: number
  readonly redone: number
  readonly memory: MemoryUse
  readonly dropped: readonly (readonly [reason: DropReason, count: number])[]
  readonly tasks: readonly ThreadTaskStatus[]
  readonly standbys: readonly StandbyLag[]
}

interface ThreadTaskStatus {
  readonly id: string
  readonly streamTime: number
  readonly processed: number
  readonly calls: readonly StepStatus[]
}

// src/serde/json-integers.ts

const INTEGERS: readonly ['refuse', 'bigint', 'string', 'round']

// src/server/server-options.ts

interface ServerTls {
  readonly cert: string
  readonly key: string
  readonly peerCa?: string
}

// src/topology/build-settings.ts

interface BuildSettings {
  readonly optimizations: ReadonlySet<Optimization>
  readonly compatible: boolean
  readonly strictNaming: boolean
  readonly defaultKeySerde: Serde<unknown> | undefined
  readonly defaultValueSerde: Serde<unknown> | undefined
  readonly windowStoreChangelogAdditionalRetention: number
  readonly topicConfigs: Readonly<Record<string, string>>
}

// src/topology/operator-spec.ts

type Aggregator = (aggregate: unknown, value: unknown, key: unknown) => unknown

type AsyncFunction = (value: unknown, key: unknown, context: CallContext) => unknown

interface CallPolicy {
  readonly concurrency: number
  readonly timeout: number
  readonly attempts: number
  readonly backoff: number
  readonly maxBackoff: number
  readonly retryOn: ((error: unknown) => boolean) | undefined
  readonly sameKey: 'serial' | 'concurrent'
  readonly emit: 'in-order' | 'as-completed'
  readonly drainTimeout: number
}

type Folding =
  | {
      readonly kind: 'count'
    }
  | {
      readonly kind: 'reduce'
      readonly reducer: Reducer
    }
  | {
      readonly kind: 'aggregate'
      readonly initializer: Initializer
      readonly aggregator: Aggregator
    }

type Initializer = () => unknown

type JoinKind = 'inner' | 'left' | 'outer'

type Joiner = (left: unknown, right: unknown, key: unknown) => unknown

type Merger = (aggregate: unknown, other: unknown, key: unknown) => unknown

type OperatorSpec =
  | {
      readonly op: 'filter'
      readonly predicate: Predicate
      readonly not: boolean
    }
  | {
      readonly op: 'map'
      readonly mapper: PairMapper
    }
  | {
      readonly op: 'mapValues'
      readonly mapper: ValueMapper
    }
  | {
      readonly op: 'flatMap'
      readonly mapper: (value: unknown, key: unknown) => Iterable<readonly [unknown, unknown]>
    }
  | {
      readonly op: 'flatMapValues'
      readonly mapper: (value: unknown, key: unknown) => Iterable<unknown>
    }
  | {
      readonly op: 'selectKey'
      readonly mapper: ValueMapper
    }
  | {
      readonly op: 'peek'
      readonly action: (value: unknown, key: unknown) => void
    }
  | {
      readonly op: 'forEach'
      readonly action: (value: unknown, key: unknown) => void
    }
  | {
      readonly op: 'print'
      readonly label: string
      readonly write: (line: string) => void
      readonly mapper?: ValueMapper
    }
  | {
      readonly op: 'async'
      readonly form: 'map' | 'mapValues' | 'flatMapValues' | 'forEach'
      readonly call: AsyncFunction
      readonly store: string
      readonly align: boolean
      readonly policy: CallPolicy
    }
  | {
      readonly op: 'passThrough'
    }
  | {
      readonly op: 'branch'
      readonly predicates: readonly Predicate[]
      readonly children: readonly string[]
      readonly defaultChild: string | null
    }
  | {
      readonly op: 'repartitionFilter'
      readonly dropNullKeys: boolean
    }
  | {
      readonly op: 'process'
      readonly supplier: ProcessorSupplier<unknown, unknown, unknown, unknown>
      readonly stores: readonly string[]
    }
  | {
      readonly op: 'processValues'
      readonly supplier: FixedKeyProcessorSupplier<unknown, unknown, unknown>
      readonly stores: readonly string[]
    }
  | {
      readonly op: 'aggregate'
      readonly store: string
      readonly folding: Folding
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'windowAggregate'
      readonly store: string
      readonly windows: TumblingWindows | HoppingWindows | UnlimitedWindows
      readonly folding: Folding
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'periodAggregate'
      readonly store: string
      readonly windows: PeriodWindows
      readonly folding: Folding
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'slidingAggregate'
      readonly store: string
      readonly windows: SlidingWindows
      readonly folding: Folding
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'sessionAggregate'
      readonly store: string
      readonly windows: SessionWindows
      readonly folding: Folding
      readonly merger: Merger
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableSource'
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'globalTableSource'
      readonly store: string
    }
  | {
      readonly op: 'globalProcess'
      readonly store: string
      readonly supplier: ProcessorSupplier<unknown, unknown, never, never>
    }
  | {
      readonly op: 'tableFilter'
      readonly predicate: Predicate
      readonly not: boolean
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
      readonly parentSendsOldValues: boolean
    }
  | {
      readonly op: 'tableMapValues'
      readonly mapper: ValueMapper
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableTransformValues'
      readonly supplier: ValueTransformerSupplier<unknown, unknown, unknown>
      readonly stores: readonly string[]
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableToStream'
    }
  | {
      readonly op: 'tableGroupBy'
      readonly mapper: PairMapper
    }
  | {
      readonly op: 'tableAggregate'
      readonly store: string
      readonly initializer: Initializer
      readonly adder: Aggregator
      readonly subtractor: Aggregator
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableReduce'
      readonly store: string
      readonly adder: Reducer
      readonly subtractor: Reducer
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableJoin'
      readonly join: JoinKind
      readonly side: 'left' | 'right'
      readonly other: TableView
      readonly joiner: Joiner
      readonly otherVersioned: boolean
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableJoinMerge'
      readonly store: string | null
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'suppress'
      readonly store: string
      readonly mode: 'windowClose' | 'timeLimit'
      readonly wait: number
      readonly windowSize: number
      readonly inclusiveEnd: boolean
      readonly maxRecords: number
      readonly maxBytes: number
      readonly whenFull: 'emitEarly' | 'shutDown'
    }
  | {
      readonly op: 'joinWindow'
      readonly store: string
    }
  | {
      readonly op: 'streamJoin'
      readonly join: JoinKind
      readonly side: 'left' | 'right'
      readonly otherStore: string
      readonly outerStore: string | null
      readonly windows: JoinWindows
      readonly joiner: Joiner
      readonly timeKey: string
    }
  | {
      readonly op: 'streamSelfJoin'
      readonly store: string
      readonly windows: JoinWindows
      readonly joiner: Joiner
    }
  | {
      readonly op: 'streamTableJoin'
      readonly join: 'inner' | 'left'
      readonly table: TableView
      readonly tableVersioned: boolean
      readonly joiner: Joiner
      readonly buffer: string | null
      readonly grace: number
    }
  | {
      readonly op: 'streamGlobalTableJoin'
      readonly join: 'inner' | 'left'
      readonly table: TableView
      readonly keyMapper: ValueMapper
      readonly joiner: Joiner
    }
  | {
      readonly op: 'foreignKeySubscribe'
      readonly join: 'inner' | 'left'
      readonly extractor: ValueMapper
      readonly foreignKeySerde: Serde<unknown>
      readonly valueSerde: Serde<unknown>
      readonly leftVersioned: boolean
    }
  | {
      readonly op: 'foreignKeyReceive'
      readonly store: string
      readonly foreignKeySerde: Serde<unknown>
      readonly primaryKeySerde: Serde<unknown>
    }
  | {
      readonly op: 'foreignKeyAnswer'
      readonly right: TableView
      readonly rightVersioned: boolean
    }
  | {
      readonly op: 'foreignKeyNotify'
      readonly store: string
      readonly foreignKeySerde: Serde<unknown>
      readonly primaryKeySerde: Serde<unknown>
      readonly rightVersioned: boolean
    }
  | {
      readonly op: 'foreignKeyResolve'
      readonly join: 'inner' | 'left'
      readonly left: TableView
      readonly joiner: Joiner
      readonly valueSerde: Serde<unknown>
      readonly leftVersioned: boolean
    }

type PairMapper = (value: unknown, key: unknown) => readonly [key: unknown, value: unknown]

type Predicate = (value: unknown, key: unknown) => boolean

type Reducer = (aggregate: unknown, value: unknown) => unknown

type TableView =
  | {
      readonly kind: 'store'
      readonly store: string
      readonly storeKind: 'keyValue' | 'versioned' | 'window' | 'period' | 'session'
    }
  | {
      readonly kind: 'filter'
      readonly of: TableView
      readonly predicate: Predicate
      readonly not: boolean
    }
  | {
      readonly kind: 'mapValues'
      readonly of: TableView
      readonly mapper: ValueMapper
    }
  | {
      readonly kind: 'transformValues'
      readonly of: TableView
      readonly supplier: ValueTransformerSupplier<unknown, unknown, unknown>
      readonly stores: readonly string[]
    }
  | {
      readonly kind: 'join'
      readonly join: JoinKind
      readonly left: TableView
      readonly right: TableView
      readonly joiner: Joiner
    }
  | {
      readonly kind: 'suppress'
      readonly buffer: string
      readonly of: TableView
    }

type ValueMapper = (value: unknown, key: unknown) => unknown

// src/topology/processor-api.ts

type NoPromise =
  | void
  | undefined
  | null
  | boolean
  | number
  | string
  | bigint
  | symbol
  | (object & {
      readonly then?: never
    })

// src/topology/store-ref.ts

interface AnyStoreRef {
  readonly kind: StoreKind
  readonly name: string
  readonly key: object
  readonly value: object
}

interface RefSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

// src/topology/store-spec.ts

interface CallStoreSpec extends StoreSpecBase {
  readonly kind: 'calls'
}

interface JoinBufferSpec extends StoreSpecBase {
  readonly kind: 'joinBuffer'
  readonly grace: number
}

interface KeyValueStoreSpec extends StoreSpecBase {
  readonly kind: 'keyValue'
  readonly timestamped: boolean
}

interface OuterJoinStoreSpec extends StoreSpecBase {
  readonly kind: 'outerJoin'
  readonly rightValueSerde: Serde<unknown>
}

interface PeriodStoreSpec extends StoreSpecBase {
  readonly kind: 'period'
  readonly retention: number
  readonly maxSize: number
  readonly timeOrdered: boolean
}

interface SessionStoreSpec extends StoreSpecBase {
  readonly kind: 'session'
  readonly retention: number
  readonly timeOrdered: boolean
}

interface StoreSpecBase {
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly version?: number
  readonly readsUpTo?: number
  readonly persistent: boolean
  readonly logging: false | Readonly<Record<string, string>>
  readonly caching: boolean
}

interface SuppressBufferSpec extends StoreSpecBase {
  readonly kind: 'suppress'
}

interface VersionedStoreSpec extends StoreSpecBase {
  readonly kind: 'versioned'
  readonly historyRetention: number
}

interface WindowStoreSpec extends StoreSpecBase {
  readonly kind: 'window'
  readonly timestamped: boolean
  readonly retention: number
  readonly windowSize: number
  readonly inclusiveRetention: boolean
  readonly retainDuplicates: boolean
  readonly timeOrdered: boolean
}

// src/topology/topology.ts

interface ProcessorNode {
  readonly kind: 'processor'
  readonly name: string
  readonly operator: OperatorSpec
  readonly stores: readonly string[]
  readonly parents: readonly string[]
  readonly children: readonly string[]
}

interface RepartitionTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: readonly (readonly [string, string])[]
}

interface SinkNode {
  readonly kind: 'sink'
  readonly name: string
  readonly topic: string | TopicExtractor
  readonly internal: boolean
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
  readonly parents: readonly string[]
  readonly copiesValue: boolean
  readonly repartition: RepartitionTopic | undefined
}

interface SourceNode {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly string[]
  readonly internal: boolean
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly timestampExtractor: TimestampExtractor | undefined
  readonly offsetReset: OffsetReset | undefined
  readonly readsValue: boolean
  readonly children: readonly string[]
}

interface Subtopology {
  readonly id: number
  readonly global: boolean
  readonly nodes: readonly TopologyNode[]
  readonly stores: readonly string[]
  readonly copartitionGroups: readonly (readonly string[])[]
}

type TopicExtractor = (value: unknown, key: unknown, record: RecordOrigin) => string

type TopologyNode = SourceNode | ProcessorNode | SinkNode

interface TopologyStore {
  readonly spec: StoreSpec
  readonly global: boolean
  readonly changelog:
    | {
        readonly kind: 'own'
      }
    | {
        readonly kind: 'source'
        readonly topic: string
      }
    | null
  readonly changelogConfigs: readonly (readonly [string, string])[]
}

// src/windowing/window-definition.ts

type FixedWindows = TumblingWindows | HoppingWindows
