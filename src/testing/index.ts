import '../platform/require-node.ts'
export { TopologyTestDriver } from './topology-test-driver.ts'
export type { OutputRecord, TestInputTopic, TestOutputTopic } from './driver-topics.ts'
export type { DriverOptions, InputOptions, PipeOptions, OpenDriverOptions } from './driver-options.ts'
