import { isUtf8 } from 'node:buffer'
import { MillraceError } from '../../errors/millrace-error.ts'
import type { RecordCursor } from '../../log/log.ts'
import { NO_HEADERS, type Headers } from '../../record/headers.ts'
import { FormError, jsonTextOf, textOf, type ShownForm } from '../../record-forms/forms.ts'
import { recordJson, type PartJson } from '../../record-forms/json-format.ts'
import type { TextBlock } from '../../record-forms/text-block.ts'

/** How records are printed. */
export interface FormatOptions {
  readonly topic: string
  readonly key: ShownForm
  readonly value: ShownForm
  /** Text for a key, value or header that is null. */
  readonly null: string
  /** True: what a terminal would obey must not be printed. */
  readonly isTerminal: boolean
}

/** Prints the current record of a cursor into a block. @throws MR_DESERIALIZE, MR_CLI_BINARY */
export type PrintRecord = (block: TextBlock, partition: number, cursor: RecordCursor) => void

/** Parts that stand before the value, as Kafka's console consumer prints them. */
export interface Columns {
  readonly timestamp: boolean
  readonly partition: boolean
  readonly offset: boolean
  readonly headers: boolean
  readonly key: boolean
  readonly value: boolean
  readonly separator: string
}

type Part = 'key' | 'value'

/** Prints parts of records into blocks. */
class Parts {
  readonly options: FormatOptions

  constructor(options: FormatOptions) {
    this.options = options
  }

  print(block: TextBlock, part: Part, partition: number, cursor: RecordCursor): void {
    const { buffer } = cursor
    const start = part === 'key' ? cursor.keyStart : cursor.valueStart
    const end = part === 'key' ? cursor.keyEnd : cursor.valueEnd
    const form = this.options[part]
    if (start === -1) block.text(this.options.null)
    else if (form === 'auto' && !this.options.isTerminal && isUtf8(buffer.subarray(start, end)))
      block.copy(buffer, start, end)
    else if (form === 'text') this.#plain(block, part, partition, cursor, start, end)
    else block.text(this.#safe(this.#text(part, partition, cursor, start, end)))
  }

  headers(block: TextBlock, headers: Headers, between: string): void {
    let isFirst = true
    for (const { name, value } of headers) {
      const text = value === null ? this.options.null : textOf('auto', value, 0, value.length)
      block.text(this.#safe(`${isFirst ? '' : ','}${name}${between}${text}`))
      isFirst = false
    }
  }

  #text(part: Part, partition: number, cursor: RecordCursor, start: number, end: number): string {
    try {
      return textOf(this.options[part], cursor.buffer, start, end)
    } catch (error) {
      throw this.undecodable(part, partition, cursor, error)
    }
  }

  undecodable(part: Part, partition: number, { offset }: RecordCursor, error: unknown): unknown {
    if (!(error instanceof FormError)) return error
    const { topic, [part]: form } = this.options
    return new MillraceError('MR_DESERIALIZE', `the ${part} is no ${form}: ${error.message}`, {
      topic,
      partition,
      offset,
      hint: `Choose another form by --${part}; auto shows any bytes.`,
    })
  }

  /** Bytes as they are. A terminal would obey those that are no text. */
  #plain(
    block: TextBlock,
    part: Part,
    partition: number,
    { buffer, offset }: RecordCursor,
    start: number,
    end: number,
  ): void {
    const bytes = buffer.subarray(start, end)
    if (this.options.isTerminal && (!isUtf8(bytes) || CONTROLS.test(bytes.toString('utf8')))) {
      throw new MillraceError('MR_CLI_BINARY', `the ${part} is binary, and would be printed on a terminal`, {
        topic: this.options.topic,
        partition,
        offset,
        hint: `Print it to a file, or as --${part} auto, hex or base64.`,
      })
    }
    block.copy(buffer, start, end)
  }

  /** Escapes what a terminal would obey. */
  #safe(text: string): string {
    return this.options.isTerminal ? text.replaceAll(CONTROLS_ALL, escaped) : text
  }
}

const CONTROLS = /[^\P{Cc}\t\n]/u
const CONTROLS_ALL = new RegExp(CONTROLS, 'gu')

