import { LETTER_HEADERS } from '../record/dead-letter-headers.ts'
import { eventTime } from '../record/event-time.ts'
import { Headers } from '../record/headers.ts'
import type { DeadLetter, DeadLetterOrigin } from './letter.ts'

/** What the headers of a dead letter say. */
export interface LetterHeaders extends Pick<DeadLetter, 'code' | 'node' | 'task' | 'exception' | 'message' | 'stack'> {
  readonly origin: DeadLetterOrigin
  /** Headers of the input record. */
  readonly original: Headers
}

const NAMES: ReadonlySet<string> = new Set(Object.values(LETTER_HEADERS))

/**
 * Reads the headers of a dead letter. Returns why the record is none if they do not say where it came from.
 *
 * @param timestamp that of the dead letter, which stands for the input record's if no header says it
 */
export function readLetterHeaders(headers: Headers, timestamp: number): LetterHeaders | string {
  const { topic: topicName, partition: partitionName, offset: offsetName } = LETTER_HEADERS
  const missing = [topicName, partitionName, offsetName].filter((name) => headers.get(name) === undefined)
  if (missing.length > 0) return `it lacks the headers ${missing.join(', ')}`
  const topic = headers.getString(topicName) ?? null
  const partition = wholeNumber(headers.getString(partitionName))
  const offset = wholeNumber(headers.getString(offsetName))
  // What a punctuator did has no place: its partition and offset are -1.
  if (topic !== null) {
    if (!(partition >= 0)) return notWhole(headers, partitionName)
    if (!(offset >= 0)) return notWhole(headers, offsetName)
  }
  const text = (name: string): string | undefined => headers.getString(name) ?? undefined
  return {
    origin: { topic, partition, offset, timestamp: timeOf(text(LETTER_HEADERS.timestamp), timestamp) },
    code: text(LETTER_HEADERS.code),
    node: text(LETTER_HEADERS.node),
    task: text(LETTER_HEADERS.task),
    exception: text(LETTER_HEADERS.exception) ?? '',
    message: text(LETTER_HEADERS.message) ?? '',
    stack: text(LETTER_HEADERS.stack) ?? '',
    original: originalHeaders(headers),
  }
}

/** Leaves out the last header of each name: an input record may have been a dead letter itself. */
function originalHeaders(headers: Headers): Headers {
  const left = new Set(NAMES)
  const original = [...headers].toReversed().filter(({ name }) => !left.delete(name))
  return new Headers(original.toReversed())
}

function wholeNumber(text: string | null | undefined): number {
  const number = typeof text === 'string' && /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(number) ? number : Number.NaN
}

function notWhole(headers: Headers, name: string): string {
  return `its header ${name} is no whole number: ${JSON.stringify((headers.getString(name) ?? '').slice(0, 40))}`
}

/** A timestamp that no record may have is kept in the header, but nothing can be written with it. */
function timeOf(text: string | undefined, otherwise: number): number {
  const time = eventTime(text === undefined || text === '' ? Number.NaN : Number(text))
  return time >= 0 ? time : otherwise
}
