import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { isMissing } from '../../../platform/if-there.ts'
import { fileFailure } from '../failures/file-failure.ts'
import { openBytes } from './byte-source.ts'
import { beginning, beginsWith, type FilesPosition } from './file-position.ts'
import { found, type FilePattern, type FoundFile } from './file-pattern.ts'
import { KnownFile } from './known-file.ts'

/** Most bytes of a position as text, about: the runtime keeps it in one record. */
const MOST_POSITION = 450_000
/** Bytes of the position of a file, about, besides its path. */
const EACH_POSITION = 180
/** Most files that are kept open, so that they can be read to their end when they are deleted. */
const MOST_OPEN = 100

/** Receives the number of bytes that were cut off, or deleted, before they were read. */
export type OnLoss = (path: string, what: string, bytes: number) => void

/**
 * The files of a source, in the order in which they are read. `look` compares them with what is on the disk: a file
 * that was renamed is known by its inode; one that was copied and deleted, as when a log is packed, by its content.
 */
export class KnownFiles {
  readonly #pattern: FilePattern
  readonly #onLoss: OnLoss
  #files: KnownFile[]
  #lost: number

  constructor(pattern: FilePattern, position: FilesPosition, onLoss: OnLoss) {
    this.#pattern = pattern
    this.#onLoss = onLoss
    this.#lost = position.lost
    this.#files = position.files.map((each) => new KnownFile(each))
  }

  get all(): readonly KnownFile[] {
    return this.#files
  }

  /** @throws MR_FILE_MANY, MR_FILE_PERMISSION, MR_FILE_IO */
  async look(): Promise<void> {
    await this.forgetReplaced()
    const listed = await this.#pattern.find()
    const byId = new Map(this.#files.map((file) => [file.id, file]))
    const seen = new Set<KnownFile>()
    const others: FoundFile[] = []
    for (const each of listed) {
      const file = byId.get(each.id)
      if (file === undefined) others.push(each)
      // The same file may have two names.
      else if (!seen.has(file)) file.see(each, true)
      if (file !== undefined) seen.add(file)
    }
    await this.#lookForRenamed(this.#files.filter((file) => !seen.has(file)))
    for (const file of [...this.#files]) if (file.isThere && file.isNews) await this.#verify(file)
    for (const each of others) await this.#add(each)
    for (const file of this.#files) if (file.isDone && !file.isThere) await this.forget(file)
    this.#requireRoom()
  }

  position(): FilesPosition {
    return { files: this.#files.map((file) => file.position()), lost: this.#lost }
  }

  /** Forgets a file that has left the pattern and does not change any more. */
  async end(file: KnownFile): Promise<void> {
    if (!file.isThere && !file.isPacked)
      this.#lose(file, file.isReplaced ? 'was truncated' : 'was deleted', file.size - file.byte)
    await this.forget(file)
  }

  forget(file: KnownFile): Promise<void> {
    this.#files = this.#files.filter((each) => each !== file)
    return file.close()
  }

  /** Keeps the files open that have changed last. */
  async closeQuiet(): Promise<void> {
    const open = this.#files.filter((file) => file.isOpen)
    if (open.length <= MOST_OPEN) return
    open.sort((a, b) => a.changed - b.changed)
    for (const file of open.slice(0, open.length - MOST_OPEN)) await file.close()
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close()
  }

  #requireRoom(): void {
    let bytes = 0
    for (const file of this.#files) bytes += file.path.length + EACH_POSITION
    if (bytes <= MOST_POSITION) return
    throw new MillraceError(
      'MR_FILE_MANY',
      `${this.#pattern.text} fits ${this.#files.length} files, which are too many`,
      {
        hint: "Delete or move what was read, by done: 'delete' or done: { move: 'read' }, or divide the pattern.",
      },
    )
  }

  /** Finds files that are at no path of the pattern any more, but in their directory. */
  async #lookForRenamed(missing: readonly KnownFile[]): Promise<void> {
    const found = new Map<string, FoundFile>()
    for (const directory of new Set(missing.map((file) => dirname(file.path))))
      for (const each of await filesIn(directory)) found.set(each.id, each)
    for (const file of missing) {
      const each = found.get(file.id)
      if (each === undefined) file.miss()
      else file.see(each, false)
    }
  }

  /** Finds out whether a file still has what was read of it. An inode may be another file's by now. */
  async #verify(file: KnownFile): Promise<void> {
    if (file.byte === 0 || (await compare(file, file)) !== 'other') return
    if (file.isListed) this.replaced(file)
    else file.miss()
  }

  /** Reads a file from its beginning whose content is another one now. Its old content may be in a copy. */
  replaced(file: KnownFile): void {
    this.#files.push(KnownFile.replaced(file))
    file.startOver()
  }

  /** Gives up content that was replaced before the last look, and that no copy has. @returns true if there was any */
  async forgetReplaced(): Promise<boolean> {
    const replaced = this.#files.filter((file) => file.isReplaced)
    for (const file of replaced) await this.end(file)
    return replaced.length > 0
  }

  async #add(each: FoundFile): Promise<void> {
    for (const file of this.#files) {
      // A copy, or what packs a file, has the file's name and something behind it.
      const mayBeCopy = each.path.startsWith(file.path) && each.path !== file.path
      if (file.byte === 0 || (file.isThere && !mayBeCopy)) continue
      const likeness = await compare(file, each)
      if (likeness === 'other') continue
      // While both are there, or the copy is being written, the file itself is read.
      if (likeness === 'same' && !file.isThere) await file.become(each)
      return
    }
    const file = new KnownFile(beginning(each.path, each.id, each.size))
    file.see(each, true)
    this.#files.push(file)
  }

  #lose(file: KnownFile, what: string, bytes: number): void {
    if (bytes <= 0) return
    this.#lost += bytes
    this.#onLoss(file.path, what, bytes)
  }
}

type Likeness = 'same' | 'other' | 'undecided'

/** Compares what was read of a file last with what stands there in another one. */
async function compare({ byte, tail }: KnownFile, { path, id }: Pick<FoundFile, 'path' | 'id'>): Promise<Likeness> {
  const bytes = await openBytes(path, id)
  if (bytes === undefined) return 'undecided'
  try {
    const buffer = Buffer.allocUnsafe(tail.length)
    const read = await bytes.read(buffer, byte - tail.length)
    if (read === tail.length) return beginsWith(buffer, tail) ? 'same' : 'other'
    return bytes.isWhole ? 'other' : 'undecided'
  } finally {
    await bytes.close()
  }
}

async function filesIn(directory: string): Promise<FoundFile[]> {
  try {
    const names = await readdir(directory)
    const files = await Promise.all(names.map((name) => found(join(directory, name))))
    return files.filter((file) => file !== undefined)
  } catch (error) {
    if (isMissing(error)) return []
    throw fileFailure('read', directory, error)
  }
}
