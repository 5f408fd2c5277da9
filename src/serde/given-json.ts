import { Windowed } from '../windowing/windows.ts'
import { asBuffer } from './byte-view.ts'
import { readInner, serialized } from './call-serde.ts'
import type { Serde } from './serde.ts'

/** A value with its bytes. */
export interface GivenValue {
  readonly bytes: Buffer
  /** As the serde reads it. */
  readonly value: unknown
}

/**
 * Encodes a value that is given as a serde takes it, or as JSON: a bigint may be a number or a text of digits, bytes
 * `{ "base64": "…" }`, a windowed key `{ "key": …, "start": …, "end": … }`. What was written is read again, since a
 * schema is applied to what is read.
 *
 * @throws what the serde or its schema refuses
 */
export function encodeGiven(serde: Serde<unknown>, given: unknown): GivenValue {
  let refusal: unknown
  for (const form of formsOf(given)) {
    try {
      const bytes = asBuffer(serialized(serde, form))
      return { bytes, value: readInner(serde, bytes, 0, bytes.length) }
    } catch (error) {
      refusal ??= error
    }
  }
  throw refusal
}

/** What a value that came as JSON may stand for, the value itself first. */
function* formsOf(given: unknown): Generator<unknown> {
  yield given
  if (Number.isSafeInteger(given) || (typeof given === 'string' && /^-?\d+$/.test(given))) yield BigInt(given as string)
  if (typeof given !== 'object' || given === null) return
  const { base64, key, start, end } = given as Readonly<Record<string, unknown>>
  if (typeof base64 === 'string' && /^[\w+/-]*=*$/.test(base64)) yield Buffer.from(base64, 'base64')
  if (typeof start === 'number' && typeof end === 'number') yield new Windowed(key, start, end)
}
