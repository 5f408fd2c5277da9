import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { isMillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { ifThere } from '../../platform/if-there.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import { embeddedLog } from '../embedded/embedded-log.ts'
import { writeLog, type PutRow } from '../embedded/written-log.ts'
import { damagedBackup, readBackup, ROWS, type Backup } from './backup-format.ts'
import { RowSplitter } from './row-splitter.ts'
import { writeWhole } from './whole-directory.ts'

/** Bytes that are read at once. */
const CHUNK = 1 << 20

/**
 * Makes a log in the new directory `to` from the backup in `from`. The log gets an id of its own: state that was
 * written beside the log of the backup, or beside another restore of it, is not taken for this log's.
 *
 * @throws MR_BACKUP_INVALID if there is no backup, or what is there is not what was written; MR_BACKUP_PLACE if `to`
 * holds something; what the disk refuses. Then there is no log
 */
export async function restoreLog(from: string, to: string): Promise<Backup> {
  try {
    const backup = readBackup(from)
    await requireSame(from, backup)
    await writeWhole(to, async (part) => {
      await writeLog(part, { ...backup, id: restoredId(backup.id) }, (put) => putRows(from, put))
      await requireWhole(from, part)
    })
    return backup
  } catch (error) {
    throw directoryFailure('the restore', to, error)
  }
}

/** Returns the id of a restored log: up to the sign that of the log of the backup, then one that nothing else has. */
function restoredId(id: string): string {
  const [origin = id] = id.split('+')
  return `${origin}+${randomBytes(4).toString('hex')}`
}

/** @throws MR_BACKUP_INVALID unless the rows are those that were written */
async function requireSame(from: string, { bytes, sha256 }: Backup): Promise<void> {
  const found = ifThere(() => statSync(join(from, ROWS)).size)
  if (found === undefined) throw damagedBackup(from, `${ROWS} is missing`)
  if (found !== bytes) throw damagedBackup(from, `${ROWS} has ${found} bytes instead of ${bytes}`)
  const hash = createHash('sha256')
  for await (const chunk of readRows(from)) hash.update(chunk)
  if (hash.digest('hex') !== sha256) throw damagedBackup(from, `${ROWS} has other bytes than were written`)
}

async function putRows(from: string, put: PutRow): Promise<void> {
  const rows = new RowSplitter()
  for await (const chunk of readRows(from)) {
    rows.add(chunk)
    while (rows.next()) {
      const done = put(rows.key, rows.value)
      if (isPromise(done)) await done
    }
  }
}

function readRows(from: string): AsyncIterable<Buffer> {
  return createReadStream(join(from, ROWS), { highWaterMark: CHUNK })
}

/** Opens the log, which looks for all that the backup says it has. */
async function requireWhole(from: string, part: string): Promise<void> {
  try {
    const log = await embeddedLog({ directory: part, attach: false })
    await log.close()
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'MR_STATE_CORRUPT') throw error
    throw damagedBackup(from, error.message, error)
  }
}
