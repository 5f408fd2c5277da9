import { sizeOfBatchOfOne } from '../../record/record-size.ts'
import type { RefusalReason } from '../refusal.ts'
import type { RecordSlice } from '../../record/record-slice.ts'

/** Rules for the records of a topic, from the configs that brokers apply. */
export interface TopicRules {
  /** Bound of a batch with one record; Infinity unless `max.message.bytes` is set. */
  readonly maxBytes: number
  /** Time (ms) that a timestamp may lie before and after the log's clock (KIP-937); Infinity if there is no bound. */
  readonly before: number
  readonly after: number
  /** True if `cleanup.policy` holds `compact`. */
  readonly needsKey: boolean
}

const MAX_BYTES = 'max.message.bytes'
const BEFORE = 'message.timestamp.before.max.ms'
const AFTER = 'message.timestamp.after.max.ms'

/** Returns the rules of a topic; `undefined` if it accepts everything. */
export function rulesOf(configs: Readonly<Record<string, string>>): TopicRules | undefined {
  const usesAppendTime = configs['message.timestamp.type'] === 'LogAppendTime'
  const rules = {
    maxBytes: bound(configs[MAX_BYTES]),
    before: usesAppendTime ? Infinity : bound(configs[BEFORE]),
    after: usesAppendTime ? Infinity : bound(configs[AFTER]),
    needsKey: configs['cleanup.policy']?.includes('compact') ?? false,
  }
  const takesAll =
    rules.maxBytes === Infinity && rules.before === Infinity && rules.after === Infinity && !rules.needsKey
  return takesAll ? undefined : rules
}

/** Returns why the topic refuses a record; `undefined` if it accepts it. */
export function refusedBy(
  rules: TopicRules,
  now: number,
  timestamp: number,
  record: RecordSlice,
): RefusalReason | undefined {
  if (rules.needsKey && record.keyStart < 0) {
    const text = 'INVALID_RECORD, a compacted topic accepts no record without a key'
    return { text, configs: [], hint: 'Give the record a key, or set cleanup.policy=delete for the topic.' }
  }
  if (rules.maxBytes < Infinity) {
    const bytes = sizeOfBatchOfOne(record.keyLength, record.valueLength, record.headers)
    if (bytes > rules.maxBytes) {
      const text = `MESSAGE_TOO_LARGE, its batch has ${bytes} bytes, and ${MAX_BYTES} of the topic is ${rules.maxBytes}`
      return { text, configs: [MAX_BYTES], hint: 'Make the record smaller.' }
    }
  }
  const ahead = timestamp - now
  if (ahead <= rules.after && -ahead <= rules.before) return undefined
  const text = `INVALID_TIMESTAMP, ${timestamp} is too far from the log's clock, which says ${now}`
  return { text, configs: [BEFORE, AFTER], hint: "Give the record a timestamp nearer to the log's clock." }
}

function bound(config: string | undefined): number {
  return config === undefined ? Infinity : Number(config)
}
