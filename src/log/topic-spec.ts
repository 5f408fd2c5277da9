import { readOptions, text, topicConfigs, wholeNumber, type TableOf } from '../options/options.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { TopicSpec } from './log.ts'

const code = 'MR_TOPIC_INVALID'

const TOPIC_SPEC = {
  name: text({ required: true, description: 'name of the topic', code, alsoCalled: ['topic'] }),
  partitions: wholeNumber({
    required: true,
    least: -1,
    description: "number of partitions; -1 is the broker's default",
    code,
    alsoCalled: ['numPartitions'],
  }),
  replicationFactor: wholeNumber({
    least: -1,
    most: 2 ** 15 - 1,
    description: "copies of each partition; -1 is the broker's default",
    code,
  }),
  configs: topicConfigs({ description: "configs by the broker's names", code, alsoCalled: ['configEntries'] }),
} satisfies TableOf<TopicSpec>

/** Checks the specs of topics, for any log. @throws MR_CONFIG for unknown options, MR_TOPIC_INVALID */
export function checkTopicSpecs(topics: readonly TopicSpec[]): void {
  for (const topic of topics) readOptions(TOPIC_SPEC, topic, 'createTopics()')
}

/** Returns the error of a topic that has as many partitions as it is to get, or more. */
export function notMore(topic: string, has: number, count: number): MillraceError {
  const hint = 'A topic never loses partitions. Give a larger number, or create another topic.'
  return new MillraceError('MR_TOPIC_INVALID', `the topic has ${has} partitions, so it cannot be given ${count}`, {
    topic,
    hint,
  })
}
