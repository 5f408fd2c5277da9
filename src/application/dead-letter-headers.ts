import { isError, messageWithValues, propertyOf, type MillraceError } from '../errors/millrace-error.ts'
import { LETTER_HEADERS } from '../record/dead-letter-headers.ts'
import type { Headers } from '../record/headers.ts'
import type { FailedRecord } from './application.ts'

/** Returns the headers of a dead letter: those of its record, and after them what has happened (KIP-1034). */
export function deadLetterHeaders(headers: Headers, record: FailedRecord, error: MillraceError): Headers {
  const cause = isError(error.cause) ? error.cause : error
  return headers
    .copy()
    .add(LETTER_HEADERS.exception, textOf(cause, 'name'))
    .add(LETTER_HEADERS.message, messageWithValues(cause))
    .add(LETTER_HEADERS.stack, textOf(cause, 'stack'))
    .add(LETTER_HEADERS.topic, record.topic)
    .add(LETTER_HEADERS.partition, String(record.partition))
    .add(LETTER_HEADERS.offset, String(record.offset))
    .add(LETTER_HEADERS.code, error.code)
    .add(LETTER_HEADERS.node, record.node)
    .add(LETTER_HEADERS.task, record.task)
    .add(LETTER_HEADERS.timestamp, String(record.timestamp))
}

function textOf(error: Error, property: 'name' | 'stack'): string {
  const text = propertyOf(error, property)
  return typeof text === 'string' ? text : ''
}
