import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

/**
 * The directory for compiled code of the commands that this user runs, made if it is missing; `undefined` if there is none that only
 * this user can write to. What is in it is executed: Node's own default lies in the directory for temporary files, which everybody
 * can write to, so that whoever makes it first would run code as this user.
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

/** Where caches of this user belong (XDG Base Directory Specification; on Windows a part of the profile). */
function cacheHome(): string {
  const named = process.platform === 'win32' ? process.env['LOCALAPPDATA'] : process.env['XDG_CACHE_HOME']
  // A relative path is to be ignored, says the specification: it would be another place in each working directory.
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
 * The directory and all above it: who may write to one of them may put another in its place. In those with a sticky bit only
 * the owner of a directory may. Windows has lists of rights instead, which keep a profile to its user.
 */
function requireOwn(directory: string): void {
  const user = process.getuid?.()
  if (user === undefined) return
  // A symbolic link is followed once, here: what it leads to is what is looked at.
  for (let path = realpathSync(directory), isInner = true; ; path = dirname(path), isInner = false) {
    const { uid, mode } = lstatSync(path)
    const isShared = (mode & 0o022) !== 0
    const isSticky = (mode & 0o1000) !== 0
    if (uid !== user && (uid !== 0 || isInner)) throw new Error(`${path} belongs to somebody else`)
    if (isShared && (isInner || !isSticky)) throw new Error(`others can write to ${path}`)
    if (path === dirname(path)) return
  }
}
