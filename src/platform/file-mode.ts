import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The users who may read new files of state and logs: the owner alone, or the owner's group as well. */
export type FileMode = 'owner' | 'group'

/** Modes of new directories, as with umask 077 or 027. A stricter umask of the process still applies. */
export const DIRECTORY_MODES: Readonly<Record<FileMode, number>> = { owner: 0o700, group: 0o750 }
/** Modes of new files, likewise. */
export const FILE_MODES: Readonly<Record<FileMode, number>> = { owner: 0o600, group: 0o640 }

/** Gives a file that is about to replace another one the mode of the old file, which may have been set on purpose. */
export function keepMode(replacement: string, file: string): void {
  const before = statSync(file, { throwIfNoEntry: false })
  if (before !== undefined) changeMode(replacement, before.mode & 0o777)
}

/** Restricts the modes of files that have appeared in a directory since it was last looked at. */
export class NewFiles {
  readonly #directory: string
  readonly #mode: number
  /** Files by inode and time of birth: files are renamed and replaced, and inodes of deleted files are used again. */
  #known: ReadonlySet<string>

  constructor(directory: string, fileMode: FileMode) {
    this.#directory = directory
    this.#mode = FILE_MODES[fileMode]
    this.#known = new Set(this.#files().map(({ identity }) => identity))
  }

  restrict(): void {
    const files = this.#files()
    for (const { path, identity, mode } of files) {
      if (!this.#known.has(identity)) changeMode(path, mode & this.#mode)
    }
    this.#known = new Set(files.map(({ identity }) => identity))
  }

  #files(): { readonly path: string; readonly identity: string; readonly mode: number }[] {
    return readdirSync(this.#directory).flatMap((name) => {
      const path = join(this.#directory, name)
      const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
      if (stats?.isFile() !== true) return []
      return [{ path, identity: `${stats.ino} ${stats.birthtimeNs}`, mode: Number(stats.mode) }]
    })
  }
}

/** Changes a mode where the file system has modes. A mode is no reason to refuse data. */
function changeMode(path: string, mode: number): void {
  try {
    chmodSync(path, mode)
  } catch {
    // The file keeps the mode that the file system gave it.
  }
}
