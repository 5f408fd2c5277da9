import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

/**
 * Returns the directory for compiled code of this user's commands, and makes it if it is missing; undefined if there is
 * none that only this user can write to. Its files are executed. Node's default lies in the directory for temporary
 * files, to which everybody can write: another user could make it first, and run code as this user.
 */
export function compileCacheDirectory(): string | undefined {
  try {
    const directory = join(cacheHome(), 'millrace', 'compile-cache')
    requireOwn(existingPart(directory))
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    requireOwn(directory)
    return directory
  } catch {
    return undefined
  }
}

/** Returns the directory for this user's caches (XDG Base Directory Specification; on Windows in the profile). */
function cacheHome(): string {
  const named = process.platform === 'win32' ? process.env['LOCALAPPDATA'] : process.env['XDG_CACHE_HOME']
  // The specification says to ignore a relative path, which would differ with each working directory.
  if (named !== undefined && isAbsolute(named)) return named
  const home = homedir()
  if (!isAbsolute(home)) throw new Error('there is no home directory')
  return join(home, '.cache')
}

function existingPart(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false }) !== undefined
  return found || dirname(path) === path ? path : existingPart(dirname(path))
}

/**
 * Checks the directory and all above it: a user who may write to one of them may replace the next. With a sticky bit
 * only the owner of a directory may replace it. Windows has access lists instead, which reserve a profile for its user.
 */
function requireOwn(directory: string): void {
  const user = process.getuid?.()
  if (user === undefined) return
  // Symbolic links are followed once, here, so that their target is checked.
  for (let path = realpathSync(directory), isInner = true; ; path = dirname(path), isInner = false) {
    const { uid, mode } = lstatSync(path)
    const isShared = (mode & 0o022) !== 0
    const isSticky = (mode & 0o1000) !== 0
    if (uid !== user && (uid !== 0 || isInner)) throw new Error(`${path} belongs to another user`)
    if (isShared && (isInner || !isSticky)) throw new Error(`others can write to ${path}`)
    if (path === dirname(path)) return
  }
}
