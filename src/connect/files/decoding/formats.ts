import type { Block } from '../reading/block.ts'
import { InputError, NOTHING, type InputFormat } from './input-format.ts'
import type { TextDecoding } from './text-decoding.ts'

/** Records as their bytes. */
export class BytesFormat implements InputFormat {
  prepare(): void {
    // Nothing is decoded.
  }

  read({ buffer, starts, ends }: Block, index: number): Buffer {
    return Buffer.from(buffer.subarray(starts[index], ends[index]))
  }
}

/** Records as text. */
export class TextFormat implements InputFormat {
  readonly #text: TextDecoding

  constructor(text: TextDecoding) {
    this.#text = text
  }

  prepare(block: Block): void {
    this.#text.prepare(block)
  }

  read(block: Block, index: number): string {
    return this.#text.decode(block, index)
  }
}

/** A value of JSON in each line. Lines without anything but blanks are passed over. */
export class JsonFormat implements InputFormat {
  readonly #text: TextDecoding

  constructor(text: TextDecoding) {
    this.#text = text
  }

  prepare(block: Block): void {
    this.#text.prepare(block)
  }

  read(block: Block, index: number): unknown {
    const text = this.#text.decode(block, index)
    try {
      return JSON.parse(text) as unknown
    } catch {
      // The error of JSON.parse shows the value, which is not for logs.
      if (text.trim() === '') return NOTHING
      throw new InputError('it is no JSON', 'Each line must hold one value of JSON.')
    }
  }
}

/** Rows of CSV as objects, by the names of the columns. Blank lines are passed over. */
export class CsvFormat implements InputFormat {
  readonly #text: TextDecoding
  readonly #columns: readonly string[] | undefined
  readonly #delimiter: string

  /** @param columns names of the columns; undefined if the first row of each file has them */
  constructor(text: TextDecoding, columns: readonly string[] | undefined, delimiter: string) {
    this.#text = text
    this.#columns = columns
    this.#delimiter = delimiter
  }

  prepare(block: Block): void {
    this.#text.prepare(block)
  }

  read(block: Block, index: number): unknown {
    const text = this.#text.decode(block, index)
    if (text.trim() === '') return NOTHING
    const columns = this.#columns ?? block.columns
    const cells = this.cells(text)
    if (columns === undefined || cells.length !== columns.length) {
      throw new InputError(
        `it has ${cells.length} cells, and there are ${columns?.length ?? 0} columns`,
        'Correct the row, the names of the columns or the delimiter.',
      )
    }
    return Object.fromEntries(columns.map((column, at) => [column, cells[at]]))
  }

  /** @throws InputError */
  cells(row: string): readonly string[] {
    return row.includes('"') ? quotedCells(row, this.#delimiter) : row.split(this.#delimiter)
  }
}

/** Splits a row in which cells have quotes. */
function quotedCells(row: string, delimiter: string): readonly string[] {
  const cells: string[] = []
  for (let at = 0; ; at++) {
    const start = at
    if (row[at] === '"') {
      at = closingQuote(row, at) + 1
      cells.push(row.slice(start + 1, at - 1).replaceAll('""', '"'))
      if (at < row.length && row[at] !== delimiter)
        throw new InputError('text follows the quote that closes a cell', 'Write quotes within a cell twice.')
    } else {
      const end = row.indexOf(delimiter, at)
      at = end === -1 ? row.length : end
      const cell = row.slice(start, at)
      if (cell.includes('"'))
        throw new InputError(
          'a quote stands in a cell without quotes',
          'Put the cell into quotes, and write its own twice.',
        )
      cells.push(cell)
    }
    if (at === row.length) return cells
  }
}

/** Returns the index of the quote that closes a cell. */
function closingQuote(row: string, opening: number): number {
  for (let at = row.indexOf('"', opening + 1); at !== -1; at = row.indexOf('"', at + 2))
    if (row[at + 1] !== '"') return at
  throw new InputError('a quote is not closed', 'Close it, or write it twice within quotes.')
}
