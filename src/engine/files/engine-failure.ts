import { closeSync, openSync } from 'node:fs'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure, messagesOf, systemCodeOf } from '../../platform/directory-failure.ts'

/** Statuses of engines that tell of files which are not as they were written. */
const DAMAGE_CODES: ReadonlySet<unknown> = new Set(['LEVEL_CORRUPTION', 'LEVEL_NOT_FOUND'])
const DAMAGE_STATUS = /^(?:Corruption|NotFound|Invalid argument|Not implemented)\b/
/** Refusals of the system that have their cause in the files: one is missing, or is a directory; an offset in it leads nowhere. */
const DAMAGE_SYSTEM_CODES: ReadonlySet<unknown> = new Set(['ENOENT', 'EISDIR', 'EINVAL'])

/**
 * Says what an engine's failure means to the user, going by what it reports and not by how paths or messages read: MR_STATE_LOCKED
 * if another process holds the directory's lock, MR_STATE_CORRUPT if its files are damaged, else what `directoryFailure` says.
 */
export function engineFailure(engine: string, directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const locked = lockFailure(directory, cause)
  if (locked !== undefined) return locked
  const system = systemCodeOf(cause, directory)
  // What the system refuses comes first: a file that may not be read is "corrupt" to an engine that needs its size.
  if (DAMAGE_SYSTEM_CODES.has(system) || (system === undefined && isDamage(cause))) {
    return new MillraceError('MR_STATE_CORRUPT', `${engine} found damage in ${directory}: ${messagesOf(cause)}`, {
      hint: 'Check the disk. State is rebuilt from its changelog where the directory is deleted; a log comes from a backup.',
      cause,
    })
  }
  return directoryFailure(engine, directory, cause)
}

/** MR_STATE_LOCKED if that is what the engine's failure means. */
export function lockFailure(directory: string, cause: unknown): MillraceError | undefined {
  if (!isLocked(cause, systemCodeOf(cause, directory))) return undefined
  return new MillraceError('MR_STATE_LOCKED', `${directory} is in use by another process, or twice by this one`, {
    hint: 'Stop the other process, or give this one a directory of its own.',
    cause,
  })
}

export function engineClosed(engine: string, directory: string): MillraceError {
  return new MillraceError('MR_STATE_CLOSED', `the ${engine} engine of ${directory} is closed`)
}

/** A process that may open no more files finds no binding: that is no reason to keep state in another engine. */
export function engineUnavailable(engine: string, cause: unknown): MillraceError {
  const refusal = refusedFile()
  if (refusal !== undefined) return directoryFailure(`loading ${engine}`, process.cwd(), refusal)
  return new MillraceError(
    'MR_ENGINE_UNAVAILABLE',
    `the ${engine} engine does not load on ${process.platform}-${process.arch}`,
    { hint: 'Choose another engine, or install the binding for this platform.', cause },
  )
}

function refusedFile(): unknown {
  try {
    closeSync(openSync(process.execPath, 'r'))
    return undefined
  } catch (error) {
    return error
  }
}

/** A file system without locks fails as a lock that is taken does. */
function isLocked(cause: unknown, system: string | undefined): boolean {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if ('code' in error && error.code === 'LEVEL_LOCKED') {
      return system !== 'ENOLCK' || error.message.includes('by current process')
    }
  }
  return false
}

function isDamage(cause: unknown): boolean {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (('code' in error && DAMAGE_CODES.has(error.code)) || DAMAGE_STATUS.test(error.message)) return true
  }
  return false
}
