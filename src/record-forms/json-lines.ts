import { messageOf } from '../errors/millrace-error.ts'
import { Headers } from '../record/headers.ts'
import type { RecordSlice } from '../record/record-slice.ts'
import { parseJson } from '../serde/json-integers.ts'
import { bytesOfJson, FormError, type GivenForm } from './forms.ts'
import { ANY_PARTITION, fill, LineError, type RecordSource } from './record-source.ts'
import { parseTime } from './time-text.ts'

/** Fields of a record. `topic` and `offset` are those of where it came from, and have no say in where it goes. */
const FIELDS: ReadonlySet<string> = new Set(['topic', 'partition', 'offset', 'timestamp', 'key', 'value', 'headers'])

/** Makes the bytes that a key or value of JSON stands for; null: none. @throws FormError */
export type PartBytes = (value: unknown) => Buffer | null

/** Lines of JSON, as `consume --json` prints them: `{"key": …, "value": …, "headers": [[name, value]], …}`. */
export class JsonLines implements RecordSource {
  readonly #key: PartBytes
  readonly #value: PartBytes

  constructor(key: PartBytes, value: PartBytes) {
    this.#key = key
    this.#value = value
  }

  read(buffer: Buffer, start: number, end: number, slice: RecordSlice): number {
    return this.readJson(recordIn(buffer.toString('utf8', start, end)), slice)
  }

  /** Reads a record that `parseJson` read, its large integers as bigints. Otherwise as `read`. */
  readJson(given: unknown, slice: RecordSlice): number {
    const record = objectIn(given)
    for (const name in record)
      if (!FIELDS.has(name))
        throw new LineError(
          `a record has no field ${JSON.stringify(name)}`,
          'Fields are key, value, headers, timestamp and partition. Without --json a whole line is a value.',
        )
    const { partition = ANY_PARTITION, timestamp } = record
    const isNamed = record['partition'] !== undefined
    if (isNamed && !(Number.isInteger(partition) && Number(partition) >= 0)) throw wrong('partition', 'is no partition')
    slice.timestamp = timestamp === undefined || timestamp === null ? -1 : timeIn(timestamp)
    slice.headers = headersIn(record['headers'])
    fill(slice, bytesIn('key', this.#key, record['key']), bytesIn('value', this.#value, record['value']))
    return Number(partition)
  }
}

/** Returns what makes bytes of keys or values of one form. @param form undefined: text, or what `auto` shows */
export function partBytes(form: GivenForm | undefined): PartBytes {
  return (value) => bytesOfJson(form, value)
}

function recordIn(text: string): unknown {
  try {
    return parseJson(text, 'bigint')
  } catch (error) {
    throw new LineError(`it is not JSON: ${messageOf(error)}`, 'Each line is a JSON object of its own.')
  }
}

function objectIn(record: unknown): Record<string, unknown> {
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record as Record<string, unknown>
  throw new LineError('it is no JSON object', 'Each line is one, as in {"key": "a", "value": "b"}.')
}

function bytesIn(name: 'key' | 'value', bytesOf: PartBytes, value: unknown): Buffer | null {
  try {
    return bytesOf(value)
  } catch (error) {
    if (!(error instanceof FormError)) throw error
    throw new LineError(
      `the ${name} cannot be written: ${error.message}`,
      `Correct it, or choose another form by --${name}.`,
    )
  }
}

function timeIn(value: unknown): number {
  const time = typeof value === 'string' ? parseTime(value) : value
  if (typeof time === 'number' && Number.isFinite(time)) return time
  throw wrong('timestamp', 'is no time: ms since the epoch, or as in 2030-01-31T12:00:00Z')
}

function headersIn(given: unknown): Headers | undefined {
  if (given === undefined || given === null) return undefined
  const pairs = Array.isArray(given) ? given : typeof given === 'object' ? Object.entries(given) : undefined
  if (pairs === undefined) throw wrong('headers', 'are no list of [name, value]')
  if (pairs.length === 0) return undefined
  const headers = new Headers()
  for (const pair of pairs as readonly unknown[]) {
    const [name, value] = Array.isArray(pair) && pair.length === 2 ? pair : []
    if (typeof name !== 'string') throw wrong('headers', 'are no list of [name, value]')
    headers.add(name, headerIn(value))
  }
  return headers
}

function headerIn(value: unknown): Buffer | null {
  try {
    return bytesOfJson(undefined, value)
  } catch (error) {
    if (!(error instanceof FormError)) throw error
    throw wrong('headers', `cannot be written: ${error.message}`)
  }
}

function wrong(field: string, what: string): LineError {
  return new LineError(`the ${field} ${what}`, 'Write records as consume --json prints them.')
}
