import { z } from '@hono/zod-openapi'
import { MillraceError, messageOf } from '../../../errors/millrace-error.ts'
import type { RecordCursor } from '../../../log/log.ts'
import { bytesOf, FormError, jsonTextOf, SHOWN_FORMS, type ShownForm } from '../../../record-forms/forms.ts'
import { recordJson, type PartJson, type RecordJson } from '../../../record-forms/json-format.ts'
import { partBytes, type PartBytes } from '../../../record-forms/json-lines.ts'
import { readInner } from '../../../serde/call-serde.ts'
import { encodeGiven } from '../../../serde/given-json.ts'
import { exactJson, parseJson } from '../../../serde/json-integers.ts'
import { jsonOf } from '../../../serde/json-of.ts'
import type { Serde } from '../../../serde/serde.ts'
import type { TopicSerdes } from './own-topics.ts'

/** The forms of the command line, and what the application's own serdes make of a key or value. */
const FORMS = [...SHOWN_FORMS, 'schema'] as const
type Form = ShownForm | 'schema'

/** The form of a key or value, or the serde that makes it. */
type PartForm = ShownForm | Serde<unknown>

const form = z.enum(FORMS).optional()
const TEXT =
  '`schema` (as the application reads it; the default for its own topics), `auto` (the default for others: objects ' +
  'and arrays of JSON as themselves, other text as a string, and bytes as { base64 }), `text`, `json`, `long`, ' +
  '`int`, `double`, `hex`, `base64`'

/** The parameters that choose forms. */
export const FORMED = {
  keyAs: form.describe(`the form of keys: ${TEXT}`),
  valueAs: form.describe('the form of values, as `keyAs`'),
}

export interface FormQuery {
  readonly keyAs?: Form | undefined
  readonly valueAs?: Form | undefined
}

/** The forms of keys and values of a topic in one request. */
export class TopicForms {
  readonly topic: string
  readonly key: PartForm
  readonly value: PartForm

  /** @throws MR_SERVER_REQUEST for `schema` where no serdes are known */
  constructor(topic: string, serdes: TopicSerdes | undefined, { keyAs, valueAs }: FormQuery) {
    this.topic = topic
    this.key = chosen(topic, keyAs, serdes?.key)
    this.value = chosen(topic, valueAs, serdes?.value)
  }

  /** Returns the bytes of a key that is part of a URL. @throws MR_SERVER_REQUEST */
  keyIn(text: string): Buffer {
    const key = this.key
    try {
      if (typeof key === 'string') return bytesOf(key === 'auto' ? 'text' : key, text)
      return encodeGiven(key, key.name === 'string' || key.name === 'uuid' ? text : parseJson(text, 'bigint')).bytes
    } catch (error) {
      throw new MillraceError('MR_SERVER_REQUEST', `the parameter key is no key of the topic: ${messageOf(error)}`, {
        topic: this.topic,
        hint: 'Write it as keyAs says, or choose another form by keyAs.',
      })
    }
  }
}

function chosen(topic: string, given: Form | undefined, serde: Serde<unknown> | undefined): PartForm {
  if (given !== undefined && given !== 'schema') return given
  if (serde !== undefined) return serde
  if (given === undefined) return 'auto'
  throw new MillraceError('MR_SERVER_REQUEST', 'the application has no serdes for the topic', {
    topic,
    hint: 'Leave keyAs and valueAs out, or choose another form than schema.',
  })
}

/** Returns what makes bytes of a key or value in a record of JSON. */
export function givenBytes(part: PartForm): PartBytes {
  if (typeof part === 'string') return partBytes(part === 'auto' ? undefined : part)
  return (given) => {
    if (given === undefined || given === null) return null
    try {
      return encodeGiven(part, given).bytes
    } catch (error) {
      throw new FormError(messageOf(error))
    }
  }
}

/** Returns what makes bytes of one form that a serde can read, if there is one. */
export function readableBytes(form: 'json' | 'text' | 'base64', serde: Serde<unknown> | undefined): PartBytes {
  const toBytes = partBytes(form)
  return (given) => {
    const bytes = toBytes(given)
    if (bytes === null || serde === undefined) return bytes
    try {
      readInner(serde, bytes, 0, bytes.length)
    } catch (error) {
      throw new FormError(messageOf(error))
    }
    return bytes
  }
}

/**
 * Makes records JSON as `consume --json` prints them. A record that has not the form that was chosen must not keep a
 * client from those behind it: it is shown as by `auto`, with an `error`.
 */
export class ShownRecords {
  readonly #json: RecordJson
  #error: string | undefined

  constructor({ topic, key, value }: TopicForms) {
    this.#json = recordJson(topic, this.#part('key', key), this.#part('value', value))
  }

  /** Returns the JSON of the current record of a cursor. */
  line(partition: number, cursor: RecordCursor): string {
    this.#error = undefined
    const json = this.#json(partition, cursor)
    return this.#error === undefined ? json : `${json.slice(0, -1)},"error":${JSON.stringify(this.#error)}}`
  }

  #part(name: string, part: PartForm): PartJson {
    const show =
      typeof part === 'string'
        ? (buffer: Buffer, start: number, end: number): string => jsonTextOf(part, buffer, start, end)
        : (buffer: Buffer, start: number, end: number): string => exactJson(jsonOf(readInner(part, buffer, start, end)))
    return ({ buffer }, start, end) => {
      try {
        return show(buffer, start, end)
      } catch (error) {
        this.#error ??= `the ${name} cannot be read: ${messageOf(error)}`
        return jsonTextOf('auto', buffer, start, end)
      }
    }
  }
}
