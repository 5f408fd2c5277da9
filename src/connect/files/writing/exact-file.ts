import { constants } from 'node:fs'
import { access, copyFile, mkdir, open, rename, stat, truncate, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { crc32c } from '../../../platform/checksum.ts'
import { isMissing } from '../../../platform/if-there.ts'
import type { NextOffset } from '../../definition/sink.ts'
import { fileFailure } from '../failures/file-failure.ts'
import { replaceText, syncDirectory, writeAll } from './durable.ts'
import {
  findState,
  forgetBefore,
  mayRun,
  nextStatePath,
  openHere,
  statePath,
  thisWriter,
  type FoundState,
  type SinkState,
  type WrittenTo,
} from './sink-state.ts'

const NOTHING: WrittenTo = { length: 0, offsets: [] }

/**
 * A file to which every batch is appended exactly once, with the offsets behind it.
 *
 * Before a batch, its length, checksum and offsets are written into a file beside it; then the batch is appended. What
 * a process left behind that ended in between is cut off by the next one. A process that was believed dead cannot do
 * harm: each writer takes an epoch of its own, and if the last one may still run, a copy takes the place of the file
 * that it has open.
 */
export class ExactFile {
  readonly path: string
  readonly #connector: string
  readonly #epoch: number
  readonly #handle: FileHandle
  #written: WrittenTo
  /** True while the file may hold a part of a batch. */
  #isTorn = false

  private constructor(path: string, connector: string, epoch: number, handle: FileHandle, written: WrittenTo) {
    this.path = path
    this.#connector = connector
    this.#epoch = epoch
    this.#handle = handle
    this.#written = written
    openHere.add(resolve(statePath(path, epoch)))
  }

  /**
   * Opens a file, and creates it with its directory if it does not exist.
   *
   * @throws MR_SINK_FOREIGN if it holds what this connector has not written; then nothing is touched. MR_FILE_KIND,
   * MR_FILE_PERMISSION, MR_FILE_SPACE, MR_FILE_IO
   */
  static async open(path: string, connector: string): Promise<ExactFile> {
    try {
      await mkdir(dirname(path), { recursive: true })
      const epoch = await takeEpoch(path, connector)
      // Read again: the last writer may have written until now.
      const { found } = await findState(path)
      const written = await lastWritten(path, found?.state)
      if (found !== undefined && mayRun(path, found)) await replaceByCopy(path, written.length)
      else if (found !== undefined) await cutTo(path, written.length)
      const handle = await open(path, 'a+')
      await handle.close()
      const file = new ExactFile(path, connector, epoch, await open(path, 'r+'), written)
      await file.#keep({ from: written, to: { ...written, checksum: 0 } }, thisWriter())
      await forgetBefore(path, epoch)
      return file
    } catch (error) {
      throw fileFailure('written', path, error)
    }
  }

  /** Where the topic is read on. */
  get offsets(): readonly NextOffset[] {
    return this.#written.offsets
  }

  /**
   * Appends bytes, durably.
   *
   * @param offsets those that have changed
   * @throws MR_SINK_TAKEN if another process has the file by now; MR_FILE_SPACE, MR_FILE_PERMISSION, MR_FILE_IO
   */
  async append(bytes: Buffer, offsets: readonly NextOffset[]): Promise<void> {
    const from = this.#written
    const to = { length: from.length + bytes.length, offsets: merged(from.offsets, offsets), checksum: crc32c(bytes) }
    this.#isTorn = true
    try {
      await this.#requireOwn()
      await this.#keep({ from, to }, thisWriter())
      await writeAll(this.#handle, bytes, from.length)
      await this.#handle.datasync()
    } catch (error) {
      throw fileFailure('written', this.path, error)
    }
    this.#written = { length: to.length, offsets: to.offsets }
    this.#isTorn = false
  }

  /** Closes the file, and notes that the next writer need not ask whether this process still runs. */
  async close(): Promise<void> {
    openHere.delete(resolve(statePath(this.path, this.#epoch)))
    await this.#handle.close()
    if (this.#isTorn) return
    try {
      if (await this.#isOwn()) await this.#keep({ from: this.#written, to: { ...this.#written, checksum: 0 } }, null)
    } catch {
      // What is noted already is enough to go on.
    }
  }

  async #requireOwn(): Promise<void> {
    if (await this.#isOwn()) return
    throw new MillraceError('MR_SINK_TAKEN', `another process writes ${this.path} now`, {
      hint: 'Run one instance of this connector, or give fileSink perPartition: true.',
    })
  }

  async #isOwn(): Promise<boolean> {
    const [own, next] = await Promise.all([
      exists(statePath(this.path, this.#epoch)),
      exists(statePath(this.path, this.#epoch + 1)),
    ])
    return own && !next
  }

  async #keep(written: Pick<SinkState, 'from' | 'to'>, writer: SinkState['writer']): Promise<void> {
    const state: SinkState = { connector: this.#connector, ...written, writer }
    const { path } = this
    await replaceText(statePath(path, this.#epoch), nextStatePath(path, this.#epoch), `${JSON.stringify(state)}\n`)
  }
}

/** Takes the next epoch, after a look whether the file may be written at all. */
async function takeEpoch(path: string, connector: string): Promise<number> {
  for (;;) {
    const { highest, found } = await findState(path)
    await requireOwn(path, connector, found)
    const handle = await open(statePath(path, highest + 1), 'wx').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
      throw error
    })
    if (handle === undefined) continue
    await handle.close()
    await syncDirectory(dirname(path))
    return highest + 1
  }
}

async function requireOwn(path: string, connector: string, found: FoundState | undefined): Promise<void> {
  const size = await sizeOf(path)
  if (await exists(path)) await access(path, constants.R_OK | constants.W_OK)
  if (found === undefined) {
    if (size > 0) throw foreign(path, `holds ${size} bytes that no connector has written`)
    return
  }
  const { state } = found
  if (state.connector !== connector) throw foreign(path, `is written by the connector "${state.connector}"`)
  if (size < state.from.length) throw foreign(path, `has ${size} bytes, and ${state.from.length} were written`)
  if (size > state.to.length && !mayRun(path, found))
    throw foreign(path, `has ${size} bytes, and only ${state.to.length} were written by this connector`)
}

/** Returns up to where a file was written whole. */
async function lastWritten(path: string, state: SinkState | undefined): Promise<WrittenTo> {
  if (state === undefined) return NOTHING
  const { from, to } = state
  if (to.length === from.length) return to
  const bytes = await range(path, from.length, to.length)
  return bytes.length === to.length - from.length && crc32c(bytes) === to.checksum ? to : from
}

async function range(path: string, start: number, end: number): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(end - start)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, start + length)
      length += bytesRead
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length)
    }
  } finally {
    await handle.close()
  }
}

async function cutTo(path: string, length: number): Promise<void> {
  if ((await sizeOf(path)) > length) await truncate(path, length)
}

/** Puts a copy in the place of a file, so that who has it open writes into what nobody sees any more. */
async function replaceByCopy(path: string, length: number): Promise<void> {
  if (!(await exists(path))) return
  const copy = join(dirname(path), `.${basename(path)}.millrace.copy`)
  await copyFile(path, copy, constants.COPYFILE_FICLONE)
  const handle = await open(copy, 'r+')
  try {
    await handle.truncate(length)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(copy, path)
  await syncDirectory(dirname(path))
}

async function sizeOf(path: string): Promise<number> {
  try {
    const stats = await stat(path)
    if (stats.isFile()) return stats.size
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
  throw new MillraceError('MR_FILE_KIND', `${path} is no regular file`, { hint: 'Name a file that is to be written.' })
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function merged(old: readonly NextOffset[], changed: readonly NextOffset[]): readonly NextOffset[] {
  const offsets = new Map(old.map((each) => [`${each.topic}/${each.partition}`, each]))
  for (const { topic, partition, offset } of changed) offsets.set(`${topic}/${partition}`, { topic, partition, offset })
  return [...offsets.values()]
}

function foreign(path: string, what: string): MillraceError {
  return new MillraceError('MR_SINK_FOREIGN', `${path} ${what}`, {
    hint:
      `Nothing was changed. Move ${path} away, with the files ${basename(path)}.millrace.* beside it, ` +
      'or choose another path.',
  })
}
