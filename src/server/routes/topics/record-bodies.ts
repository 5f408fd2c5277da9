import { messageOf } from '../../../errors/millrace-error.ts'
import { parseJson } from '../../../serde/json-integers.ts'
import { badRequest } from '../../http/problem.ts'

/** Parses JSON with all digits of its integers. @param what it is, for errors @throws MR_SERVER_REQUEST */
export function jsonIn(text: string, what: string): unknown {
  try {
    return parseJson(text, 'bigint')
  } catch (error) {
    throw badRequest(`${what} is no JSON: ${messageOf(error)}`)
  }
}

/** Returns the records of a body: those of `{"records": […]}`, or one alone. @throws MR_SERVER_REQUEST */
export function recordsOfJson(text: string): readonly unknown[] {
  const body = jsonIn(text, 'the body')
  if (typeof body !== 'object' || body === null || !('records' in body)) return [body]
  const { records, ...rest } = body
  const other = Object.keys(rest)[0]
  if (other !== undefined) throw badRequest(`beside records, the body has no ${JSON.stringify(other)}`)
  if (Array.isArray(records)) return notEmpty(records)
  throw badRequest('records is no array')
}

/** Returns the records of a body that has one on each line. @throws MR_SERVER_REQUEST */
export function recordsOfLines(text: string): readonly unknown[] {
  const records: unknown[] = []
  for (const [index, line] of text.split('\n').entries())
    if (line.trim() !== '') records.push(jsonIn(line, `line ${index + 1}`))
  return notEmpty(records)
}

export function notEmpty(records: readonly unknown[]): readonly unknown[] {
  if (records.length > 0) return records
  throw badRequest('the body has no records', 'Send one at least.')
}

/** Returns the JSON objects of a body that follow each other. @throws MR_SERVER_REQUEST */
export function objectsOf(text: string): readonly unknown[] {
  const found: unknown[] = []
  let [depth, start, isString] = [0, -1, false]
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (isString) {
      if (char === '\\') at++
      else if (char === '"') isString = false
    } else if (char === '"') isString = depth > 0
    else if (char === '{' && depth++ === 0) start = at
    else if (char === '}' && --depth === 0) found.push(jsonIn(text.slice(start, at + 1), `record ${found.length}`))
    if (depth <= 0 && char !== '}' && char.trim() !== '') depth = -1
    if (depth < 0) break
  }
  if (depth !== 0) throw badRequest(`after ${found.length} records the body is no JSON object`)
  return notEmpty(found)
}
