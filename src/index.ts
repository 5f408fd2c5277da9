import './platform/require-node.ts'
export { defineApp } from './dsl/app.ts'
export { topic } from './dsl/options/topic.ts'
export type { ReadableTopic, Topic, TopicOptions, WritableTopic } from './dsl/options/topic.ts'
export { StreamsBuilder } from './dsl/streams-builder.ts'
export { KStream } from './dsl/kstream.ts'
export { KTable } from './dsl/ktable.ts'
export { GlobalKTable } from './dsl/global-ktable.ts'
export { BranchedKStream } from './dsl/branched-kstream.ts'
export { KGroupedStream } from './dsl/kgrouped-stream.ts'
export { KGroupedTable } from './dsl/kgrouped-table.ts'
export { TimeWindowedKStream } from './dsl/time-windowed-kstream.ts'
export { SessionWindowedKStream } from './dsl/session-windowed-kstream.ts'
export {
  CogroupedKStream,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from './dsl/cogrouped-kstream.ts'
export { untilTimeLimit, untilWindowCloses } from './dsl/options/suppressed.ts'
export type { Suppressed } from './dsl/options/suppressed.ts'
export type {
  GroupOptions,
  KeyValueStoreOptions,
  Materialize,
  Named,
  SerdeOptions,
  StoreOptions,
  WindowStoreOptions,
  PrintOptions,
  TransformOptions,
  ForeignKeyJoinOptions,
  StreamJoinOptions,
  TableJoinOptions,
  ProcessOptions,
  RepartitionStreamOptions,
  SuppressOptions,
  AsyncOptions,
  MapAsyncOptions,
  MapValuesAsyncOptions,
  RetryOptions,
  SinkOptions,
  StrictBuffer,
  TimeLimitBuffer,
} from './dsl/options/operator-options.ts'

export { describe } from './topology/describe/describe-text.ts'
export { describeJson } from './topology/describe/describe-json.ts'
export type { NodeJson, StoreJson, TopologyJson } from './topology/describe/describe-json.ts'
export { planUpgrade } from './upgrade/plan-upgrade.ts'
export type { UpgradeChange, UpgradePlan, UpgradeSubject } from './upgrade/plan.ts'
export { describeMermaid } from './topology/describe/describe-mermaid.ts'
export type { Optimization } from './topology/build-settings.ts'
export type {
  Application,
  ErrorDecision,
  ErrorHandler,
  FailedRecord,
  RefusedOutput,
  Logger,
  Settings,
  UncaughtErrorDecision,
  UncaughtErrorHandler,
} from './application/application.ts'
export type {
  Cancellable,
  FixedKeyProcessor,
  FixedKeyProcessorContext,
  FixedKeyProcessorSupplier,
  ForwardRecord,
  ForwardValue,
  ProcessingContext,
  Processor,
  ProcessorContext,
  ProcessorRecord,
  ProcessorSupplier,
  PunctuationType,
  RecordMetadata,
  ScheduleOptions,
  ValueTransformer,
  ValueTransformerSupplier,
} from './topology/processor-api.ts'
export type {
  ExtractorRecord,
  OffsetReset,
  RecordOrigin,
  StreamPartitioner,
  TimestampExtractor,
  Topology,
} from './topology/topology.ts'
export type { CallContext, ServiceCall } from './topology/call-context.ts'
export type { StoreShape } from './topology/store-shape.ts'
export type { StoreSpec } from './topology/store-spec.ts'
export {
  keyValueStore,
  sessionStore,
  timestampedKeyValueStore,
  versionedKeyValueStore,
  windowStore,
} from './dsl/stores/store-builders.ts'
export type {
  SessionStoreBuilderOptions,
  StoreBuilderOptions,
  VersionedStoreBuilderOptions,
  WindowStoreBuilderOptions,
} from './dsl/stores/store-builders.ts'
export type {
  KeyValueStore,
  KeyValueStoreEntry,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyTimestampedKeyValueStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
  SessionStore,
  SessionStoreEntry,
  StoreIterator,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
  VersionedKeyValueStore,
  VersionedRecord,
  WindowStore,
  WindowStoreEntry,
} from './state/views/stores.ts'

export * from './serde/serdes.ts'
export {
  Windowed,
  calendar,
  hopping,
  joinWindow,
  parseDuration,
  session,
  sliding,
  tumbling,
  unlimited,
  windowsOf,
} from './windowing/windows.ts'
export type {
  CalendarOptions,
  CalendarUnit,
  Duration,
  HoppingWindows,
  JoinWindowBounds,
  JoinWindows,
  PeriodWindows,
  SessionWindows,
  SlidingWindows,
  TimeWindows,
  TumblingWindows,
  UnlimitedWindows,
  Weekday,
  WindowBounds,
} from './windowing/windows.ts'
export { Headers } from './record/headers.ts'
export type { Header } from './record/headers.ts'
export type { ByteSize } from './options/byte-size.ts'
export type { MemoryUse } from './runtime/memory/memory-budget.ts'
export { MillraceError } from './errors/millrace-error.ts'
export type { ErrorPlace } from './errors/millrace-error.ts'
export type { Guarantee } from './log/log.ts'
export { silentLogger } from './application/application.ts'
export { stderrLogger } from './application/stderr-logger.ts'
export type { LeveledLogger, StderrLoggerOptions } from './application/stderr-logger.ts'
export type { LogFormat, LogLevel } from './application/log-line.ts'

export { Streams } from './runtime/streams.ts'
export type { Companion, CompanionHost } from './runtime/companion.ts'
export type { Health, HealthCheck, ProbeResult } from './health/health.ts'
export type { Instance } from './runtime/instance.ts'
export { METRICS } from './metrics/catalogue.ts'
export type { MetricName } from './metrics/catalogue.ts'
export type { MetricSpec } from './metrics/catalogue/metric.ts'
export type { HistogramMetric, HistogramSeries, Metric, MetricsSnapshot, NumberMetric } from './metrics/snapshot.ts'
export type { MetricsDetail, MetricsOptions } from './metrics/metrics-options.ts'
export type { StandbyStatus, StreamsState, StreamsStatus, TaskStatus } from './runtime/streams-status.ts'
export type { RestoreListener, RestoreProgress } from './runtime/restore/restorer.ts'
export type { DropReason } from './record/drop-reason.ts'
export { PartitionMap } from './log/partition-map.ts'
export type { CommittedOffset, TopicPartition } from './log/partition-map.ts'
export type { Log, TopicDescription, TopicSpec } from './log/log.ts'
export type {
  GroupDescription,
  GroupListing,
  GroupMemberDescription,
  GroupType,
  LogAdmin,
  PartitionDescription,
  TopicConfig,
} from './log/admin.ts'
export { memoryLog } from './log/memory/memory-log.ts'
export { embeddedLog } from './log/embedded/embedded-log.ts'
export type { EmbeddedLogOptions } from './log/embedded/embedded-log.ts'
export { chooseEngine } from './engine/choice/choose-engine.ts'
export { memoryEngine } from './engine/memory/memory-engine.ts'
export type { EngineFactory, EngineName, EngineOptions } from './engine/engine.ts'
export { groupOffsets } from './admin/group-offsets.ts'
export type { GroupOffset } from './admin/group-offsets.ts'
export { resetApplication } from './admin/reset-application.ts'
export type { ApplicationReset, ResetApplicationOptions } from './admin/reset-application.ts'
export { resetGroupOffsets } from './admin/reset-group-offsets.ts'
export type { OffsetChange, ResetGroupOffsetsOptions, ResetTarget } from './admin/reset-group-offsets.ts'
export { readTopic, TopicWriter } from './client/topics.ts'
export type { ReadTopicOptions, TopicRecord, WriteOptions } from './client/topics.ts'
export { readDeadLetters } from './dead-letters/read-dead-letters.ts'
export type { ReadDeadLettersOptions } from './dead-letters/read-dead-letters.ts'
export { replayDeadLetters } from './dead-letters/replay-dead-letters.ts'
export type { ReplayDeadLettersOptions } from './dead-letters/replay-dead-letters.ts'
export type { DeadLetter, DeadLetterOrigin, DeadLetterPart, NoDeadLetter } from './dead-letters/letter.ts'
export type { DeadLetterPatch } from './dead-letters/patch.ts'
export type { DeadLetterReplay } from './dead-letters/replayed-record.ts'
export type { StreamsOptions } from './runtime/streams-options.ts'
export type { AppConfig } from './dsl/app-options.ts'
export type { RunSettings } from './cli/settings/module-options.ts'
export type { Branches, BranchOptions } from './dsl/branched-kstream.ts'
export { sessionStoreRef, storeRef, versionedStoreRef, windowStoreRef } from './topology/store-ref.ts'
export type { StoreKind, StoreRef } from './topology/store-ref.ts'
export type {
  Answer,
  KeyRange,
  KeyValueView,
  PrefixOptions,
  QueryOptions,
  Row,
  SessionView,
  TimeBounds,
  TimeRange,
  VersionedView,
  VersionRow,
  ViewsByKind,
  WatchedRow,
  WatchedWindow,
  WatchOptions,
  WatchTimesOptions,
  WindowRow,
  WindowView,
} from './query/views.ts'
export type { Consistency } from './state/reads.ts'
