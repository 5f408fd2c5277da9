import '../platform/require-node.ts'
export { metering } from './metering.ts'
export { tracing } from './tracing.ts'
export type { RecordSpan, TracedRecord, TraceParent, Tracing } from '../application/tracing.ts'
