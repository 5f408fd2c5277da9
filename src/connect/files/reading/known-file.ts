import { systemClock } from '../../../platform/clock.ts'
import { isPacked, openBytes, type ByteSource } from './byte-source.ts'
import { NO_TAIL, type FilePosition, type Tail } from './file-position.ts'
import type { FoundFile } from './file-pattern.ts'

/** In place of device and inode, if there is no file any more. */
const NO_FILE = ''

/** A file that is read, and how far. */
export class KnownFile {
  path: string
  id: string
  byte: number
  line: number
  tail: Tail
  size: number
  generation: number
  /** True: it was read whole, and is to be deleted or moved once that is committed. */
  isDone: boolean
  /** True if it is at a path of the pattern. */
  isListed = false
  /** True if it is anywhere to be found. */
  isThere = false
  /** True if it may hold what was not seen: it has changed since it was read to its end. */
  isNews = true
  /** True if everything was read that the file has, but for a record that has not ended. */
  isAtEnd = false
  /** Monotonic time of the last change that was seen, ms. */
  changed = systemClock.monotonic()
  /** Size before the last change: what was not read of it is lost if the content is another one now. */
  #sizeBefore: number
  /** Names of the columns, from the first row of a CSV file. */
  columns: readonly string[] | undefined
  #modified = -1
  #bytes: ByteSource | undefined

  constructor(position: FilePosition) {
    this.path = position.path
    this.id = position.id
    this.byte = position.byte
    this.line = position.line
    this.tail = position.tail
    this.size = position.size
    this.#sizeBefore = position.size
    this.generation = position.generation
    this.isDone = position.isDone === true
  }

  get isPacked(): boolean {
    return isPacked(this.path)
  }

  get isOpen(): boolean {
    return this.#bytes !== undefined
  }

  /** Index up to which it is read at a time, so that one which grows fast does not keep the others waiting. */
  get limit(): number {
    return this.isPacked || !this.isThere ? Infinity : this.size
  }

  /** True if it may have bytes behind its position. */
  get hasRest(): boolean {
    return this.isPacked || !this.isThere || this.byte < this.size
  }

  /** Takes note of where and how it was found. */
  see(found: FoundFile, isListed: boolean): void {
    if (this.isListed && !isListed) this.#hasChanged()
    this.path = found.path
    this.isListed = isListed
    this.isThere = true
    if (found.size === this.size && found.modified === this.#modified) return
    this.#sizeBefore = this.size
    this.size = found.size
    // The first look after a start is no change.
    if (this.#modified !== -1) this.isDone = false
    this.#modified = found.modified
    this.#hasChanged()
  }

  /** Takes note of having been deleted, or moved where it is not looked for. */
  miss(): void {
    if (this.isThere) this.#hasChanged()
    this.isThere = this.isListed = false
  }

  /** Takes note of being another file with the same content, as far as it was read. */
  async become(found: FoundFile): Promise<void> {
    await this.close()
    this.id = found.id
    this.size = found.size
    this.see(found, true)
  }

  /** Stands for the content that a file had before it was truncated. */
  static replaced(file: KnownFile): KnownFile {
    return new KnownFile({ ...file.position(), id: NO_FILE, size: file.#sizeBefore })
  }

  /** True for content that a file had before it was truncated. It may be in a copy. */
  get isReplaced(): boolean {
    return this.id === NO_FILE
  }

  /** Begins again with content that took the place of what was read. */
  startOver(): void {
    this.byte = 0
    this.line = 0
    this.tail = NO_TAIL
    this.columns = undefined
    this.generation++
    this.isDone = false
    this.isNews = true
  }

  #hasChanged(): void {
    this.isNews = true
    this.isAtEnd = false
    this.changed = systemClock.monotonic()
  }

  /** Returns its bytes; undefined if it is gone, or at another path by now. */
  async bytes(): Promise<ByteSource | undefined> {
    return (this.#bytes ??= await openBytes(this.path, this.id))
  }

  async close(): Promise<void> {
    const bytes = this.#bytes
    this.#bytes = undefined
    await bytes?.close()
  }

  position(): FilePosition {
    const { path, id, byte, line, tail, size, generation } = this
    const position = { path, id, byte, line, tail, size, generation }
    return this.isDone ? { ...position, isDone: true } : position
  }
}
