import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Who may read the files of state and logs that are made: nobody but the user, or the user's group as well. */
export type FileMode = 'owner' | 'group'

/** As with umask 077, or 027. A stricter umask of the process counts, too. */
export const DIRECTORY_MODES: Readonly<Record<FileMode, number>> = { owner: 0o700, group: 0o750 }
export const FILE_MODES: Readonly<Record<FileMode, number>> = { owner: 0o600, group: 0o640 }

/** Gives a file that is about to replace another one the mode of that: whoever set it had a reason. */
export function keepMode(replacement: string, file: string): void {
  const before = statSync(file, { throwIfNoEntry: false })
  if (before !== undefined) changeMode(replacement, before.mode & 0o777)
}

/** Takes from all but those meant what rights they have to files that came into a directory since it was looked at. */
export class NewFiles {
  readonly #directory: string
  readonly #mode: number
  /** By inode and birth: files are renamed and replaced, and the number of a deleted one is used again. */
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

/** There are file systems without modes, and a mode is no reason to refuse data. */
function changeMode(path: string, mode: number): void {
  try {
    chmodSync(path, mode)
  } catch {
    // It keeps the mode that the file system gave it.
  }
}
