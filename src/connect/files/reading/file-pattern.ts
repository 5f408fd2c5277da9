import { glob, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { isMissing } from '../../../platform/if-there.ts'
import { fileFailure } from '../failures/file-failure.ts'
import { idOf } from './byte-source.ts'

/** A file that is there. */
export interface FoundFile {
  readonly path: string
  /** Device and inode. */
  readonly id: string
  readonly size: number
  /** Time of its last change, ms. */
  readonly modified: number
}

const MAGIC = /[*?[\]{}]/

/** The files that a source reads: one path, or all that a pattern fits. */
export class FilePattern {
  readonly text: string
  /** True if it names one file. */
  readonly isPath: boolean
  /** The directory that all files lie in or below. */
  readonly directory: string

  private constructor(text: string, isPath: boolean) {
    this.text = text
    this.isPath = isPath
    const magic = isPath ? -1 : text.search(MAGIC)
    this.directory = dirname(magic === -1 ? text : `${text.slice(0, magic)}x`)
  }

  /** A text with signs of patterns is a path all the same if a file has that name. */
  static async of(text: string): Promise<FilePattern> {
    return new FilePattern(text, !MAGIC.test(text) || (await found(text)) !== undefined)
  }

  /**
   * Checks what must be there before anything is read.
   *
   * @throws MR_FILE_MISSING, MR_FILE_KIND, MR_FILE_PERMISSION
   */
  async require(mayBeMissing: boolean): Promise<void> {
    const place = this.isPath ? this.text : this.directory
    try {
      const stats = await stat(place)
      if (this.isPath ? !stats.isFile() : !stats.isDirectory()) throw wrongKind(place, this.isPath, stats.isDirectory())
    } catch (error) {
      if (isMissing(error) && mayBeMissing) return
      throw fileFailure('read', place, error)
    }
  }

  /** Returns the files by the time of their last change, then by name. @throws MR_FILE_PERMISSION, MR_FILE_IO */
  async find(): Promise<FoundFile[]> {
    if (this.isPath) {
      const file = await found(this.text)
      return file === undefined ? [] : [file]
    }
    const files: FoundFile[] = []
    for await (const path of glob(this.text)) {
      const file = await found(path)
      if (file !== undefined) files.push(file)
    }
    return files.sort((a, b) => a.modified - b.modified || (a.path < b.path ? -1 : 1))
  }
}

/** Returns a regular file; undefined if nothing, or something else, is at the path. */
export async function found(path: string): Promise<FoundFile | undefined> {
  try {
    const stats = await stat(path, { bigint: true })
    if (!stats.isFile()) return undefined
    return {
      path,
      id: idOf(stats),
      size: Number(stats.size),
      modified: Number(stats.mtimeNs) / 1e6,
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw fileFailure('read', path, error)
  }
}

function wrongKind(path: string, isPath: boolean, isDirectory: boolean): MillraceError {
  const what = isDirectory ? 'a directory' : 'no regular file'
  return new MillraceError('MR_FILE_KIND', `${path} is ${what}`, {
    hint: isPath ? `Name a file, or a pattern of files such as ${path}/*.log.` : 'Correct the pattern.',
  })
}
