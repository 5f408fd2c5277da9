import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import { option, type Place, type TableOf } from '../options/options.ts'
import { REPLAY_OF } from '../record/dead-letter-headers.ts'
import type { Headers } from '../record/headers.ts'
import { encodeGiven } from '../serde/given-json.ts'
import type { Serde } from '../serde/serde.ts'
import type { InputTopic } from './inputs.ts'
import type { DeadLetterOrigin } from './letter.ts'
import type { RecordPlace } from './letter-id.ts'

/**
 * What to change in a record before it is replayed. What is not given stays as it was.
 *
 * A key or value is given as the application gets it from the serde of the topic, or as JSON: a bigint may be a number
 * or a text of digits, bytes `{ "base64": "…" }`, a windowed key `{ "key": …, "start": …, "end": … }`.
 */
export interface DeadLetterPatch {
  /** The new key, instead of the old one; null: none. */
  readonly key?: unknown
  /** The new value, instead of the old one; null: none, a tombstone. */
  readonly value?: unknown
  /** Headers by name, each instead of all of that name; null removes them. */
  readonly headers?: Readonly<Record<string, string | null>>
}

const anything = (value: unknown): unknown => value

/** The members of a patch. */
export const PATCH = {
  key: option('any value of the topic', { description: 'the new key' }, anything),
  value: option('any value of the topic', { description: 'the new value' }, anything),
  headers: option('`{ name: text or null }`', { description: 'headers to set, or to remove by null' }, (value, place) =>
    readHeaders(value, place),
  ),
} satisfies TableOf<DeadLetterPatch>

/** The changes of a patch as bytes. */
export interface EncodedPatch {
  /** `undefined`: stays as it is. */
  readonly key: Buffer | null | undefined
  readonly value: Buffer | null | undefined
  readonly headers: DeadLetterPatch['headers']
}

/**
 * Encodes a patch for records of a topic.
 *
 * @param input undefined if the application does not read the topic
 * @param letter place for errors
 * @throws MR_DEAD_LETTER_PATCH for what the serde or its schema refuses, and for keys and values without a known serde
 */
export function encodePatch(
  { key, value, headers }: DeadLetterPatch,
  { topic }: DeadLetterOrigin,
  input: InputTopic | undefined,
  letter: RecordPlace,
): EncodedPatch {
  const encode = (part: 'key' | 'value', given: unknown): Buffer | null | undefined => {
    if (given === undefined || given === null) return given
    if (input === undefined || input.internal) throw withoutSerde(part, topic, input, letter)
    return encoded(part, given, part === 'key' ? input.keySerde : input.valueSerde, topic, letter)
  }
  return { key: encode('key', key), value: encode('value', value), headers }
}

/** Returns other headers, changed by a patch. */
export function patchedHeaders(original: Headers, patch: DeadLetterPatch['headers'] = {}): Headers {
  const headers = original.copy()
  for (const [name, value] of Object.entries(patch)) {
    headers.remove(name)
    if (value !== null) headers.add(name, value)
  }
  return headers
}

function encoded(
  part: string,
  given: unknown,
  serde: Serde<unknown>,
  topic: string | null,
  letter: RecordPlace,
): Buffer {
  try {
    return encodeGiven(serde, given).bytes
  } catch (refusal) {
    throw new MillraceError(
      'MR_DEAD_LETTER_PATCH',
      `the ${part} of the patch does not fit the topic "${topic}": ${messageOf(refusal)}`,
      { ...letter, cause: refusal, hint: `Give a ${part} as the serde ${serde.name} of the topic takes it.` },
    )
  }
}

function withoutSerde(
  part: string,
  topic: string | null,
  input: InputTopic | undefined,
  letter: RecordPlace,
): MillraceError {
  const why =
    input === undefined
      ? `the application does not read the topic "${topic}", so that its serdes are not known`
      : `the format of the internal topic "${topic}" is Millrace's own`
  return new MillraceError('MR_DEAD_LETTER_PATCH', `no ${part} can be encoded: ${why}`, {
    ...letter,
    hint: 'Leave key and value as they are: headers can be changed.',
  })
}

function readHeaders(value: unknown, place: Place): Readonly<Record<string, string | null>> {
  const hint = 'Give an object of texts by name, null for a header to remove.'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw place.refuse(value, hint)
  for (const [name, each] of Object.entries(value)) {
    if (name === REPLAY_OF) throw place.error(`${place.text} names ${name}, which the replay sets itself`, hint)
    if (typeof each !== 'string' && each !== null) throw place.inner(`[${JSON.stringify(name)}]`).refuse(each, hint)
  }
  return { ...value } as Record<string, string | null>
}
