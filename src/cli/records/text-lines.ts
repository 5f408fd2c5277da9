import { Headers } from '../../record/headers.ts'
import type { RecordSlice } from '../../record/record-slice.ts'
import { bytesOf, FormError, type GivenForm } from '../../record-forms/forms.ts'
import { ANY_PARTITION, fill, LineError, type RecordSource } from '../../record-forms/record-source.ts'

export interface TextLineOptions {
  /** Text between key and value; without it, lines have no key. */
  readonly keySeparator?: string | undefined
  /** True: a line begins with headers, as in `name:value,name:value`, and a tab. */
  readonly hasHeaders: boolean
  /** The key or value that stands for null. */
  readonly null?: string | undefined
  readonly key: GivenForm
  readonly value: GivenForm
}

const TAB = 0x09

/** Lines of text: headers, key and value, or the value alone. Bytes that are text stay where they were read. */
export class TextLines implements RecordSource {
  readonly #options: TextLineOptions
  readonly #separator: Buffer | undefined
  readonly #null: Buffer | undefined
  readonly #isPlain: boolean

  constructor(options: TextLineOptions) {
    this.#options = options
    this.#separator = options.keySeparator === undefined ? undefined : Buffer.from(options.keySeparator)
    this.#null = options.null === undefined ? undefined : Buffer.from(options.null)
    this.#isPlain = options.key === 'text' && options.value === 'text'
  }

  read(buffer: Buffer, start: number, end: number, slice: RecordSlice): number {
    slice.timestamp = -1
    slice.headers = undefined
    let from = start
    if (this.#options.hasHeaders) {
      const tab = buffer.indexOf(TAB, start)
      if (tab < 0 || tab >= end)
        throw new LineError('there is no tab after the headers', 'Begin lines with NAME:VALUE,… and a tab.')
      slice.headers = this.#headers(buffer.toString('utf8', start, tab))
      from = tab + 1
    }
    let [keyStart, keyEnd] = [-1, from]
    let valueStart = from
    if (this.#separator !== undefined) {
      const at = find(buffer, this.#separator, from, end)
      if (at === -1) {
        const separator = JSON.stringify(this.#options.keySeparator)
        throw new LineError(
          `there is no ${separator} after the key`,
          'Give the text between key and value by --key-separator.',
        )
      }
      keyStart = from
      keyEnd = at
      valueStart = at + this.#separator.length
    }
    slice.buffer = buffer
    slice.setKey(this.#isNull(buffer, keyStart, keyEnd) ? -1 : keyStart, keyEnd)
    slice.setValue(this.#isNull(buffer, valueStart, end) ? -1 : valueStart, end)
    if (!this.#isPlain) this.#encode(slice)
    return ANY_PARTITION
  }

  #isNull(buffer: Buffer, start: number, end: number): boolean {
    const marker = this.#null
    if (start === -1) return true
    if (marker === undefined || end - start !== marker.length) return false
    return buffer.compare(marker, 0, marker.length, start, end) === 0
  }

  #headers(text: string): Headers | undefined {
    if (text === '' || text === 'NO_HEADERS' || text === this.#options.null) return undefined
    const headers = new Headers()
    for (const pair of text.split(',')) {
      const at = pair.indexOf(':')
      if (at === -1)
        throw new LineError(`the header ${JSON.stringify(pair)} has no ":"`, 'Write headers as NAME:VALUE,NAME:VALUE.')
      const value = pair.slice(at + 1)
      headers.add(pair.slice(0, at), value === this.#options.null ? null : value)
    }
    return headers
  }

  #encode(slice: RecordSlice): void {
    const { key, value } = this.#options
    const part = (form: GivenForm, what: string, start: number, end: number): Buffer | null => {
      if (start < 0) return null
      try {
        return form === 'text'
          ? slice.buffer.subarray(start, end)
          : bytesOf(form, slice.buffer.toString('utf8', start, end))
      } catch (error) {
        if (!(error instanceof FormError)) throw error
        throw new LineError(
          `the ${what} is no ${form}: ${error.message}`,
          `Correct it, or choose another form by --${what}.`,
        )
      }
    }
    fill(slice, part(key, 'key', slice.keyStart, slice.keyEnd), part(value, 'value', slice.valueStart, slice.valueEnd))
  }
}

/** Finds bytes within `buffer[start, end)`; -1 if they are not there. `indexOf` would search behind the line, too. */
function find(buffer: Buffer, wanted: Buffer, start: number, end: number): number {
  const first = wanted[0]
  const last = end - wanted.length
  for (let at = start; at <= last; at++) {
    if (buffer[at] !== first) continue
    let same = 1
    while (same < wanted.length && buffer[at + same] === wanted[same]) same++
    if (same === wanted.length) return at
  }
  return -1
}
