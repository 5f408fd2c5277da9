import { join } from 'node:path'
import type { LogFormat } from '../application/log-line.ts'
import { backUpLog } from '../log/backup/back-up-log.ts'
import type { Backup } from '../log/backup/backup-format.ts'
import { restoreLog } from '../log/backup/restore-log.ts'
import { requireEmpty } from '../log/backup/whole-directory.ts'
import { countOf, note } from './note.ts'

export interface LogOptions {
  readonly data: string
  readonly logFormat: LogFormat
}

/** Runs `millrace log backup`. @throws MR_BACKUP_SOURCE, MR_BACKUP_PLACE */
export async function backUp(directory: string, { data, logFormat }: LogOptions): Promise<void> {
  const backup = await backUpLog(join(data, 'log'), directory)
  note(`backed up ${described(backup)} to ${directory}`, logFormat)
}

/**
 * Runs `millrace log restore`. State of applications may not be there: it may have seen what the backup lacks.
 *
 * @throws MR_BACKUP_INVALID, MR_BACKUP_PLACE
 */
export async function restore(directory: string, { data, logFormat }: LogOptions): Promise<void> {
  requireEmpty(join(data, 'state'))
  const backup = await restoreLog(directory, join(data, 'log'))
  note(`restored ${described(backup)} of ${new Date(backup.time).toISOString()} to ${data}`, logFormat)
}

function described({ topics, bytes }: Backup): string {
  return `${countOf(topics.length, 'topic')}, ${sizeOf(bytes)},`
}

function sizeOf(bytes: number): string {
  const [unit, size] = bytes < 1e6 ? ['kB', bytes / 1e3] : bytes < 1e9 ? ['MB', bytes / 1e6] : ['GB', bytes / 1e9]
  return `${size.toLocaleString('en-US', { maximumFractionDigits: 1 })} ${unit}`
}
