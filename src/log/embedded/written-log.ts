import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chooseEngine } from '../../engine/choice/choose-engine.ts'
import { withFileMode } from '../../engine/engine.ts'
import { vitalFiles } from '../../engine/files/engine-files.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import { DIRECTORY_MODES } from '../../platform/file-mode.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { LogContent } from '../local/log-snapshot.ts'
import { DATA, openLogDirectory } from './log-directory.ts'
import { bootId, writeEnds } from './log-ends.ts'
import { LOG_KEY } from './log-keys.ts'

/** Approximate bytes of one write. */
const WRITE_BYTES = 4 << 20

/** Adds a row, whose bytes must stay as they are until the log is written. */
export type PutRow = (key: Buffer, value: Buffer) => MaybePromise<void>

/**
 * Writes a log into an empty directory, of rows that were those of a log.
 *
 * @param content the id that it gets, and what it has when `putRows` has put all rows: at the next opening, less is
 *   a loss
 */
export async function writeLog(
  directory: string,
  content: LogContent,
  putRows: (put: PutRow) => Promise<void>,
): Promise<void> {
  const fileMode = 'owner'
  const { factory } = await chooseEngine(undefined)
  openLogDirectory({ directory, fileMode, warn: () => {} }, undefined, factory.name)
  const data = join(directory, DATA)
  mkdirSync(data, { mode: DIRECTORY_MODES[fileMode] })
  const engine = await withFileMode(factory, fileMode).open(data)
  try {
    let batch = new WriteBatch()
    let bytes = 0
    const write = async (): Promise<void> => {
      const full = batch
      batch = new WriteBatch()
      bytes = 0
      await engine.write(full, { sync: true })
    }
    await putRows((key, value) => {
      if (key.equals(LOG_KEY)) return
      batch.put(key, value)
      bytes += key.length + value.length
      return bytes < WRITE_BYTES ? undefined : write()
    })
    batch.put(LOG_KEY, Buffer.from(content.id))
    await write()
  } finally {
    await engine.close()
  }
  const { id, topics, groups } = content
  const boot = bootId()
  const ends = { id, topics, groups, fsync: true, files: vitalFiles(data), atRest: true }
  writeEnds(directory, boot === undefined ? ends : { ...ends, boot }, fileMode)
}
