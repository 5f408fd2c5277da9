import { crc32c } from '../../../platform/checksum.ts'

/** Most bytes before a position by which a file is known again. */
export const MOST_TAIL = 1024

/** The last bytes that were read of a file: what must stand there before its position. */
export interface Tail {
  /** Number of bytes; all that were read if they are fewer than `MOST_TAIL`. */
  readonly length: number
  /** CRC-32C of them. */
  readonly checksum: number
}

export const NO_TAIL: Tail = { length: 0, checksum: 0 }

/** How far a file was read. Bytes are those of its text: of the unpacked stream if the file is packed. */
export interface FilePosition {
  /** Path at which the file was seen last. */
  readonly path: string
  /** Device and inode. They stay when a file is renamed, and may be given to another one when it is deleted. */
  readonly id: string
  /** Index of the first byte that was not read. */
  readonly byte: number
  /** Number of lines before it. */
  readonly line: number
  readonly tail: Tail
  /** Size of the file when it was seen last: what of it was not read is lost if the file is truncated. */
  readonly size: number
  /** How many times its content was replaced: truncated, and written again from its beginning. */
  readonly generation: number
  /** True: it was read whole, and is to be deleted or moved. */
  readonly isDone?: true
}

/** Position of a source of files, kept with the records. */
export interface FilesPosition {
  /** The files that it knows, in the order in which they are read. */
  readonly files: readonly FilePosition[]
  /** Bytes that were cut off, or deleted, before they were read. */
  readonly lost: number
}

/** Returns the position before the first byte of a file. */
export function beginning(path: string, id: string, size: number): FilePosition {
  return { path, id, byte: 0, line: 0, tail: NO_TAIL, size, generation: 0 }
}

export const NOTHING_READ: FilesPosition = { files: [], lost: 0 }

/** Returns the tail of a position `byte`, in a buffer in which they end at `end`. */
export function tailOf(buffer: Buffer, end: number, byte: number): Tail {
  const length = Math.min(byte, end, MOST_TAIL)
  return length === 0 ? NO_TAIL : { length, checksum: crc32c(buffer.subarray(end - length, end)) }
}

/** True if a buffer begins with these bytes. */
export function beginsWith(buffer: Buffer, { length, checksum }: Tail): boolean {
  return length === 0 || crc32c(buffer.subarray(0, length)) === checksum
}
