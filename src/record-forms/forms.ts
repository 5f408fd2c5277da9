import { isUtf8 } from 'node:buffer'
import { messageOf } from '../errors/millrace-error.ts'
import { exactJsonOfParsed, parseJson } from '../serde/json-integers.ts'

/**
 * How the bytes of a key or value are written as text. `auto`: text where they are UTF-8, else hex; in a line of JSON,
 * an object or array as itself, other text as a string, and anything else as `{"base64": …}`.
 */
export const SHOWN_FORMS = ['auto', 'text', 'json', 'long', 'int', 'double', 'hex', 'base64'] as const
export const GIVEN_FORMS = ['text', 'json', 'long', 'int', 'double', 'hex', 'base64'] as const

export type ShownForm = (typeof SHOWN_FORMS)[number]
export type GivenForm = (typeof GIVEN_FORMS)[number]

/** Text or bytes that have not the form that they should have: the message says which one. */
export class FormError extends Error {}

/** Returns the bytes as text. @throws FormError for bytes of another form */
export function textOf(form: ShownForm, buffer: Buffer, start: number, end: number): string {
  switch (form) {
    case 'auto':
      return isUtf8(buffer.subarray(start, end))
        ? buffer.toString('utf8', start, end)
        : buffer.toString('hex', start, end)
    case 'hex':
    case 'base64':
      return buffer.toString(form, start, end)
    case 'text':
      return buffer.toString('utf8', start, end)
    case 'json':
      return exactJsonOfParsed(jsonIn(buffer, start, end))
    default:
      return numberIn(form, buffer, start, end)
  }
}

/** Returns the bytes as JSON text, from which `bytesOfJson` makes the same bytes. @throws FormError as `textOf` */
export function jsonTextOf(form: ShownForm, buffer: Buffer, start: number, end: number): string {
  if (form === 'json') return exactJsonOfParsed(jsonIn(buffer, start, end))
  if (form === 'long' || form === 'int') return numberIn(form, buffer, start, end)
  if (form === 'auto' || form === 'text') {
    const text = buffer.toString('utf8', start, end)
    // What is no UTF-8 is read as replacement characters.
    if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end)))
      return `{"base64":"${buffer.toString('base64', start, end)}"}`
    return form === 'auto' && isExactJson(text) ? text : JSON.stringify(text)
  }
  return JSON.stringify(textOf(form, buffer, start, end))
}

/** True for an object or array that reading and writing leaves as it is, byte by byte. */
function isExactJson(text: string): boolean {
  const first = text.charCodeAt(0)
  if (first !== 0x7b && first !== 0x5b) return false
  try {
    const value = parseJson(text, 'bigint')
    return base64Of(value) === undefined && exactJsonOfParsed(value) === text
  } catch {
    return false
  }
}

/** Returns the bytes that a value of a line of JSON stands for. @throws FormError */
export function bytesOfJson(form: GivenForm | undefined, value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  if (form === 'json') return Buffer.from(exactJsonOfParsed(value))
  const base64 = base64Of(value)
  if (base64 !== undefined) return bytesOf('base64', base64)
  if (form !== undefined && form !== 'text') {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
      return bytesOf(form, String(value))
    throw new FormError(`it is ${Array.isArray(value) ? 'an array' : `of type ${typeof value}`}, not ${form}`)
  }
  return Buffer.from(typeof value === 'string' ? value : exactJsonOfParsed(value))
}

/** Returns the bytes that a text stands for. @throws FormError */
export function bytesOf(form: GivenForm, text: string): Buffer {
  switch (form) {
    case 'text':
      return Buffer.from(text)
    case 'json':
      try {
        JSON.parse(text)
      } catch (error) {
        throw new FormError(`it is not JSON: ${messageOf(error)}`)
      }
      return Buffer.from(text)
    case 'hex':
      if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new FormError('it is not hex')
      return Buffer.from(text, 'hex')
    case 'base64':
      if (!/^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/.test(text)) throw new FormError('it is not base64')
      return Buffer.from(text, 'base64')
    default:
      return numberBytes(form, text)
  }
}

function base64Of(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('base64' in value)) return undefined
  return typeof value.base64 === 'string' && Object.keys(value).length === 1 ? value.base64 : undefined
}

function jsonIn(buffer: Buffer, start: number, end: number): unknown {
  try {
    return parseJson(buffer.toString('utf8', start, end), 'bigint')
  } catch {
    throw new FormError('it is not JSON')
  }
}

const NUMBER_BYTES = { long: 8, int: 4, double: 8 } as const

function numberIn(form: keyof typeof NUMBER_BYTES, buffer: Buffer, start: number, end: number): string {
  const bytes = NUMBER_BYTES[form]
  if (end - start !== bytes) throw new FormError(`it has ${end - start} bytes, and ${form} has ${bytes}`)
  if (form === 'long') return String(buffer.readBigInt64BE(start))
  return String(form === 'int' ? buffer.readInt32BE(start) : buffer.readDoubleBE(start))
}

function numberBytes(form: keyof typeof NUMBER_BYTES, text: string): Buffer {
  const bytes = Buffer.alloc(NUMBER_BYTES[form])
  const isWhole = /^-?\d+$/.test(text)
  try {
    if (form === 'long' && isWhole) bytes.writeBigInt64BE(BigInt(text))
    else if (form === 'int' && isWhole) bytes.writeInt32BE(Number(text))
    else if (form === 'double' && text.trim() !== '' && (!Number.isNaN(Number(text)) || text === 'NaN'))
      bytes.writeDoubleBE(Number(text))
    else throw new FormError(`${JSON.stringify(text.slice(0, 40))} is no ${form}`)
  } catch (error) {
    if (error instanceof RangeError) throw new FormError(`${text.slice(0, 40)} is beyond the range of ${form}`)
    throw error
  }
  return bytes
}
