import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { isMissing } from '../../../platform/if-there.ts'
import { codeOf, fileFailure } from '../failures/file-failure.ts'

/** The bytes of an open file, as its text has them. */
export interface ByteSource {
  /** True if the text ended, and can go on only if the file changes. False while a packed file is being written. */
  readonly isWhole: boolean
  /**
   * Reads into `buffer` until it is full or the file ends.
   *
   * @returns number of bytes read
   */
  read(buffer: Buffer, position: number): Promise<number>
  close(): Promise<void>
}

/**
 * Opens a file; undefined if it is gone, or if another one has taken its path.
 *
 * @throws MR_FILE_PERMISSION, MR_FILE_IO
 */
export async function openBytes(path: string, id: string): Promise<ByteSource | undefined> {
  try {
    const handle = await open(path, 'r')
    if (idOf(await handle.stat({ bigint: true })) === id)
      return isPacked(path) ? new UnpackedBytes(path, handle) : new PlainBytes(path, handle)
    await handle.close()
    return undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw fileFailure('read', path, error)
  }
}

/** Returns by what a file is known while it has other names: its device and inode. */
export function idOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`
}

export function isPacked(path: string): boolean {
  return path.endsWith('.gz')
}

class PlainBytes implements ByteSource {
  readonly isWhole = true
  readonly #path: string
  readonly #handle: FileHandle

  constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let length = 0
    while (length < buffer.length) {
      const read = await this.#some(buffer, length, position + length)
      if (read === 0) break
      length += read
    }
    return length
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #some(buffer: Buffer, at: number, position: number): Promise<number> {
    try {
      return (await this.#handle.read(buffer, at, buffer.length - at, position)).bytesRead
    } catch (error) {
      throw fileFailure('read', this.#path, error)
    }
  }
}

/**
 * The unpacked bytes of a gzip file. They can be unpacked from the beginning only: to read before what was read last
 * begins there again. A file that ends within a packed member is still being written.
 */
class UnpackedBytes implements ByteSource {
  isWhole = false
  readonly #path: string
  readonly #handle: FileHandle
  #chunks: AsyncIterator<Buffer> | undefined
  /** What was unpacked and not read. */
  #chunk: Buffer | undefined
  /** Index in the text of the first byte of `#chunk`. */
  #at = 0

  constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    if (this.#chunks === undefined || position < this.#at) await this.#begin()
    let length = 0
    while (length < buffer.length) {
      const chunk = this.#chunk ?? (await this.#unpack())
      if (chunk === undefined) break
      const skipped = Math.min(Math.max(position - this.#at, 0), chunk.length)
      const taken = chunk.copy(buffer, length, skipped)
      length += taken
      this.#at += skipped + taken
      this.#chunk = skipped + taken < chunk.length ? chunk.subarray(skipped + taken) : undefined
    }
    // The file may have more the next time, which this stream would not see.
    if (length < buffer.length) await this.#end()
    return length
  }

  async close(): Promise<void> {
    await this.#end()
    await this.#handle.close()
  }

  async #begin(): Promise<void> {
    await this.#end()
    this.isWhole = false
    const packed = createReadStream('', { fd: this.#handle, start: 0, autoClose: false })
    const unpacked = createGunzip()
    packed.on('error', (error) => unpacked.destroy(error))
    packed.pipe(unpacked)
    this.#chunks = unpacked[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  async #unpack(): Promise<Buffer | undefined> {
    try {
      const next = await this.#chunks!.next()
      if (next.done !== true) return (this.#chunk = next.value)
      this.isWhole = true
      return undefined
    } catch (error) {
      const code = codeOf(error)
      if (code === 'Z_BUF_ERROR') return undefined
      throw code?.startsWith('Z_') === true ? damaged(this.#path, error) : fileFailure('read', this.#path, error)
    }
  }

  async #end(): Promise<void> {
    const chunks = this.#chunks
    this.#chunks = undefined
    this.#chunk = undefined
    this.#at = 0
    await chunks?.return?.()
  }
}

function damaged(path: string, cause: unknown): MillraceError {
  return new MillraceError('MR_FILE_DAMAGED', `${path} is no gzip file, or is damaged`, {
    hint: 'Check it with gzip -t. Move it away to go on without it.',
    cause,
  })
}
