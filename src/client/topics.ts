export { readTopic } from './topic-reader.ts'
export type { ReadTopicOptions, TopicRecord } from './topic-reader.ts'
export { TopicWriter } from './topic-writer.ts'
export type { WriteOptions } from './topic-writer.ts'
