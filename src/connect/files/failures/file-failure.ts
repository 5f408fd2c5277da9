import { MillraceError, messageOf } from '../../../errors/millrace-error.ts'

/** Errors after which another attempt makes sense: room may have been made, a network file system may be back. */
const PASSING: ReadonlySet<string> = new Set(['MR_FILE_SPACE', 'MR_FILE_IO'])

/** True for errors after which another attempt makes sense. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof MillraceError) || PASSING.has(error.code)
}

/**
 * Explains to the user why the system refused to read or write a file.
 *
 * @param act what was tried, as `read`, `written` or `deleted`
 * @returns MR_FILE_MISSING, MR_FILE_KIND, MR_FILE_PERMISSION, MR_FILE_SPACE or MR_FILE_IO
 */
export function fileFailure(act: string, path: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const text = messageOf(cause)
  switch (codeOf(cause)) {
    case 'ENOENT':
      return new MillraceError('MR_FILE_MISSING', `${path} does not exist: ${text}`, {
        hint: 'Create it, or correct the path. Relative paths begin where the process was started.',
        cause,
      })
    case 'EISDIR':
    case 'ENOTDIR':
      return new MillraceError('MR_FILE_KIND', `${path} cannot be ${act} as a file: ${text}`, {
        hint: 'Name a file, or a pattern of files such as in/*.log.',
        cause,
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new MillraceError('MR_FILE_PERMISSION', `${path} may not be ${act}${byWhom()}: ${text}`, {
        hint: 'Give the user of the process the right to do that, or choose another path.',
        cause,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return new MillraceError('MR_FILE_SPACE', `no room is left for ${path}: ${text}`, {
        hint: 'Make room on the disk. The connector goes on where it stopped.',
        cause,
      })
    default:
      return new MillraceError('MR_FILE_IO', `${path} could not be ${act}: ${text}`, {
        hint: 'Check the disk, and the limit of open files (ulimit -n).',
        cause,
      })
  }
}

/** Returns the system's code of an error, such as `ENOENT`. */
export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

function byWhom(): string {
  const uid = process.geteuid?.()
  return uid === undefined ? '' : ` by uid ${uid}`
}
