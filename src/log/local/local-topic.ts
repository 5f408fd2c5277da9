import { MillraceError } from '../../errors/millrace-error.ts'
import type { TopicSpec } from '../log.ts'
import { checkTopicSpecs } from '../topic-spec.ts'
import type { PartitionData } from './partition-data.ts'
import type { TopicRules } from './topic-rules.ts'

/** A topic of a local log. */
export interface LocalTopic {
  readonly name: string
  readonly id: string
  readonly configs: Readonly<Record<string, string>>
  readonly partitions: readonly LocalPartition[]
  /** `message.timestamp.type=LogAppendTime`: records get the log's time instead of the producer's. */
  readonly usesAppendTime: boolean
  /** Rules for its records; `undefined` if it accepts everything. */
  readonly rules: TopicRules | undefined
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
  for (const [key, value] of Object.entries(configs)) {
    const rule = CONFIG_RULES[key]
    if (rule !== undefined && !rule.test(value))
      throw invalid(name, `${key}=${value} is not valid`, 'Correct its value.')
  }
}

// Up to the largest long, as Kafka accepts it: unlimited windows are kept for ever.
const MILLISECONDS = /^(-1|\d{1,19})$/
const DIGITS = /^\d{1,19}$/
const CONFIG_RULES: Readonly<Record<string, RegExp>> = {
  'cleanup.policy': /^(compact|delete|compact,\s*delete|delete,\s*compact)$/,
  'retention.ms': MILLISECONDS,
  'delete.retention.ms': MILLISECONDS,
  'min.compaction.lag.ms': MILLISECONDS,
  'max.message.bytes': DIGITS,
  'message.timestamp.before.max.ms': DIGITS,
  'message.timestamp.after.max.ms': DIGITS,
  'message.timestamp.type': /^(CreateTime|LogAppendTime)$/,
}

function invalid(topic: string, message: string, hint: string): MillraceError {
  return new MillraceError('MR_TOPIC_INVALID', message, { topic, hint })
}
