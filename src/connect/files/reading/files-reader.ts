import { systemClock } from '../../../platform/clock.ts'
import type { Block } from './block.ts'
import type { ByteSource } from './byte-source.ts'
import { DirectoryChanges } from './directory-changes.ts'
import type { FilePattern } from './file-pattern.ts'
import type { KnownFile } from './known-file.ts'
import type { KnownFiles } from './known-files.ts'
import { RecordWindow, type Layout } from './record-window.ts'

/** Time without a change after which a file that has left the pattern is taken to be finished, ms. */
const OVER_AFTER = 60_000

/** How files are followed. */
export interface Following {
  /** ms without a change until what has no delimiter is taken for a record. */
  readonly flushPartial: number
  /** ms without a change after which a file is done; Infinity if nothing is to be done with it. */
  readonly doneAfter: number
  /** ms between two looks at the disk, where the system does not notify of changes. */
  readonly pollInterval: number
  readonly signal: AbortSignal
  /** True: stop at the end of what there is, and take what has no delimiter for a record. */
  readonly untilEnd: boolean
}

/** Reads the records of files, one file after the other, and goes on where they grow. */
export class FilesReader {
  readonly #pattern: FilePattern
  readonly #files: KnownFiles
  readonly #following: Following
  readonly #window: RecordWindow

  constructor(pattern: FilePattern, files: KnownFiles, layout: Layout, following: Following) {
    this.#pattern = pattern
    this.#files = files
    this.#following = following
    this.#window = new RecordWindow(layout)
  }

  /**
   * Yields blocks of records, each valid until the next one is asked for. When it is yielded, the files' positions are
   * behind it. A block without records has changed positions alone.
   *
   * @throws MR_FILE_MANY, MR_FILE_PERMISSION, MR_FILE_IO, MR_FILE_DAMAGED
   */
  async *blocks(): AsyncGenerator<Block> {
    const { signal, untilEnd, pollInterval } = this.#following
    const files = this.#files
    const changes = new DirectoryChanges(this.#pattern.directory)
    try {
      while (!signal.aborted) {
        await files.look()
        for (const file of [...files.all]) {
          yield* this.#drain(file)
          yield* this.#settle(file)
        }
        await files.closeQuiet()
        if (untilEnd) {
          if (await files.forgetReplaced()) yield this.#noRecords()
          return
        }
        await changes.wait(pollInterval, signal)
      }
    } finally {
      changes.close()
      await files.close()
    }
  }

  /** Yields what a file has behind its position, up to the size with which it was found. */
  async *#drain(file: KnownFile): AsyncGenerator<Block> {
    if (file.isThere && !file.isNews) return
    const bytes = await file.bytes()
    if (bytes === undefined) return
    const window = this.#window
    while (!this.#following.signal.aborted && file.byte < file.limit) {
      if (!(await this.#fill(file, bytes))) return
      if (window.frame(file)) yield window.block
      else if (window.isTooLong(file)) {
        if (!(await window.passOver(file, bytes, false))) break
        yield window.block
      } else if (window.isAtEnd || !window.grow()) break
    }
    file.isNews = false
    file.isAtEnd = window.isAtEnd && bytes.isWhole
  }

  /** @returns false if there is nothing to be read now */
  async #fill(file: KnownFile, bytes: ByteSource): Promise<boolean> {
    for (;;) {
      if (!(await this.#window.readHeader(file, bytes))) return false
      const outcome = await this.#window.fill(file, bytes)
      if (outcome === 'filled') return true
      if (outcome === 'short') return false
      if (!file.isListed) {
        await this.#files.forget(file)
        return false
      }
      this.#files.replaced(file)
    }
  }

  /** Ends what has ended: a last line without a line end, files that are done, files that have left the pattern. */
  async *#settle(file: KnownFile): AsyncGenerator<Block> {
    const { signal, untilEnd, flushPartial, doneAfter } = this.#following
    if (signal.aborted) return
    const quiet = systemClock.monotonic() - file.changed
    const isOver = !file.isListed && quiet >= OVER_AFTER
    const isDone = file.isListed && doneAfter !== Infinity && (untilEnd || quiet >= doneAfter)
    if (untilEnd || isOver || isDone || quiet >= flushPartial) yield* this.#rest(file)
    if (isOver) await this.#files.end(file)
    else if (isDone && file.isAtEnd && !file.isDone) {
      file.isDone = true
      yield this.#noRecords()
    }
  }

  #noRecords(): Block {
    this.#window.block.begin('', this.#window.block.buffer, 0, undefined)
    return this.#window.block
  }

  /** Yields what a file has behind its last delimiter. */
  async *#rest(file: KnownFile): AsyncGenerator<Block> {
    const bytes = file.hasRest ? await file.bytes() : undefined
    if (bytes === undefined) return
    const window = this.#window
    while (await this.#fill(file, bytes)) {
      if (window.isEmpty(file) || !bytes.isWhole) return
      if (!window.frame(file)) {
        if (window.isTooLong(file)) await window.passOver(file, bytes, true)
        else if (window.isAtEnd) window.rest(file)
        else if (window.grow()) continue
      }
      file.isAtEnd = true
      yield window.block
    }
  }
}
