import { mkdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isMissing } from '../../platform/if-there.ts'
import { fileFailure } from './failures/file-failure.ts'
import { found } from './reading/file-pattern.ts'
import type { FilePosition, FilesPosition } from './reading/file-position.ts'

/**
 * Deletes or moves the files that a committed position calls done. What has changed since then is left alone, and read
 * on.
 *
 * @throws MR_FILE_PERMISSION, MR_FILE_IO
 */
export async function finish(
  position: FilesPosition,
  done: 'keep' | 'delete' | { readonly move: string },
): Promise<void> {
  if (done === 'keep') return
  for (const file of position.files) {
    if (file.isDone !== true || !(await isUnchanged(file))) continue
    if (done === 'delete') await remove(file.path)
    else await move(file.path, done.move)
  }
}

async function isUnchanged({ path, id, size }: FilePosition): Promise<boolean> {
  const now = await found(path)
  return now !== undefined && now.id === id && now.size === size
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw fileFailure('deleted', path, error)
  }
}

async function move(path: string, directory: string): Promise<void> {
  if (resolve(dirname(path)) === resolve(directory)) return
  try {
    await mkdir(directory, { recursive: true })
    await rename(path, await freePath(join(directory, basename(path))))
  } catch (error) {
    throw fileFailure('moved', path, error)
  }
}

/** Returns the path, with a number behind it if there is a file already. */
async function freePath(path: string): Promise<string> {
  for (let number = 0; ; number++) {
    const free = number === 0 ? path : `${path}.${number}`
    try {
      await stat(free)
    } catch (error) {
      if (isMissing(error)) return free
      throw error
    }
  }
}
