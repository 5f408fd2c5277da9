import { isUtf8 } from 'node:buffer'
import type { Headers } from '../record/headers.ts'
import { jsonOf } from '../serde/json-of.ts'
import type { DeadLetter, DeadLetterPart, NoDeadLetter } from './letter.ts'
import type { DeadLetterReplay } from './replayed-record.ts'

/** Bytes: text where they are UTF-8. */
export type BytesJson = string | { readonly base64: string } | null

/** A key or value that was decoded, or its bytes and the reason why it was not. */
export type PartJson = { readonly value: unknown } | { readonly bytes: BytesJson; readonly error: string }

export type HeadersJson = readonly (readonly [name: string, value: BytesJson])[]

/** A dead letter as plain data. */
export interface DeadLetterJson extends Omit<DeadLetter, 'headers' | 'key' | 'value'> {
  readonly headers: HeadersJson
  readonly key: PartJson
  readonly value: PartJson
}

/** What else is in a dead letter topic, as plain data. */
export interface NoDeadLetterJson extends Omit<NoDeadLetter, 'headers' | 'key' | 'value'> {
  readonly headers: HeadersJson
  readonly key: BytesJson
  readonly value: BytesJson
}

/** A replay as plain data. */
export interface ReplayJson extends Omit<DeadLetterReplay, 'headers' | 'key' | 'value'> {
  readonly headers: HeadersJson
  readonly key: BytesJson
  readonly value: BytesJson
}

/** Returns a record of a dead letter topic as plain data for JSON. */
export function letterJson(letter: DeadLetter | NoDeadLetter): DeadLetterJson | NoDeadLetterJson {
  const headers = headersJson(letter.headers)
  if (letter.kind === 'other') {
    const { kind, id, reason, timestamp, key, value } = letter
    return { kind, id, reason, timestamp, headers, key: bytesJson(key), value: bytesJson(value) }
  }
  const { kind, id, replayed, origin, code, node, task, exception, message, stack } = letter
  const { key, value } = letter
  const failure = { code, node, task, exception, message, stack }
  return { kind, id, replayed, origin, ...failure, headers, key: partJson(key), value: partJson(value) }
}

/** Returns a replay as plain data for JSON. */
export function replayJson({ id, topic, partition, timestamp, headers, key, value }: DeadLetterReplay): ReplayJson {
  return {
    id,
    topic,
    partition,
    timestamp,
    headers: headersJson(headers),
    key: bytesJson(key),
    value: bytesJson(value),
  }
}

function partJson({ bytes, value, error }: DeadLetterPart): PartJson {
  return error === undefined ? { value: jsonOf(value) } : { bytes: bytesJson(bytes), error }
}

function bytesJson(bytes: Buffer | null): BytesJson {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

function headersJson(headers: Headers): HeadersJson {
  return Array.from(headers, ({ name, value }) => [name, bytesJson(value)])
}
