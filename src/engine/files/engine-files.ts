import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { checkJournal } from './journal.ts'

/** Sizes (bytes) of the files in which a loss shows before an engine reads them: the current manifest and the write-ahead logs. */
export type VitalFiles = Readonly<Record<string, number>>

const DATA_FILE = /^(MANIFEST-\d+|\d+\.(log|sst|ldb))$/
/** Files that RocksDB has and LevelDB has not. */
const ROCKSDB_FILE = /^(IDENTITY|OPTIONS-\d+)$/
const OTHER_FILE = /^(CURRENT|LOCK|LOG|LOG\.old(\.\d+)?|OPTIONS-\d+\.dbtmp|\d+\.dbtmp)$/
const WRITE_AHEAD_LOG = /^\d+\.log$/
const MANIFEST = /^MANIFEST-(\d+)$/

/** Of files that nobody has looked at before. */
export const NOTHING_KNOWN: FilesBefore = { files: {}, atRest: false, wasCut: true }

/** The vital files of a RocksDB or LevelDB directory; none if there is none. */
export function vitalFiles(directory: string): VitalFiles {
  const found: Record<string, number> = {}
  const manifest = manifestOf(directory)
  for (const name of dataFiles(directory)) {
    if (name !== manifest && !WRITE_AHEAD_LOG.test(name)) continue
    // An engine that works in the background may have deleted it since.
    const size = statSync(join(directory, name), { throwIfNoEntry: false })?.size
    if (size !== undefined) found[name] = size
  }
  return found
}

/** The engine that wrote a directory, going by its files; undefined if no engine has written data there. */
export function engineOf(directory: string): 'rocksdb' | 'level' | undefined {
  if (!hasData(directory)) return undefined
  return readdirSync(directory).some((name) => ROCKSDB_FILE.test(name)) ? 'rocksdb' : 'level'
}

/** Whether it is called as engines call theirs. */
export function isEngineFile(name: string): boolean {
  return DATA_FILE.test(name) || ROCKSDB_FILE.test(name) || OTHER_FILE.test(name)
}

export function hasData(directory: string): boolean {
  return dataFiles(directory).length > 0
}

/**
 * Says what is damaged in a directory that RocksDB or LevelDB would open without a word, and then delete what it no longer knows:
 * without `CURRENT` both begin an empty database, and of a cut manifest they read what is left.
 *
 * @param before what `vitalFiles` told when it was well
 * @returns undefined if there is nothing to say, or nothing there
 */
export function manifestDamage(directory: string, before: VitalFiles = {}): string | undefined {
  const files = dataFiles(directory)
  const manifest = manifestOf(directory)
  if (manifest === undefined) {
    return files.length === 0 ? undefined : `CURRENT is missing or names no manifest, beside ${files.length} files`
  }
  if (!files.includes(manifest)) return `${manifest} is missing`
  const known = Object.keys(before).find((name) => MANIFEST.test(name))
  const file = readFileSync(join(directory, manifest))
  if (known !== undefined && numberOf(manifest) < numberOf(known)) return `${manifest} is older than ${known}`
  if (known === manifest && file.length < before[known]!)
    return `${manifest} has ${file.length} of ${before[known]} bytes`
  const { damagedAt, isTorn } = checkJournal(file)
  if (damagedAt !== undefined) return `${manifest} is damaged at byte ${damagedAt}`
  return isTorn && known !== manifest ? `${manifest} ends within a record` : undefined
}

/** When the sizes of files were read, and what may have happened to the files since. */
export interface FilesBefore {
  readonly files: VitalFiles
  /** True: the engine was closed. Otherwise it may have moved a log's rows into a table, and deleted the log, at any moment. */
  readonly atRest: boolean
  /** True: the machine may have stopped since, so that the end of a file may be missing or wrong. */
  readonly wasCut: boolean
}

/** Says which write-ahead log has lost something that was in it. */
export function writeAheadLogDamage(directory: string, { files, atRest, wasCut }: FilesBefore): string | undefined {
  const now = vitalFiles(directory)
  const manifest = manifestOf(directory) ?? ''
  const isUnchanged = atRest && now[manifest] === files[manifest]
  for (const [name, size] of wasCut ? [] : Object.entries(files)) {
    const left = now[name] ?? (isUnchanged ? 0 : size)
    if (left < size) return `${name} has ${left} of ${size} bytes`
  }
  for (const name of Object.keys(now).filter((each) => WRITE_AHEAD_LOG.test(each))) {
    const { damagedAt, goesOn } = checkJournal(readFileSync(join(directory, name)))
    if (damagedAt !== undefined && (goesOn || !wasCut)) return `${name} is damaged at byte ${damagedAt}`
  }
  return undefined
}

/**
 * RocksDB reads a write-ahead log up to damage: what it then holds is whole, though older. LevelDB goes on behind it.
 *
 * @param requireUnlocked is asked where there is damage: files that another process is writing may look like it
 * @throws MR_STATE_CORRUPT if the engine would open the directory as if nothing were missing in the midst of it
 */
export async function requireWhole(
  engine: 'rocksdb' | 'level',
  directory: string,
  requireUnlocked: () => Promise<void>,
): Promise<void> {
  const look = (): string | undefined =>
    manifestDamage(directory) ?? (engine === 'level' ? writeAheadLogDamage(directory, NOTHING_KNOWN) : undefined)
  const damage = await lookUnlocked(look, requireUnlocked)
  if (damage === undefined) return
  throw new MillraceError('MR_STATE_CORRUPT', `${engine} cannot read what lies in ${directory}: ${damage}`, {
    hint: 'Check the disk. State is rebuilt from its changelog where the directory is deleted; a log comes from a backup.',
  })
}

/**
 * Looks for damage in files that another process may be writing at the time: what looks like damage is looked at again when
 * nobody has the directory open.
 *
 * @throws what `requireUnlocked` throws
 */
export async function lookUnlocked(
  look: () => string | undefined,
  requireUnlocked: () => Promise<void>,
): Promise<string | undefined> {
  try {
    const damage = look()
    if (damage === undefined) return undefined
  } catch {
    // A file that was there is gone: an engine is at work, or the second look says what is wrong.
  }
  await requireUnlocked()
  return look()
}

function dataFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => DATA_FILE.test(name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function manifestOf(directory: string): string | undefined {
  try {
    const name = readFileSync(join(directory, 'CURRENT'), 'utf8').trim()
    return MANIFEST.test(name) ? name : undefined
  } catch (error) {
    // A file that may not be read, or for which no descriptor is left, is not missing.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR'))
      return undefined
    throw error
  }
}

function numberOf(manifest: string): number {
  return Number(MANIFEST.exec(manifest)?.[1])
}
