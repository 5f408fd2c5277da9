import { MillraceError } from '../errors/millrace-error.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { Headers } from '../record/headers.ts'

/**
 * A record that the log refuses however often it is sent: too large, a timestamp out of bounds, no key on a compacted
 * topic (KIP-467). Nothing of it is in the log. Records appended before and after it are.
 */
export interface Refusal {
  /** Topic that the record was to go to. */
  readonly topic: string
  readonly partition: number
  /** Timestamp in ms since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly why: RefusalReason
  /** Aborted when the producer has forgotten the record: the decision about it no longer matters. */
  readonly signal?: AbortSignal
}

export interface RefusalReason {
  /** Reason that the log gives, such as `MESSAGE_TOO_LARGE: 5070 bytes, and max.message.bytes of the topic is 2000`. */
  readonly text: string
  /** Configs of the topic that led to the refusal; empty if the log alone decides. */
  readonly configs: readonly string[]
  /** Advice to the user besides setting these configs. */
  readonly hint?: string
}

/** A record that is written in place of a refused one, within the same commit. */
export interface Replacement {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Headers
  /** Decides if this record is refused, too. It gets the place -1. */
  readonly origin?: AppendOrigin
}

/** The origin of appended records, which decides about each that the log refuses. */
export interface AppendOrigin {
  /**
   * Decides about a record: it is left out (`undefined`), or another one is written instead. An error ends the
   * producer, or is thrown to the caller of `append` if the log refuses at once. A log in this process needs the
   * decision at once.
   *
   * @param place the number that the record was appended with
   */
  refused(refusal: Refusal, place: number): MaybePromise<Replacement | undefined>
  /**
   * Called for each record once it is in the log, before the flush of its producer returns. Not called where the log
   * does not say at which offset, as after a response that was lost. It must not throw. Only for producers outside any
   * group.
   *
   * @param place the number that the record was appended with
   */
  written?(offset: number, place: number): void
}

/** Returns a text with topic, partition and sizes of the record, and the reason of the refusal. */
export function describeRefusal({ topic, partition, key, value, why }: Refusal): string {
  const sizes = `${key === null ? 'no key' : `a key of ${key.length}`} and ${value?.length ?? 0} bytes of value`
  return `topic "${topic}" (partition ${partition}) refuses a record with ${sizes}: ${why.text}`
}

/** Returns what a user can do. @param where the place at which the configs of the topic are set */
export function refusalHint({ why, topic }: Refusal, where = `topic "${topic}"`): string {
  if (why.configs.length === 0) return why.hint ?? 'See the log of the broker.'
  return `${why.hint ?? 'Change the record.'} Or set ${why.configs.join(' or ')} of ${where}.`
}

/** Returns the error for a record that no origin decides about. */
export function refusalError(refusal: Refusal): MillraceError {
  return new MillraceError('MR_PRODUCE', describeRefusal(refusal), {
    topic: refusal.topic,
    partition: refusal.partition,
    hint: refusalHint(refusal),
  })
}
