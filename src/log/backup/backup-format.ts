import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { FILE_MODES } from '../../platform/file-mode.ts'
import { isMissing } from '../../platform/if-there.ts'
import type { LogContent } from '../local/log-snapshot.ts'

/*
 * A backup is a directory with two files. `rows` has all rows of the log, each with the lengths of its key and its
 * value before it, in the order of keys. `millrace-log-backup.json` says what they are.
 */

/** The file with the rows. */
export const ROWS = 'rows'
const MARKER = 'millrace-log-backup.json'
const KIND = 'millrace-log-backup'
const FORMAT = 1

/** A backup of a log. */
export interface Backup extends LogContent {
  /** Time when it was begun, ms since the epoch. */
  readonly time: number
  /** Bytes of the rows. */
  readonly bytes: number
  /** SHA-256 of the rows, in hexadecimal digits. */
  readonly sha256: string
}

export function writeBackup(directory: string, backup: Backup): void {
  const text = `${JSON.stringify({ kind: KIND, format: FORMAT, ...backup })}\n`
  writeFileSync(join(directory, MARKER), text, { flush: true, mode: FILE_MODES.owner })
}

/** @throws MR_BACKUP_INVALID if the directory holds no backup, or one of a newer format */
export function readBackup(directory: string): Backup {
  let marker: unknown
  try {
    marker = JSON.parse(readFileSync(join(directory, MARKER), 'utf8'))
  } catch (error) {
    if (isMissing(error)) {
      throw new MillraceError('MR_BACKUP_INVALID', `${directory} holds no backup: ${MARKER} is missing`, {
        hint: 'Give the directory that millrace log backup has written.',
      })
    }
    if (!(error instanceof SyntaxError)) throw error
  }
  const { kind, format, ...backup } = Object(marker) as Partial<Backup> & { kind?: unknown; format?: unknown }
  if (kind === KIND && typeof format === 'number' && format > FORMAT) {
    throw new MillraceError('MR_BACKUP_INVALID', `${directory} has format ${format}, this version knows ${FORMAT}`, {
      hint: 'Use a newer Millrace.',
    })
  }
  if (kind === KIND && format === FORMAT && isBackup(backup)) return backup
  throw damagedBackup(directory, `${MARKER} cannot be read`)
}

export function damagedBackup(directory: string, what: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_BACKUP_INVALID', `the backup in ${directory} is damaged: ${what}`, {
    hint: 'Restore another one.',
    cause,
  })
}

function isBackup(value: Partial<Backup>): value is Backup {
  const { id, topics, groups, bytes, time, sha256 } = value
  const isWhole = Number.isSafeInteger(bytes) && Number.isSafeInteger(time) && typeof sha256 === 'string'
  return isWhole && typeof id === 'string' && Array.isArray(topics) && Array.isArray(groups)
}
