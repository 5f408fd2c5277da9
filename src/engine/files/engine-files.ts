import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { DAMAGE_HINT } from './engine-failure.ts'
import { checkJournal } from './journal.ts'
import { ifThere } from '../../platform/if-there.ts'

/** Sizes (bytes) of files that show a loss before an engine reads them: the current manifest and write-ahead logs. */
export type VitalFiles = Readonly<Record<string, number>>

const DATA_FILE = /^(MANIFEST-\d+|\d+\.(log|sst|ldb))$/
/** Files that only RocksDB has. */
const ROCKSDB_FILE = /^(IDENTITY|OPTIONS-\d+)$/
const OTHER_FILE = /^(CURRENT|LOCK|LOG|LOG\.old(\.\d+)?|OPTIONS-\d+\.dbtmp|\d+\.dbtmp)$/
const WRITE_AHEAD_LOG = /^\d+\.log$/
const MANIFEST = /^MANIFEST-(\d+)$/

/** Stands for files whose sizes are unknown. */
export const NOTHING_KNOWN: FilesBefore = { files: {}, atRest: false, wasCut: true }

/** Returns the vital files of a RocksDB or LevelDB directory; none for any other. */
export function vitalFiles(directory: string): VitalFiles {
  const found: Record<string, number> = {}
  const manifest = manifestOf(directory)
  for (const name of dataFiles(directory)) {
    if (name !== manifest && !WRITE_AHEAD_LOG.test(name)) continue
    // An engine's background work may have deleted the file since.
    const size = statSync(join(directory, name), { throwIfNoEntry: false })?.size
    if (size !== undefined) found[name] = size
  }
  return found
}

/** Returns the engine that wrote a directory, by its files; undefined if no engine has written data there. */
export function engineOf(directory: string): 'rocksdb' | 'level' | undefined {
  if (!hasData(directory)) return undefined
  return readdirSync(directory).some((name) => ROCKSDB_FILE.test(name)) ? 'rocksdb' : 'level'
}

/** True for a name that an engine gives to a file. */
export function isEngineFile(name: string): boolean {
  return DATA_FILE.test(name) || ROCKSDB_FILE.test(name) || OTHER_FILE.test(name)
}

export function hasData(directory: string): boolean {
  return dataFiles(directory).length > 0
}

/**
 * Describes damage that RocksDB and LevelDB ignore, so that they open the directory and delete files that they no
 * longer know: without `CURRENT` both begin an empty database, and they read what is left of a manifest that was cut
 * off.
 *
 * @param before the result of `vitalFiles` before the damage
 * @returns undefined if there is no damage, or no data
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

/** Sizes of files that were read earlier, and what may have happened to the files since. */
export interface FilesBefore {
  readonly files: VitalFiles
  /** True: the engine was closed. Otherwise it may have moved a log's rows to a table and deleted the log since. */
  readonly atRest: boolean
  /** True: the machine may have stopped since, so that the end of a file may be missing or wrong. */
  readonly wasCut: boolean
}

/** Describes the first write-ahead log that lost data; undefined if there is none. */
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
 * Refuses a directory in which data is missing in the middle. RocksDB reads a write-ahead log up to the first damage:
 * its data is then whole, though older. LevelDB goes on after the damage.
 *
 * @param requireUnlocked is called if there is damage: files that another process is writing may look damaged
 * @throws MR_STATE_CORRUPT if the engine would open the directory in spite of such a loss
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
  throw new MillraceError('MR_STATE_CORRUPT', `${engine} cannot read all files of ${directory}: ${damage}`, {
    hint: DAMAGE_HINT,
  })
}

/**
 * Looks for damage in files that another process may be writing. If it finds any, it looks again once nobody has the
 * directory open.
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
    // A file has disappeared: an engine is at work, or the second look finds the damage.
  }
  await requireUnlocked()
  return look()
}

function dataFiles(directory: string): readonly string[] {
  return ifThere(() => readdirSync(directory))?.filter((name) => DATA_FILE.test(name)) ?? []
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
