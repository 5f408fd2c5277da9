import { MillraceError } from '../errors/millrace-error.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { Headers } from '../record/headers.ts'

/**
 * A record that the log will not take however often it is asked: too large, a timestamp out of bounds, no key on a compacted topic
 * (KIP-467). Nothing of it is in the log; records appended before and behind it are.
 */
export interface Refusal {
  /** Where the record was to go. */
  readonly topic: string
  readonly partition: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly why: RefusalReason
  /** Aborted when the producer has forgotten the record meanwhile: what becomes of it does not matter any more. */
  readonly signal?: AbortSignal
}

export interface RefusalReason {
  /** What the log says, such as `MESSAGE_TOO_LARGE: 5070 bytes, and max.message.bytes of the topic is 2000`. */
  readonly text: string
  /** Configs of the topic that decide about it; none where the log alone does. */
  readonly configs: readonly string[]
  /** What to do where it is not by these configs that a user helps himself. */
  readonly hint?: string
}

/** What is written in place of a refused record, within the same commit. */
export interface Replacement {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Headers
  /** Is asked if this one is refused, too, by the number -1. */
  readonly origin?: RecordOrigin
}

/** Who appends records, and is asked about each that the log refuses. */
export interface RecordOrigin {
  /**
   * Decides about a record: it is left out (`undefined`), or another one is written instead. What is thrown ends the producer, or is thrown
   * to the caller of `append` if the log refuses at once. A log in this process needs the answer at once.
   *
   * @param place the number that the record was appended with
   */
  refused(refusal: Refusal, place: number): MaybePromise<Replacement | undefined>
}

const SHOWN_BYTES = 32

/** Topic, partition, key and sizes of the record, and why it was refused. */
export function describeRefusal({ topic, partition, key, value, why }: Refusal): string {
  const sizes = `${key?.length ?? 0} + ${value?.length ?? 0} bytes`
  return `topic "${topic}" (partition ${partition}) refuses the record with ${describeKey(key)}, ${sizes}: ${why.text}`
}

/** What a user can do at the topic. @param where the configs of the topic are set */
export function refusalHint({ why, topic }: Refusal, where = `topic "${topic}"`): string {
  if (why.configs.length === 0) return why.hint ?? 'See the log of the broker.'
  return `${why.hint ?? 'Change the record'}, or set ${why.configs.join(' or ')} of ${where}.`
}

/** The error where nobody is to be asked about the record. */
export function refusalError(refusal: Refusal): MillraceError {
  return new MillraceError('MR_PRODUCE', describeRefusal(refusal), {
    topic: refusal.topic,
    partition: refusal.partition,
    hint: refusalHint(refusal),
  })
}

function describeKey(key: Buffer | null): string {
  if (key === null) return 'no key'
  const shown = key.subarray(0, SHOWN_BYTES)
  const text = shown.toString('utf8')
  const more = key.length > SHOWN_BYTES ? '…' : ''
  return /^[\x20-\x7e]+$/.test(text)
    ? `the key ${JSON.stringify(text + more)}`
    : `the key ${shown.toString('hex')}${more} (hex)`
}
