import { lstatSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { MillraceError } from '../errors/millrace-error.ts'

/** The system's error texts, as in `strerror` of glibc, musl and macOS: errors of engines hold only the text. */
const TEXTS: readonly (readonly [code: string, texts: string])[] = [
  ['EMFILE', 'Too many open files|No file descriptors available'],
  ['ENFILE', 'Too many open files in system'],
  ['ENOSPC', 'No space left on device'],
  ['EDQUOT', 'Disk quota exceeded|Disc quota exceeded|Quota exceeded'],
  ['EROFS', 'Read-only file system'],
  ['EACCES', 'Permission denied'],
  ['EPERM', 'Operation not permitted'],
  ['ENOLCK', 'No locks available'],
  ['EIO', 'Input/output error|I/O error'],
  ['ENOTDIR', 'Not a directory'],
  ['EISDIR', 'Is a directory'],
  ['EINVAL', 'Invalid argument'],
  ['ENOENT', 'No such file or directory'],
]
const PATTERNS = TEXTS.map(([code, texts]) => [code, new RegExp(`: (?:${texts})(?=$|[\\s.,;:])`)] as const)

/** Codes of errors in which a disk or its permissions refuse: the data there is unchanged. */
export const DIRECTORY_FAILURES: ReadonlySet<string> = new Set([
  'MR_STATE_DIRECTORY',
  'MR_STATE_FILES',
  'MR_STATE_IO',
  'MR_STATE_PERMISSION',
  'MR_STATE_SPACE',
])

/** Returns the system's error code (`EACCES`) of an error of Node or of an engine; undefined if it has none. */
export function systemCodeOf(cause: unknown, directory: string): string | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if ('code' in error && 'errno' in error && typeof error.code === 'string') return error.code
    const text = error.message.replaceAll(directory, '')
    const known = PATTERNS.find(([, pattern]) => pattern.test(text))
    if (known !== undefined) return known[0]
  }
  return undefined
}

/**
 * Explains to the user why the system refused to make, read or write a directory.
 *
 * @param owner what failed there: `rocksdb`
 * @returns MR_STATE_PERMISSION, MR_STATE_SPACE, MR_STATE_FILES, MR_STATE_DIRECTORY (a file is in the way), or
 * MR_STATE_IO
 */
export function directoryFailure(owner: string, directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const text = messagesOf(cause)
  const failed = `${owner} failed in ${directory}`
  switch (systemCodeOf(cause, directory)) {
    case 'EACCES':
    case 'EPERM':
      return refused(directory, text, cause)
    case 'EROFS':
      return new MillraceError('MR_STATE_PERMISSION', `${directory} lies on a read-only file system: ${text}`, {
        hint: 'Mount it writable, or choose a directory elsewhere.',
        cause,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return new MillraceError('MR_STATE_SPACE', `no room is left on the disk of ${directory}: ${text}`, {
        hint: 'Make room on the disk, or raise its quota, then start again. What was committed is kept.',
        cause,
      })
    case 'EMFILE':
    case 'ENFILE':
      return new MillraceError('MR_STATE_FILES', `too many files are open; ${failed}: ${text}`, {
        hint:
          'Raise the limit of open files (ulimit -n; LimitNOFILE in systemd, --ulimit nofile in Docker): ' +
          'engines keep their files open.',
        cause,
      })
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ELOOP':
      return new MillraceError(
        'MR_STATE_DIRECTORY',
        `${directory} cannot be a directory: ${blockerOf(directory)} is in the way: ${text}`,
        { hint: 'Move that away, or choose another directory.', cause },
      )
    case 'ENOLCK':
      return new MillraceError('MR_STATE_IO', `the file system of ${directory} has no locks: ${text}`, {
        hint: 'Choose a directory on a local disk, or mount the file system with locks.',
        cause,
      })
    default:
      return new MillraceError('MR_STATE_IO', `${failed}: ${text}`, {
        hint: 'Check the disk, and the permissions of the directory.',
        cause,
      })
  }
}

/** Explains the commonest mistake in containers: the volume belongs to root, and the process runs as another user. */
function refused(directory: string, text: string, cause: unknown): MillraceError {
  const path = existingPath(directory)
  const stats = statSync(path, { throwIfNoEntry: false })
  const { geteuid, getegid } = process
  if (stats === undefined || geteuid === undefined || getegid === undefined) {
    return new MillraceError('MR_STATE_PERMISSION', `${directory} may not be written by this process: ${text}`, {
      hint: 'Give the process the right to write it, or choose another directory.',
      cause,
    })
  }
  const [uid, gid] = [geteuid(), getegid()]
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0')
  return new MillraceError(
    'MR_STATE_PERMISSION',
    `${directory} may not be used by uid ${uid}, gid ${gid}; ` +
      `${path} belongs to uid ${stats.uid}, gid ${stats.gid}, with mode ${mode}: ${text}`,
    {
      hint:
        `Run chown -R ${uid}:${gid} ${path}, or in Kubernetes set securityContext.fsGroup: ${gid}. ` +
        'Otherwise choose another directory.',
      cause,
    },
  )
}

/** Returns the directory, or the nearest one above it that can be read. */
function existingPath(directory: string): string {
  for (let path = resolve(directory); ; path = dirname(path)) {
    try {
      statSync(path)
      return path
    } catch {
      if (path === dirname(path)) return path
    }
  }
}

/** Returns the file that lies where a directory has to be. */
function blockerOf(directory: string): string {
  let blocker = resolve(directory)
  for (let path = blocker; path !== dirname(path); path = dirname(path)) {
    if (isOther(path)) blocker = path
  }
  return blocker
}

function isOther(path: string): boolean {
  try {
    return !(statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path)).isDirectory()
  } catch {
    return false
  }
}

/** Returns the messages of an error and of its causes. */
export function messagesOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : `${cause.message}: ${messagesOf(cause.cause)}`
}
