import '../platform/require-node.ts'
export { connectors } from './companion.ts'
export type { ConnectorsOptions } from './companion.ts'
export { defineConnectors } from './define-connectors.ts'
export type { Connectors, ConnectorsConfig } from './define-connectors.ts'
export { runConnectors } from './running-connectors.ts'
export type { RunConnectorsOptions, RunningConnectors } from './running-connectors.ts'
export { defineSource } from './definition/source.ts'
export type {
  BadInput,
  CommittedPosition,
  ConnectorTopicOptions,
  ReadContext,
  SourceBatch,
  SourceConfig,
  SourceRecord,
} from './definition/source.ts'
export { defineSink } from './definition/sink.ts'
export type {
  NextOffset,
  OpeningSinkConfig,
  OpenSink,
  PlainSinkConfig,
  SinkAssignment,
  SinkBatch,
  SinkConfig,
  SinkRecord,
} from './definition/sink.ts'
export type {
  Connector,
  ConnectorConfig,
  ConnectorGuarantee,
  ConnectorRetry,
  OnBadRecord,
} from './definition/connector.ts'
export type { ConnectorState, ConnectorStatus } from './thread/counters.ts'
export { fileSource } from './files/file-source.ts'
export type {
  BytesFileSource,
  CsvFileSource,
  FileInput,
  FileSourceConfig,
  JsonFileSource,
  TextFileSource,
} from './files/file-source-options.ts'
export { fileSink } from './files/file-sink.ts'
export type { FileSinkConfig } from './files/file-sink.ts'
