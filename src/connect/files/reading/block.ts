import { MillraceError } from '../../../errors/millrace-error.ts'

/** Records of one file that lie side by side in a buffer. One object serves all of them, one after the other. */
export class Block {
  path = ''
  buffer: Buffer = Buffer.alloc(0)
  /** Number of records. */
  count = 0
  /** Index in `buffer` of each record's first byte, and of the byte after its last. */
  readonly starts: number[] = []
  readonly ends: number[] = []
  /** Number of the line in which each record begins. The first line is 1. */
  readonly lines: number[] = []
  /** Names of the columns, of a CSV file that has them in its first row. */
  columns: readonly string[] | undefined
  /** What stands in the place of records, if it is too long for one. */
  bad: BadRecord | undefined
  /** Index in the file of the first byte of `buffer`. */
  #base = 0

  /** True if the buffer begins where the file does. */
  get isAtBeginning(): boolean {
    return this.#base === 0
  }

  begin(path: string, buffer: Buffer, base: number, columns: readonly string[] | undefined): void {
    this.path = path
    this.buffer = buffer
    this.#base = base
    this.columns = columns
    this.count = 0
    this.bad = undefined
  }

  add(start: number, end: number, line: number): void {
    const index = this.count++
    this.starts[index] = start
    this.ends[index] = end
    this.lines[index] = line
  }

  /** Makes the bytes of a record something that is not one. */
  badRecord(index: number, what: string, hint: string, cause?: unknown): BadRecord {
    const [start, end] = [this.starts[index]!, this.ends[index]!]
    const place = placeOf(this.path, this.lines[index]!, this.#base + start)
    return badRecord(place, what, hint, Buffer.from(this.buffer.subarray(start, end)), cause)
  }
}

/** Bytes of a file that are no record. */
export interface BadRecord {
  readonly error: MillraceError
  readonly rawValue: Buffer
  readonly place: string
}

export function badRecord(place: string, what: string, hint: string, rawValue: Buffer, cause?: unknown): BadRecord {
  return { error: new MillraceError('MR_FILE_RECORD', `${place}: ${what}`, { hint, cause }), rawValue, place }
}

export function placeOf(path: string, line: number, byte: number): string {
  return `${path}, line ${line}, byte ${byte}`
}
