import { readFileSync, renameSync, rmSync, writeFile, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { FILE_MODES, keepMode, type FileMode } from '../../platform/file-mode.ts'
import type { VitalFiles } from '../../engine/files/engine-files.ts'
import { ACCEPT_LOSS } from './accept-loss.ts'
import { ifThere } from '../../platform/if-there.ts'
import type { TopicEnds } from '../local/log-snapshot.ts'

/**
 * What a log has at least, in a file beside its data that is written after it. Without this file, a loss would go
 * unseen: engines read damaged files as far as they can.
 */
export interface LogEnds {
  readonly format: number
  /** Id of the log; absent while it is being created. */
  readonly id?: string
  /** Id of the machine's last start, if it has one. */
  readonly boot?: string
  /** True if the log is synced. */
  readonly fsync: boolean
  readonly files: VitalFiles
  /** True if the log was closed when the file was written. */
  readonly atRest: boolean
  readonly topics: readonly TopicEnds[]
  /** Ids of groups with committed offsets; absent in files of older versions. */
  readonly groups?: readonly string[]
}

const FORMAT = 1
export const ENDS_FILE = 'millrace-log-ends.json'

/** The ends of a log that is being created: it has nothing yet that could be lost. */
export const UNBEGUN: Omit<LogEnds, 'format'> = { fsync: true, files: {}, atRest: false, topics: [] }

/**
 * @returns undefined for a log of a version that kept no such file
 * @throws MR_STATE_CORRUPT; MR_STATE_FOREIGN if a newer version wrote it
 */
export function readEnds(directory: string): LogEnds | undefined {
  const file = join(directory, ENDS_FILE)
  const text = ifThere(() => readFileSync(file, 'utf8'))
  if (text === undefined) return undefined
  const ends = parse(text)
  if (ends === undefined) {
    throw new MillraceError('MR_STATE_CORRUPT', `${file} is damaged: nobody knows what the log in ${directory} had`, {
      hint: ACCEPT_LOSS,
    })
  }
  if (ends.format <= FORMAT) return ends
  throw new MillraceError('MR_STATE_FOREIGN', `${file} has format ${ends.format}, this version knows ${FORMAT}`, {
    hint: 'Use a newer Millrace.',
  })
}

/** Writes the file and renames it into place: a kill leaves the file before or this one. */
export function writeEnds(directory: string, ends: Omit<LogEnds, 'format'>, fileMode: FileMode): void {
  const file = join(directory, ENDS_FILE)
  writeFileSync(`${file}.new`, textOf(ends), { flush: ends.fsync, mode: FILE_MODES[fileMode] })
  keepMode(`${file}.new`, file)
  renameSync(`${file}.new`, file)
}

/** As `writeEnds`, but nobody waits for the disk. @param isStillTrue false if something newer was written meanwhile */
export function writeEndsBeside(
  directory: string,
  ends: Omit<LogEnds, 'format'>,
  fileMode: FileMode,
  isStillTrue: () => boolean,
  done: (error: unknown) => void,
): void {
  const file = join(directory, ENDS_FILE)
  writeFile(`${file}.next`, textOf(ends), { flush: ends.fsync, mode: FILE_MODES[fileMode] }, (failure) => {
    let error: unknown = failure ?? undefined
    try {
      if (isStillTrue() && error === undefined) {
        keepMode(`${file}.next`, file)
        renameSync(`${file}.next`, file)
      } else rmSync(`${file}.next`, { force: true })
    } catch (caught) {
      error = caught
    }
    done(error)
  })
}

function textOf(ends: Omit<LogEnds, 'format'>): string {
  return `${JSON.stringify({ format: FORMAT, ...ends })}\n`
}

/** Returns an id that changes with each start of the machine, undefined if the system has none. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

function parse(text: string): LogEnds | undefined {
  try {
    const ends: LogEnds = JSON.parse(text)
    const isWhole =
      Number.isSafeInteger(ends.format) &&
      (ends.id === undefined || typeof ends.id === 'string') &&
      typeof ends.fsync === 'boolean' &&
      typeof ends.atRest === 'boolean' &&
      Object.values(ends.files).every((size) => Number.isSafeInteger(size)) &&
      ends.topics.every(isTopicEnds) &&
      (ends.groups ?? []).every((group) => typeof group === 'string')
    return isWhole ? ends : undefined
  } catch {
    return undefined
  }
}

function isTopicEnds({ name, number, ends, configs }: TopicEnds): boolean {
  const isNamed = typeof name === 'string' && Number.isSafeInteger(number) && typeof configs === 'object'
  return isNamed && ends.every((end) => Number.isSafeInteger(end))
}
