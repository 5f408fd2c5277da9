import { fstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { DIRECTORY_MODES, NewFiles } from '../../platform/file-mode.ts'
import type { FileMode } from '../../platform/file-mode.ts'

/** A directory that one engine of this process has. */
export interface HeldDirectory {
  /** Without links, so that the engine's own tables of open paths know it again. */
  readonly path: string
  /** Takes from others what rights they have to files that the engine has made since; as `release` does. */
  restrictNewFiles(): void
  release(): void
}

/** Directories held by this thread, by device and inode: one directory has many paths. */
const held = new Set<string>()

/**
 * Makes the directory if it is missing and takes it for one engine. The locks of engines keep other processes out; within one process
 * they go by the path, or not at all, and two engines over one set of files destroy each other's.
 *
 * @param fileMode of what is made
 * @throws MR_STATE_LOCKED if this process has it open, in whichever thread and by whichever path; what
 * `directoryFailure` returns
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
      hint: 'Share what has it open, or give this one a directory of its own.',
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
        // The directory was deleted, or given to somebody else: its files are no longer this process's to care for.
      }
    },
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true })
  return `${dev}:${ino}`
}

/** Every engine keeps its lock file open, and all threads of a process share one table of open files. */
function isOpenInThisProcess(file: string): boolean {
  let identity: string
  let descriptors: string[]
  try {
    identity = identityOf(file)
    descriptors = readdirSync('/dev/fd')
  } catch {
    // Not locked by anybody yet, or a platform that does not show open files.
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
