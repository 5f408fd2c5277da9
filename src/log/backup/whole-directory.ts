import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { MillraceError, propertyOf } from '../../errors/millrace-error.ts'
import { DIRECTORY_MODES } from '../../platform/file-mode.ts'
import { ifThere } from '../../platform/if-there.ts'

/**
 * Makes a directory that is there only when it is whole: `fill` writes it under another name, beside it. A process that
 * dies leaves `<name>.part-<its id>-…`, which the next one takes away.
 *
 * @throws MR_BACKUP_PLACE if the directory holds something; what `fill` throws: then nothing is left
 */
export async function writeWhole<T>(directory: string, fill: (part: string) => Promise<T>): Promise<T> {
  const whole = resolve(directory)
  requireEmpty(whole)
  const parent = dirname(whole)
  mkdirSync(parent, { recursive: true, mode: DIRECTORY_MODES.owner })
  removeParts(whole)
  // Two containers may have processes of one id.
  const part = `${whole}.part-${process.pid}-${randomBytes(4).toString('hex')}`
  mkdirSync(part, { mode: DIRECTORY_MODES.owner })
  try {
    const result = await fill(part)
    syncAll(part)
    requireEmpty(whole)
    ifThere(() => rmdirSync(whole))
    renameSync(part, whole)
    sync(parent)
    return result
  } catch (error) {
    rmSync(part, { recursive: true, force: true })
    throw error
  }
}

/** @throws MR_BACKUP_PLACE */
export function requireEmpty(directory: string): void {
  const [first] = ifThere(() => readdirSync(directory)) ?? []
  if (first === undefined) return
  throw new MillraceError('MR_BACKUP_PLACE', `${directory} is not empty: it holds ${first}`, {
    hint: 'Choose a new directory, or move away what is there. Nothing was changed.',
  })
}

function removeParts(whole: string): void {
  const prefix = `${basename(whole)}.part-`
  for (const name of readdirSync(dirname(whole))) {
    if (!name.startsWith(prefix)) continue
    const owner = Number(name.slice(prefix.length).split('-')[0])
    if (!isAlive(owner)) rmSync(join(dirname(whole), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // A process of another user lives as well.
    return propertyOf(error, 'code') === 'EPERM'
  }
}

/** Makes the files of a directory outlast the machine. */
function syncAll(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) syncAll(path)
    else sync(path)
  }
  sync(directory)
}

function sync(path: string): void {
  // Windows syncs neither directories nor files that are open for reading.
  if (process.platform === 'win32') return
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
