import { MillraceError } from '../../errors/millrace-error.ts'
import { nearestOf } from '../../options/options.ts'
import type { TopicConfig } from '../admin.ts'

/** A config that acts on a local log. */
interface ConfigRule {
  readonly takes: RegExp
  /** How it takes a value, for people. */
  readonly values: string
  /** The value that a topic without it behaves as if it had. */
  readonly standard: string
}

// Up to the largest long, as Kafka accepts it: unlimited windows are kept for ever.
const LIMIT = { takes: /^(-1|\d{1,19})$/, values: 'a whole number, or -1 for no limit' }
const DIGITS = { takes: /^\d{1,19}$/, values: 'a whole number' }
const NO_TIME_LIMIT = '9223372036854775807'

const CONFIG_RULES: Readonly<Record<string, ConfigRule>> = {
  'cleanup.policy': {
    takes: /^(compact|delete|compact,\s*delete|delete,\s*compact)$/,
    values: 'delete, compact, or both with a comma',
    standard: 'delete',
  },
  'delete.retention.ms': { ...LIMIT, standard: '86400000' },
  'max.message.bytes': { ...DIGITS, standard: '2147483647' },
  'message.timestamp.after.max.ms': { ...DIGITS, standard: NO_TIME_LIMIT },
  'message.timestamp.before.max.ms': { ...DIGITS, standard: NO_TIME_LIMIT },
  'message.timestamp.type': {
    takes: /^(CreateTime|LogAppendTime)$/,
    values: 'CreateTime or LogAppendTime',
    standard: 'CreateTime',
  },
  'min.compaction.lag.ms': { ...LIMIT, standard: '0' },
  'retention.bytes': { ...LIMIT, standard: '-1' },
  'retention.ms': { ...LIMIT, standard: '-1' },
}

/** Checks the values of configs that act on a local log; brokers have more, which are kept. @throws MR_TOPIC_INVALID */
export function checkConfigs(topic: string, configs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(configs)) {
    const rule = CONFIG_RULES[name]
    if (rule !== undefined && !rule.takes.test(value)) throw impossible(topic, name, value, rule)
  }
}

/**
 * Returns the configs of a topic after changes; `null` removes one.
 *
 * @throws MR_TOPIC_INVALID for a config that does not act on a local log, unless it is removed; for an impossible value
 */
export function alteredConfigs(
  topic: string,
  before: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const after = new Map(Object.entries(before))
  for (const [name, value] of Object.entries(changes)) {
    const rule = CONFIG_RULES[name]
    if (rule === undefined && !after.has(name)) throw unknown(topic, name)
    if (value === null) after.delete(name)
    else if (rule === undefined) throw unknown(topic, name)
    else if (typeof value === 'string' && rule.takes.test(value)) after.set(name, value)
    else throw impossible(topic, name, value, rule)
  }
  return Object.fromEntries(after)
}

/** Returns all configs that act on a topic, and those that were set for it, sorted by name. */
export function describedConfigs(configs: Readonly<Record<string, string>>): ReadonlyMap<string, TopicConfig> {
  const names = [...new Set([...Object.keys(CONFIG_RULES), ...Object.keys(configs)])].sort()
  return new Map(
    names.map((name): [string, TopicConfig] => {
      const own = configs[name]
      if (own !== undefined) return [name, { value: own, source: 'topic' }]
      return [name, { value: CONFIG_RULES[name]?.standard ?? null, source: 'default' }]
    }),
  )
}

function impossible(topic: string, name: string, value: unknown, rule: ConfigRule): MillraceError {
  return new MillraceError('MR_TOPIC_INVALID', `${name}=${String(value)} is not valid`, {
    topic,
    hint: `Give ${name} ${rule.values}.`,
  })
}

function unknown(topic: string, name: string): MillraceError {
  const near = nearestOf(name, Object.keys(CONFIG_RULES))
  const hint = near === undefined ? `It has ${Object.keys(CONFIG_RULES).join(', ')}.` : `Did you mean ${near}?`
  return new MillraceError('MR_TOPIC_INVALID', `a log without a broker has no topic config "${name}"`, { topic, hint })
}
