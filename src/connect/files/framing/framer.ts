/**
 * Finds where records end in bytes of a file. It keeps nothing between two records, so that reading can begin at any
 * record. One object serves all records: its fields describe the one that was found last.
 */
export interface Framer {
  /** Index after the content of the record, without its delimiter. */
  readonly contentEnd: number
  /** Number of line ends in the record and its delimiter. */
  readonly lines: number
  /**
   * Finds the end of the record that begins at `start`.
   *
   * @returns the index after its delimiter; -1 if `buffer[start, end)` does not hold all of it
   */
  next(buffer: Buffer, start: number, end: number): number
  /** Sets the fields for a record without delimiter, which ends with its file. */
  rest(buffer: Buffer, start: number, end: number): void
  /** Finds where reading can go on behind a record that is too long: as `next`, but without a look at its content. */
  skip(buffer: Buffer, start: number, end: number): number
}

/** Most bytes of a delimiter. */
export const LONGEST_DELIMITER = 64

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22

/**
 * Lines that end with a line feed, or with a carriage return and a line feed. It serves every encoding in which the
 * byte 0x0A is a line feed and nothing else: UTF-8, ISO 8859, Windows code pages, EUC, Shift_JIS, GBK.
 */
export class LineFramer implements Framer {
  contentEnd = 0
  readonly lines = 1

  next(buffer: Buffer, start: number, end: number): number {
    const feed = buffer.indexOf(LINE_FEED, start)
    if (feed === -1 || feed >= end) return -1
    this.contentEnd = withoutReturn(buffer, start, feed)
    return feed + 1
  }

  rest(_buffer: Buffer, _start: number, end: number): void {
    this.contentEnd = end
  }

  skip(buffer: Buffer, start: number, end: number): number {
    return this.next(buffer, start, end)
  }
}

/** Lines of UTF-16: a line feed is two bytes, the first of which lies at an even distance from the beginning. */
export class WideLineFramer implements Framer {
  contentEnd = 0
  readonly lines = 1
  readonly #feed: Buffer
  readonly #return: Buffer

  constructor(isBigEndian: boolean) {
    this.#feed = Buffer.from(isBigEndian ? [0, LINE_FEED] : [LINE_FEED, 0])
    this.#return = Buffer.from(isBigEndian ? [0, CARRIAGE_RETURN] : [CARRIAGE_RETURN, 0])
  }

  next(buffer: Buffer, start: number, end: number): number {
    let feed = buffer.indexOf(this.#feed, start)
    while (feed !== -1 && (feed - start) % 2 === 1) feed = buffer.indexOf(this.#feed, feed + 1)
    if (feed === -1 || feed + 2 > end) return -1
    const hasReturn = feed - 2 >= start && this.#return.compare(buffer, feed - 2, feed) === 0
    this.contentEnd = hasReturn ? feed - 2 : feed
    return feed + 2
  }

  rest(_buffer: Buffer, _start: number, end: number): void {
    this.contentEnd = end
  }

  skip(buffer: Buffer, start: number, end: number): number {
    return this.next(buffer, start, end)
  }
}

/** Records that end with a text of the user's. */
export class DelimiterFramer implements Framer {
  contentEnd = 0
  lines = 0
  readonly #delimiter: Buffer
  readonly #delimiterLines: number

  constructor(delimiter: Buffer) {
    this.#delimiter = delimiter
    this.#delimiterLines = linesIn(delimiter, 0, delimiter.length)
  }

  next(buffer: Buffer, start: number, end: number): number {
    const at = buffer.indexOf(this.#delimiter, start)
    const after = at + this.#delimiter.length
    if (at === -1 || after > end) return -1
    this.contentEnd = at
    this.lines = linesIn(buffer, start, at) + this.#delimiterLines
    return after
  }

  rest(buffer: Buffer, start: number, end: number): void {
    this.contentEnd = end
    this.lines = linesIn(buffer, start, end)
  }

  skip(buffer: Buffer, start: number, end: number): number {
    return this.next(buffer, start, end)
  }
}

/**
 * Rows of CSV (RFC 4180): a line end inside quotes belongs to its row. A quote that is doubled inside quotes ends them
 * and begins them again, so that every quote turns what holds behind it.
 */
export class CsvFramer implements Framer {
  contentEnd = 0
  lines = 0

  next(buffer: Buffer, start: number, end: number): number {
    let isQuoted = false
    let lines = 0
    for (let at = start; at < end; at++) {
      const byte = buffer[at]
      if (byte === QUOTE) isQuoted = !isQuoted
      else if (byte === LINE_FEED) {
        lines++
        if (isQuoted) continue
        this.lines = lines
        this.contentEnd = withoutReturn(buffer, start, at)
        return at + 1
      }
    }
    return -1
  }

  rest(buffer: Buffer, start: number, end: number): void {
    this.contentEnd = end
    this.lines = linesIn(buffer, start, end)
  }

  /** A row that is too long has a quote that nothing closes: the next line is a row again. */
  skip(buffer: Buffer, start: number, end: number): number {
    const feed = buffer.indexOf(LINE_FEED, start)
    return feed === -1 || feed >= end ? -1 : feed + 1
  }
}

function withoutReturn(buffer: Buffer, start: number, feed: number): number {
  return feed > start && buffer[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed
}

/** Counts the line feeds in `buffer[start, end)`. */
export function linesIn(buffer: Buffer, start: number, end: number): number {
  let lines = 0
  for (let at = buffer.indexOf(LINE_FEED, start); at !== -1 && at < end; at = buffer.indexOf(LINE_FEED, at + 1)) lines++
  return lines
}
