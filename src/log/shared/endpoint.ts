import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { MillraceError } from '../../errors/millrace-error.ts'

/** The socket in the directory of the log. */
export const SOCKET = 'millrace.sock'
/** The file with the name of a socket elsewhere. */
export const SOCKET_NAME = 'millrace-log-socket'
/** Systems cut the names of sockets off: macOS after 103 bytes, Linux after 107. */
const LONGEST_NAME = 100
const ELSEWHERE = /^millrace-\w{6}$/

/** Where the holder of a log is reached. */
export interface Endpoint {
  readonly path: string
  /** Takes the name away, so that nobody connects any more. */
  remove(): void
}

/** Returns the name of the pipe of a log on Windows, where sockets are no files. */
export function pipeName(directory: string): string {
  const digest = createHash('sha256').update(directory.toLowerCase()).digest('hex')
  return `\\\\.\\pipe\\millrace-${digest.slice(0, 32)}`
}

/**
 * Listens for those who share the log in `directory`, which this process holds: what is left of an earlier socket is
 * taken away. A socket whose name would be too long, or that the file system refuses, goes to a new directory under
 * that for temporary files, which only this user may read.
 */
export async function listen(server: Server, directory: string): Promise<Endpoint> {
  const real = realpathSync(directory)
  if (process.platform === 'win32') {
    const path = pipeName(real)
    await listenAt(server, path)
    return { path, remove: () => {} }
  }
  const path = join(real, SOCKET)
  removeStale(real)
  if (Buffer.byteLength(path) <= LONGEST_NAME) {
    try {
      await listenAt(server, path)
      return { path, remove: () => rmSync(path, { force: true }) }
    } catch {
      // Some file systems have no sockets.
    }
  }
  return await listenElsewhere(server, join(real, SOCKET_NAME))
}

async function listenElsewhere(server: Server, nameFile: string): Promise<Endpoint> {
  const temporary = Buffer.byteLength(join(tmpdir(), 'millrace-xxxxxx', SOCKET)) <= LONGEST_NAME ? tmpdir() : '/tmp'
  const directory = mkdtempSync(join(temporary, 'millrace-'))
  const path = join(directory, SOCKET)
  const remove = (): void => {
    rmSync(nameFile, { force: true })
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await listenAt(server, path)
    writeFileSync(nameFile, path, { mode: 0o600 })
    return { path, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Listens at a path that only this user may use from the beginning: the socket is made before this returns. */
async function listenAt(server: Server, path: string): Promise<void> {
  // Workers cannot set the mask of the process.
  const mask = isMainThread ? process.umask(0o077) : undefined
  try {
    server.listen(path)
  } finally {
    if (mask !== undefined) process.umask(mask)
  }
  await once(server, 'listening')
  if (process.platform !== 'win32') chmodSync(path, 0o600)
}

/** Takes away what a dead holder left. Its lock is this process's now. */
function removeStale(directory: string): void {
  const elsewhere = readName(directory)
  for (const path of [join(directory, SOCKET), join(directory, SOCKET_NAME), elsewhere]) {
    if (path !== undefined) quietly(() => rmSync(path, { force: true }))
  }
  if (elsewhere !== undefined) quietly(() => rmdirSync(dirname(elsewhere)))
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // It belongs to another user, who alone may take it away.
  }
}

/**
 * Returns where the holder of the log in `directory` is reached, if it serves it.
 *
 * @throws MR_ATTACH_OWNER if the socket belongs to another user
 */
export function findEndpoint(directory: string): string | undefined {
  let real: string
  try {
    real = realpathSync(directory)
  } catch {
    return undefined
  }
  if (process.platform === 'win32') return pipeName(real)
  for (const path of [join(real, SOCKET), readName(real)]) {
    const owner = path === undefined ? undefined : ownerOf(path)
    if (path === undefined || owner === undefined) continue
    if (owner !== process.geteuid?.()) throw otherOwner(directory, path, owner)
    return path
  }
  return undefined
}

function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid
  } catch {
    return undefined
  }
}

/** Returns the name of a socket elsewhere. What is no such name is ignored: it would be deleted as stale. */
function readName(directory: string): string | undefined {
  try {
    const path = readFileSync(join(directory, SOCKET_NAME), 'utf8')
    return basename(path) === SOCKET && ELSEWHERE.test(basename(dirname(path))) ? path : undefined
  } catch {
    return undefined
  }
}

export function otherOwner(directory: string, path: string, owner?: number, cause?: unknown): MillraceError {
  const whose = owner === undefined ? 'another user' : `uid ${owner}`
  return new MillraceError('MR_ATTACH_OWNER', `the log in ${directory} is served by ${whose}, at ${path}`, {
    hint: `Run this as the user whose process has the log open; this one is uid ${process.geteuid?.() ?? 'unknown'}.`,
    cause,
  })
}
