import type { RecordCursor } from '../log/log.ts'
import { NO_HEADERS, type Headers } from '../record/headers.ts'
import { jsonTextOf } from './forms.ts'

/** Makes JSON text of the key or value in `cursor.buffer[start, end)`. */
export type PartJson = (cursor: RecordCursor, start: number, end: number, partition: number) => string

/** Makes JSON text of the current record of a cursor. @throws what the parts throw */
export type RecordJson = (partition: number, cursor: RecordCursor) => string

/** Returns what makes records of a topic JSON that `JsonLines` reads: a line of `consume --json` without its end. */
export function recordJson(topic: string, keyJson: PartJson, valueJson: PartJson): RecordJson {
  const begin = `{"topic":${JSON.stringify(topic)},"partition":`
  return (partition, cursor) => {
    const { offset, timestamp, keyStart, keyEnd, valueStart, valueEnd } = cursor
    const key = keyStart === -1 ? 'null' : keyJson(cursor, keyStart, keyEnd, partition)
    const value = valueStart === -1 ? 'null' : valueJson(cursor, valueStart, valueEnd, partition)
    const found = cursor.headers(NO_HEADERS)
    const headers = found.length === 0 ? '[]' : headersJson(found)
    const time = timestamp === -1 ? 'null' : timestamp
    const record = `${begin}${partition},"offset":${offset},"timestamp":${time},"key":${key}`
    return `${record},"value":${value},"headers":${headers}}`
  }
}

function headersJson(headers: Headers): string {
  const pairs = Array.from(headers, ({ name, value }) => {
    const text = value === null ? 'null' : jsonTextOf('text', value, 0, value.length)
    return `[${JSON.stringify(name)},${text}]`
  })
  return `[${pairs.join(',')}]`
}