function escaped(control: string): string {
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** Prints records a line each: the value, after the columns that are asked for. */
export function columnFormat(options: FormatOptions, columns: Columns): PrintRecord {
  const parts = new Parts(options)
  const { timestamp, partition: hasPartition, offset, headers, key, value, separator } = columns
  const fields: PrintRecord[] = []
  if (timestamp) fields.push((block, _partition, cursor) => block.text(timeColumn(cursor.timestamp)))
  if (hasPartition) fields.push((block, partition) => block.text(`Partition:${partition}`))
  if (offset) fields.push((block, _partition, cursor) => block.text(`Offset:${cursor.offset}`))
  if (headers)
    fields.push((block, _partition, cursor) => {
      const found = cursor.headers(NO_HEADERS)
      if (found.length === 0) block.text('NO_HEADERS')
      else parts.headers(block, found, ':')
    })
  if (key) fields.push((block, partition, cursor) => parts.print(block, 'key', partition, cursor))
  if (value) fields.push((block, partition, cursor) => parts.print(block, 'value', partition, cursor))
  return (block, partition, cursor) => {
    for (let index = 0; index < fields.length; index++) {
      if (index > 0) block.text(separator)
      fields[index]!(block, partition, cursor)
    }
    block.text('\n')
  }
}

function timeColumn(timestamp: number): string {
  return timestamp === -1 ? 'NO_TIMESTAMP' : `CreateTime:${timestamp}`
}

/** Prints records as a line of JSON each, which `JsonLines` reads. */
export function jsonFormat(options: FormatOptions): PrintRecord {
  const parts = new Parts(options)
  const { topic, isTerminal } = options
  const json = (part: Part): PartJson => {
    const form = options[part]
    return (cursor, start, end, partition) => {
      try {
        return jsonTextOf(form, cursor.buffer, start, end)
      } catch (error) {
        throw parts.undecodable(part, partition, cursor, error)
      }
    }
  }
  const record = recordJson(topic, json('key'), json('value'))
  return (block, partition, cursor) => {
    const line = `${record(partition, cursor)}\n`
    // JSON may hold controls as they are that a terminal would obey.
    block.text(isTerminal ? line.replaceAll(/[\u007f-\u009f]/g, unicode) : line)
  }
}

function unicode(control: string): string {
  return `\\u00${control.charCodeAt(0).toString(16)}`
}

/** A text between letters, or what stands for a letter. */
export type FormatPart = string | { readonly letter: string }

const LETTERS = 'tpoTkvsKSh'
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', e: '\u001b', '\\': '\\' }

/**
 * Reads a format as kcat has it: `%t` topic, `%p` partition, `%o` offset, `%T` timestamp, `%k` key, `%v` or `%s` value,
 * `%K` and `%S` their bytes, -1 for null, `%h` headers, `%%`; `\n`, `\t`, `\r`, `\xHH`.
 *
 * @throws FormError for another letter
 */
export function parseFormat(format: string): readonly FormatPart[] {
  const parts: FormatPart[] = []
  let rest = ''
  for (const [whole, letter, hex, escape] of format.matchAll(/%(.?)|\\(?:x([0-9a-fA-F]{2})|([^x]?))|[^%\\]+|\\x/gsu)) {
    if (hex !== undefined) rest += String.fromCharCode(Number.parseInt(hex, 16))
    else if (letter === '%') rest += '%'
    else if (letter !== undefined) {
      if (letter === '' || !LETTERS.includes(letter)) throw new FormError(`%${letter} stands for nothing`)
      if (rest !== '') parts.push(rest)
      rest = ''
      parts.push({ letter })
    } else if (escape !== undefined) {
      const text = ESCAPES[escape]
      if (text === undefined) throw new FormError(`\\${escape} stands for nothing`)
      rest += text
    } else if (whole === '\\x') throw new FormError('\\x needs two digits of hex')
    else rest += whole
  }
  return rest === '' ? parts : [...parts, rest]
}

/** Prints records as a format says, without a line end of its own. */
export function letterFormat(options: FormatOptions, format: readonly FormatPart[]): PrintRecord {
  const parts = new Parts(options)
  const printers = format.map((part): PrintRecord => {
    if (typeof part === 'string') return (block) => block.text(part)
    switch (part.letter) {
      case 't':
        return (block) => block.text(options.topic)
      case 'p':
        return (block, partition) => block.text(String(partition))
      case 'o':
        return (block, _partition, cursor) => block.text(String(cursor.offset))
      case 'T':
        return (block, _partition, cursor) => block.text(String(cursor.timestamp))
      case 'K':
        return (block, _partition, cursor) => block.text(sizeOf(cursor.keyStart, cursor.keyEnd))
      case 'S':
        return (block, _partition, cursor) => block.text(sizeOf(cursor.valueStart, cursor.valueEnd))
      case 'h':
        return (block, _partition, cursor) => parts.headers(block, cursor.headers(NO_HEADERS), '=')
      case 'k':
        return (block, partition, cursor) => parts.print(block, 'key', partition, cursor)
      default:
        return (block, partition, cursor) => parts.print(block, 'value', partition, cursor)
    }
  })
  return (block, partition, cursor) => {
    for (let index = 0; index < printers.length; index++) printers[index]!(block, partition, cursor)
  }
}

function sizeOf(start: number, end: number): string {
  return start === -1 ? '-1' : String(end - start)
}
