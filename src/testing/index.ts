import '../platform/require-node.ts'
export { TopologyTestDriver, type OpenDriverOptions } from './topology-test-driver.ts'
export type { DriverOptions } from './driver-parts.ts'
export type { InputOptions, OutputRecord, PipeOptions, TestInputTopic, TestOutputTopic } from './driver-topics.ts'
