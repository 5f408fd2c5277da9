import { closeSync, openSync } from 'node:fs'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure, messagesOf, systemCodeOf } from '../../platform/directory-failure.ts'

/** Says what to do about damaged files of an engine. */
export const DAMAGE_HINT =
  'Check the disk. State is rebuilt from its changelog if you delete the directory. Restore a log from a backup.'

/** Statuses of engines whose files differ from what was written. */
const DAMAGE_CODES: ReadonlySet<unknown> = new Set(['LEVEL_CORRUPTION', 'LEVEL_NOT_FOUND'])
const DAMAGE_STATUS = /^(?:Corruption|NotFound|Invalid argument|Not implemented)\b/
/** System errors that show damage: a file is missing, or is a directory, or an offset in it is impossible. */
const DAMAGE_SYSTEM_CODES: ReadonlySet<unknown> = new Set(['ENOENT', 'EISDIR', 'EINVAL'])

/**
 * Explains an engine's failure to the user, by the codes that it reports and not by paths or wording: MR_STATE_LOCKED
 * if another process holds the directory's lock, MR_STATE_CORRUPT if its files are damaged, otherwise as
 * `directoryFailure`.
 */
export function engineFailure(engine: string, directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const locked = lockFailure(directory, cause)
  if (locked !== undefined) return locked
  const system = systemCodeOf(cause, directory)
  // System errors come first: a file that may not be read is "corrupt" to an engine that needs its size.
  if (DAMAGE_SYSTEM_CODES.has(system) || (system === undefined && isDamage(cause))) {
    return new MillraceError('MR_STATE_CORRUPT', `${engine} found damage in ${directory}: ${messagesOf(cause)}`, {
      hint: DAMAGE_HINT,
      cause,
    })
  }
  return directoryFailure(engine, directory, cause)
}

/** Returns MR_STATE_LOCKED for an engine's failure due to a lock; undefined for any other. */
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

/** Explains why an engine does not load. A process that may open no more files must not fall back to another engine. */
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

/** True if the directory's lock is taken. A file system without locks fails with the same code. */
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
