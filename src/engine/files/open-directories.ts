import { fstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { DIRECTORY_MODES, NewFiles, type FileMode } from '../../platform/file-mode.ts'

/** A directory that belongs to one engine of this process. */
export interface HeldDirectory {
  /** The path without links, so that the engine recognizes it in its own table of open paths. */
  readonly path: string
  /** Restricts the modes of files that the engine has made since; `release` does this, too. */
  restrictNewFiles(): void
  release(): void
}

/** Directories held by this thread, by device and inode, since one directory has many paths. */
const held = new Set<string>()

/**
 * Makes the directory if it is missing and reserves it for one engine. The locks of engines keep other processes out.
 * Within one process they compare paths, or nothing at all, and two engines over the same files would destroy them.
 *
 * @param fileMode the mode of new files and directories
 * @throws MR_STATE_LOCKED if this process has it open, in any thread and by any path; what `directoryFailure` returns
 */
export function holdDirectory(engine: string, directory: string, fileMode: FileMode = 'owner'): HeldDirectory {
  let path: string
  let identity: string
  let files: NewFiles
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODES[fileMode] })
    path = realpathSync(directory)
    identity = identityOf(path)
    files = new NewFiles(path, fileMode)
  } catch (cause) {
    throw directoryFailure(engine, directory, cause)
  }
  if (held.has(identity) || isOpenInThisProcess(join(path, 'LOCK'))) {
    const where = path === directory ? '' : ` (${path})`
    throw new MillraceError('MR_STATE_LOCKED', `${directory}${where} is open in this process already`, {
      hint: 'Share the log or application that has it open, or choose another directory.',
    })
  }
  held.add(identity)
  return {
    path,
    restrictNewFiles: () => files.restrict(),
    release() {
      held.delete(identity)
      try {
        files.restrict()
      } catch {
        // The directory was deleted, or given to another user: this process is no longer responsible for its files.
      }
    },
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true })
  return `${dev}:${ino}`
}

/** True if a thread of this process has the file open: engines keep lock files open, and threads share open files. */
function isOpenInThisProcess(file: string): boolean {
  let identity: string
  let descriptors: string[]
  try {
    identity = identityOf(file)
    descriptors = readdirSync('/dev/fd')
  } catch {
    // The directory has no lock file yet, or the platform does not show open files.
    return false
  }
  return descriptors.some((descriptor) => {
    try {
      const { dev, ino } = fstatSync(Number(descriptor), { bigint: true })
      return `${dev}:${ino}` === identity
    } catch {
      return false
    }
  })
}
