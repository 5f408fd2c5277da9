import { MillraceError } from '../../errors/millrace-error.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Longest line in bytes: no request of Kafka's is longer. */
const MOST_BYTES = 100 << 20

/** Splits chunks of bytes into lines. A line lies in the chunk that it came in, unless it began in an earlier one. */
export class LineSplitter {
  /** The current line is `buffer[start, end)`, without its end: `\n` or `\r\n`. */
  buffer: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  #next = 0
  /** Where the search for the end of the next line begins. */
  #searched = 0
  /** The parts of a line that has no end yet. */
  #pieces: Buffer[] = []
  #pieceBytes = 0

  /** Adds a chunk, once there is no line left. */
  add(chunk: Buffer): void {
    const end = this.#pieces.length === 0 ? 0 : chunk.indexOf(LINE_FEED)
    if (end === -1) {
      this.#keep(chunk)
      this.buffer = NO_LINES
      this.#next = this.#searched = 0
      return
    }
    this.#searched = this.#pieceBytes
    this.buffer = this.#pieces.length === 0 ? chunk : Buffer.concat([...this.#pieces, chunk])
    this.#pieces = []
    this.#pieceBytes = 0
    this.#next = 0
  }

  /** Moves to the next line; false if there is none, and what is left is kept for the next chunk. */
  next(): boolean {
    const end = this.buffer.indexOf(LINE_FEED, this.#searched)
    if (end === -1) {
      if (this.#next < this.buffer.length) this.#keep(this.buffer.subarray(this.#next))
      this.buffer = NO_LINES
      this.#next = this.#searched = 0
      return false
    }
    this.#line(this.#next, end)
    this.#next = this.#searched = end + 1
    return true
  }

  /** Moves to what is left after the last chunk, a line without an end. False if nothing is left. */
  last(): boolean {
    if (this.#pieces.length === 0) return false
    this.buffer = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#line(0, this.buffer.length)
    return true
  }

  #line(start: number, end: number): void {
    this.start = start
    this.end = end > start && this.buffer[end - 1] === CARRIAGE_RETURN ? end - 1 : end
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
    if (this.#pieceBytes <= MOST_BYTES) return
    throw new MillraceError('MR_CLI_LINE', `a line is longer than ${MOST_BYTES} bytes`, {
      hint: 'Records are lines: see that the input has line ends.',
    })
  }
}

const NO_LINES = Buffer.alloc(0)
