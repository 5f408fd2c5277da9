import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { FILE_MODES } from '../../platform/file-mode.ts'
import { embeddedLog } from '../embedded/embedded-log.ts'
import { holdsLog } from '../embedded/log-directory.ts'
import { SnapshotLost } from '../local/log-snapshot.ts'
import { SharedLog } from '../shared/shared-log.ts'
import { ROWS, writeBackup, type Backup } from './backup-format.ts'
import { writeWhole } from './whole-directory.ts'

/**
 * Copies the embedded log in `from`, as it is at one moment, to the new directory `to`: topics, records, offsets of
 * groups. It may be open in another process, an application perhaps, which goes on meanwhile. When that process ends,
 * the copy begins again.
 *
 * What was acknowledged before the call is in the backup; of a commit or a transaction it has all or nothing.
 *
 * @throws MR_BACKUP_SOURCE if there is no log; MR_BACKUP_PLACE if `to` holds something; what `embeddedLog` throws; what
 * the disk refuses. Then there is no backup
 */
export async function backUpLog(from: string, to: string): Promise<Backup> {
  if (!holdsLog(from)) {
    throw new MillraceError('MR_BACKUP_SOURCE', `there is no log in ${from}`, {
      hint: 'Give the data directory of an application on an embedded log, as millrace run --data takes it.',
    })
  }
  const log = await embeddedLog({ directory: from })
  try {
    if (!(log instanceof SharedLog)) throw new TypeError('an embedded log in files is shared')
    return await writeWhole(to, async (part) => {
      const backup = await copied(log, part)
      writeBackup(part, backup)
      return backup
    })
  } catch (error) {
    throw directoryFailure('the backup', to, error)
  } finally {
    await log.close()
  }
}

async function copied(log: SharedLog, directory: string): Promise<Backup> {
  for (;;) {
    try {
      return await copyOnce(log, directory)
    } catch (error) {
      if (!(error instanceof SnapshotLost)) throw error
    }
  }
}

async function copyOnce(log: SharedLog, directory: string): Promise<Backup> {
  const time = Date.now()
  const snapshot = await log.openSnapshot()
  try {
    await using file = await open(join(directory, ROWS), 'w', FILE_MODES.owner)
    const hash = createHash('sha256')
    let bytes = 0
    for (let rows = await snapshot.next(); rows !== undefined; rows = await snapshot.next()) {
      const page = Buffer.concat(rows)
      hash.update(page)
      bytes += page.length
      await file.appendFile(page)
    }
    await file.sync()
    return { ...snapshot.content, time, bytes, sha256: hash.digest('hex') }
  } finally {
    snapshot.close()
  }
}
