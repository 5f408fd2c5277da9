import { MillraceError } from '../../errors/millrace-error.ts'
import type { TopicSpec } from '../log.ts'
import { checkTopicSpecs, notMore } from '../topic-spec.ts'
import type { PartitionData } from './partition-data.ts'
import { checkConfigs } from './topic-configs.ts'
import type { TopicRules } from './topic-rules.ts'

/** A topic of a local log. One object serves it as long as it exists: the log changes what is not `readonly`. */
export interface LocalTopic {
  readonly name: string
  readonly id: string
  configs: Readonly<Record<string, string>>
  readonly partitions: LocalPartition[]
  /** `message.timestamp.type=LogAppendTime`: records get the log's time instead of the producer's. */
  usesAppendTime: boolean
  /** Rules for its records; `undefined` if it accepts everything. */
  rules: TopicRules | undefined
}

export interface LocalPartition {
  readonly topic: string
  readonly partition: number
  readonly data: PartitionData
  /** Called when records have become visible. */
  readonly listeners: Set<PartitionListener>
}

export interface PartitionListener {
  arrived(): void
}

const MAX_PARTITIONS = 10_000

/**
 * Checks what Kafka checks when a topic is created (name, partition count) and the configs that a local log honours.
 * @throws MR_TOPIC_INVALID
 */
export function validateTopicSpec(spec: TopicSpec): void {
  checkTopicSpecs([spec])
  const { name, partitions, configs = {} } = spec
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw invalid(name, `'${name}' is not a topic name`, 'Use 1 to 249 of A-Z, a-z, 0-9, ".", "_" and "-".')
  }
  if (partitions !== -1 && (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS)) {
    throw invalid(name, `a topic cannot have ${partitions} partitions`, `Give 1 to ${MAX_PARTITIONS}, or -1 for one.`)
  }
  checkConfigs(name, configs)
}

/**
 * Checks that a topic can have so many partitions, more than it has.
 * @throws MR_TOPIC_INVALID
 */
export function checkGrowth(topic: string, has: number, count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_PARTITIONS) {
    throw invalid(topic, `a topic cannot have ${count} partitions`, `Give ${has + 1} to ${MAX_PARTITIONS}.`)
  }
  if (count <= has) throw notMore(topic, has, count)
}

function invalid(topic: string, message: string, hint: string): MillraceError {
  return new MillraceError('MR_TOPIC_INVALID', message, { topic, hint })
}
