import { isUtf8 } from 'node:buffer'
import type { Headers } from '../record/headers.ts'
import { jsonOf } from '../serde/json-of.ts'
import type { DeadLetter, DeadLetterPart, NoDeadLetter } from './letter.ts'
import type { DeadLetterReplay } from './replayed-record.ts'

/** Returns a record of a dead letter topic as plain data for JSON. Bytes are text where they are UTF-8, else base64. */
export function letterJson(letter: DeadLetter | NoDeadLetter): Readonly<Record<string, unknown>> {
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
export function replayJson({ id, topic, partition, timestamp, headers, key, value }: DeadLetterReplay): object {
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

/** A part that was decoded is `{ value }`, one that was not has its bytes and the reason. */
function partJson({ bytes, value, error }: DeadLetterPart): object {
  return error === undefined ? { value: jsonOf(value) } : { bytes: bytesJson(bytes), error }
}

function bytesJson(bytes: Buffer | null): unknown {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

function headersJson(headers: Headers): readonly (readonly [string, unknown])[] {
  return Array.from(headers, ({ name, value }) => [name, bytesJson(value)])
}
