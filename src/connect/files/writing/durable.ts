import { open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts a text in the place of a file, so that after a crash of the machine there is the old text or the new one. */
export async function replaceText(path: string, next: string, text: string): Promise<void> {
  const handle = await open(next, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, path)
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory durable, where the system can do that. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open directories.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes all bytes at a position. */
export async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}
