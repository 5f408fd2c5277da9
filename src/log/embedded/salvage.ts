import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isMillraceError } from '../../errors/millrace-error.ts'
import type { EngineFactory, KeyValueEngine } from '../../engine/engine.ts'
import { hasData, vitalFiles } from '../../engine/files/engine-files.ts'
import { repairLevel } from '../../engine/leveldb/level.ts'
import { sealDamagedBlocks } from '../../engine/leveldb/level-tables.ts'
import { DIRECTORY_MODES, type FileMode } from '../../platform/file-mode.ts'
import { DamagedRows, isDamage } from './damaged-rows.ts'
import { DATA } from './log-directory.ts'
import { bootId, ENDS_FILE, writeEnds, type LogEnds } from './log-ends.ts'
import { copyData, freeKept, logInUse } from './log-files.ts'
import { RowsSalvage, type SalvagedRows } from './salvaged-rows.ts'

/** The log to salvage. */
interface SalvagePlace {
  readonly directory: string
  readonly factory: EngineFactory
  readonly fsync: boolean
  readonly fileMode: FileMode
}

/** The result of a salvage. */
export interface Salvaged extends SalvagedRows {
  /** The directory that keeps what was there before; undefined if there was nothing. */
  readonly kept: string | undefined
}

/**
 * The places of a salvage, beside the data, which stays as it is until the salvage is done:
 *
 * - `from/` a copy of the data, which an engine may change as it likes
 * - `to/` what can be read of it, which becomes the data
 * - `millrace-log-ends.json` what `to/` has. The salvage is done at the moment when this file replaces the log's own
 * - `replaced/` the old data, kept as `damaged-n` once the salvage is done
 *
 * An engine without rows beside them is open while a process salvages: its lock is that of the salvage.
 */
function placesIn(directory: string) {
  const work = join(directory, 'millrace-log-salvage')
  const inside = (name: string): string => join(work, name)
  return {
    work,
    lock: join(directory, 'millrace-log-salvage-lock'),
    from: inside('from'),
    to: inside('to'),
    undone: inside('undone'),
    replaced: inside('replaced'),
    ends: join(work, ENDS_FILE),
    data: join(directory, DATA),
  }
}

/** True while a log is salvaged, and after a salvage that was interrupted. */
export function isBeingSalvaged(directory: string): boolean {
  return existsSync(placesIn(directory).work)
}

/** Undoes what a dead process left of a salvage, or ends it if it was done. @throws MR_STATE_LOCKED during a salvage */
export async function endSalvage(place: SalvagePlace): Promise<void> {
  const { work, lock } = placesIn(place.directory)
  if (existsSync(work) || existsSync(lock)) await locked(place, () => {})
}

/**
 * Replaces a damaged log by what can be read of it. Reads all of it, and writes it once.
 *
 * @param before what the log is known to have had
 * @throws MR_STATE_LOCKED; what the disk refuses. Then everything is as it was
 */
export async function salvage(place: SalvagePlace, before: LogEnds | undefined): Promise<Salvaged> {
  return await locked(place, async (places) => {
    const { data, from, to, ends, replaced } = places
    const isThere = hasData(data)
    if (isThere) await copyUnlocked(place, data, from)
    const salvaged = await copyRows(place, isThere ? from : undefined, to, before)
    const boot = bootId()
    const { id, topics, groups } = salvaged
    const its = { id, fsync: place.fsync, files: vitalFiles(to), atRest: true, topics, groups }
    writeEnds(places.work, boot === undefined ? its : { ...its, boot }, place.fileMode)
    const kept = isThere ? freeKept(place.directory) : undefined
    if (isThere) renameSync(data, replaced)
    else rmSync(data, { recursive: true, force: true })
    renameSync(to, data)
    renameSync(ends, join(place.directory, ENDS_FILE))
    if (kept !== undefined) renameSync(replaced, kept)
    return { ...salvaged, kept }
  })
}

/** Acts under the lock of the salvage, without remains of an earlier one, and leaves none. */
async function locked<T>(
  place: SalvagePlace,
  act: (places: ReturnType<typeof placesIn>) => Promise<T> | T,
): Promise<T> {
  const places = placesIn(place.directory)
  const lock = await openLock(place, places.lock)
  try {
    mkdirSync(places.work, { recursive: true, mode: DIRECTORY_MODES[place.fileMode] })
    settle(place.directory)
    for (const name of [places.from, places.to, places.undone]) rmSync(name, { recursive: true, force: true })
    try {
      return await act(places)
    } finally {
      settle(place.directory)
      rmSync(places.work, { recursive: true, force: true })
    }
  } finally {
    await lock.close()
    rmSync(places.lock, { recursive: true, force: true })
  }
}

/**
 * Undoes a salvage that is not done, or ends one that is. It may itself be cut short anywhere and be called again: if
 * `undone` is there, the data is the old one; and `ends`, without which nothing is undone, is deleted before `undone`.
 */
function settle(directory: string): void {
  const { ends, to, data, undone, replaced } = placesIn(directory)
  const isDone = !existsSync(ends)
  if (!isDone && !existsSync(to) && !existsSync(undone)) renameSync(data, undone)
  if (existsSync(replaced)) renameSync(replaced, isDone ? freeKept(directory) : data)
  rmSync(ends, { force: true })
}

async function openLock({ directory, factory }: SalvagePlace, lock: string): Promise<KeyValueEngine> {
  try {
    return await factory.open(lock, { acceptDamage: true })
  } catch (error) {
    throw isMillraceError(error) && error.code === 'MR_STATE_LOCKED' ? logInUse(directory, error) : error
  }
}

/** Copies data. @throws MR_STATE_LOCKED if a process has it open, or had it meanwhile */
async function copyUnlocked({ directory, factory }: SalvagePlace, data: string, copy: string): Promise<void> {
  const look = (): string =>
    JSON.stringify([readdirSync(data).filter((name) => !name.startsWith('LO')), vitalFiles(data)])
  await factory.requireUnlocked?.(data)
  const before = look()
  copyData(data, copy)
  await factory.requireUnlocked?.(data)
  if (look() !== before) throw logInUse(directory)
}

async function copyRows(
  { factory }: SalvagePlace,
  from: string | undefined,
  to: string,
  before: LogEnds | undefined,
): Promise<SalvagedRows> {
  // LevelDB's own repair drops a table in which nothing can be found.
  const lacksTables = from !== undefined && factory.name === 'level' && (await sealDamagedBlocks(from))
  if (lacksTables) await repairLevel(from)
  const source = from === undefined ? undefined : await openDamaged(factory, from)
  try {
    const rows = source === undefined ? undefined : new DamagedRows(source)
    const target = await factory.open(to)
    try {
      return await new RowsSalvage(rows, lacksTables, target).copy(before)
    } finally {
      await target.close()
    }
  } finally {
    await source?.close()
  }
}

/** Returns undefined if the engine cannot open the directory at all. */
async function openDamaged(factory: EngineFactory, directory: string): Promise<KeyValueEngine | undefined> {
  try {
    return await factory.open(directory, { acceptDamage: true })
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
