import { MillraceError } from '../../../errors/millrace-error.ts'
import { SerializedKey, type AskedStore } from '../../../query/store-queries.ts'
import { json } from '../../../serde/json.ts'
import { jsonOf } from '../../../serde/json-of.ts'

export type KeyForm = 'text' | 'json' | 'base64' | 'hex'

/** Serdes whose values are text. */
const TEXTUAL: ReadonlySet<string> = new Set(['string', 'uuid'])
const BASE64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$/
const HEX = /^(?:[0-9a-f]{2})*$/i
/** Refuses integers whose digits a number does not hold. */
const JSON_TEXT = json<unknown>()

/** Keys of a store on their way from requests and into responses. */
export class StoreKeys {
  readonly #store: AskedStore
  readonly #form: KeyForm

  constructor(store: AskedStore, form: KeyForm | undefined) {
    this.#store = store
    this.#form = form ?? (TEXTUAL.has(store.spec.keySerde.name) ? 'text' : 'json')
  }

  /** Reads a key that is part of a URL. @throws MR_QUERY_KEY */
  read(text: string): SerializedKey {
    switch (this.#form) {
      case 'text':
        return this.#serialized(text)
      case 'json':
        return this.#ofJson(text)
      default:
        return this.#ofBytes(this.#bytes(text))
    }
  }

  /** Reads a key that is a value of JSON. @throws MR_QUERY_KEY */
  readJson(value: unknown): SerializedKey {
    if (this.#form !== 'json') {
      if (typeof value === 'string') return this.read(value)
      throw this.#refusal(`keys as ${this.#form} are strings`)
    }
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) return this.#ofJson(JSON.stringify(value))
    throw this.#refusal('a number is not exact beyond 2^53: give a string of digits')
  }

  /** Reads the beginning of keys: as bytes, or as text, which is taken as UTF-8. @throws MR_QUERY_KEY */
  readPrefix(text: string): Buffer {
    return this.#form === 'text' || this.#form === 'json' ? Buffer.from(text) : this.#bytes(text)
  }

  /** Returns a key as a value for JSON. @throws MR_STATE_DESERIALIZE */
  show(key: Buffer): unknown {
    return this.#form === 'base64' || this.#form === 'hex' ? key.toString(this.#form) : jsonOf(this.#store.decode(key))
  }

  #serialized(value: unknown): SerializedKey {
    return new SerializedKey(this.#store.encode(value), value)
  }

  /** Integers are numbers, or bigints where the serde wants those or a number would not be exact. */
  #ofJson(text: string): SerializedKey {
    const digits = /^("?)(-?(?:0|[1-9]\d*))\1$/.exec(text)?.[2]
    const isExact = digits === undefined || text !== digits || Number.isSafeInteger(Number(digits))
    if (!isExact) return this.#serialized(BigInt(digits))
    const value = this.#parsed(text)
    try {
      return this.#serialized(value)
    } catch (error) {
      if (digits === undefined) throw error
      return this.#serialized(BigInt(digits))
    }
  }

  #parsed(text: string): unknown {
    try {
      return JSON_TEXT.deserialize(Buffer.from(text))
    } catch (cause) {
      throw this.#refusal('the key is no JSON, or has numbers that are not exact', cause)
    }
  }

  #bytes(text: string): Buffer {
    const isBase64 = this.#form === 'base64'
    if ((isBase64 ? BASE64 : HEX).test(text)) return Buffer.from(text, isBase64 ? 'base64' : 'hex')
    throw this.#refusal(`the key is not in ${this.#form}`)
  }

  #ofBytes(bytes: Buffer): SerializedKey {
    try {
      return new SerializedKey(bytes, this.#store.decode(bytes))
    } catch (cause) {
      throw this.#refusal('these bytes are no key of the store', cause)
    }
  }

  #refusal(message: string, cause?: unknown): MillraceError {
    return new MillraceError('MR_QUERY_KEY', message, {
      store: this.#store.name,
      cause,
      hint: `Its keys are of serde ${this.#store.spec.keySerde.name}. \`keyAs\` is text, json, base64 or hex.`,
    })
  }
}
