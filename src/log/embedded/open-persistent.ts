import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isMillraceError, MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import type { EngineFactory, KeyValueEngine } from '../../engine/engine.ts'
import {
  hasData,
  lookUnlocked,
  manifestDamage,
  NOTHING_KNOWN,
  writeAheadLogDamage,
} from '../../engine/files/engine-files.ts'
import { requireSoundTables } from '../../engine/leveldb/level-tables.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import { LocalLog } from '../local/local-log.ts'
import { isDamage } from './damaged-rows.ts'
import { EmbeddedStorage } from './embedded-storage.ts'
import { EndsKeeper } from './ends-keeper.ts'
import { LogCleaner } from './log-cleaner.ts'
import { DATA } from './log-directory.ts'
import { bootId, readEnds, type LogEnds } from './log-ends.ts'
import { copyData, logInUse } from './log-files.ts'
import { LOG_KEY } from './log-keys.ts'
import { holed, lostData, recordsIn, shortened, unreadable, type Loss } from './log-loss.ts'
import { endSalvage, isBeingSalvaged, salvage } from './salvage.ts'

/** The log to open, and how. */
export interface LogPlace {
  readonly directory: string
  readonly factory: EngineFactory
  readonly fsync: boolean
  /** The mode of new directories and files. */
  readonly fileMode: FileMode
  /** True: a log that lost data is opened with what is left. */
  readonly acceptLoss: boolean
  readonly clock: Clock
  readonly warn: (fields: object, message: string) => void
}

/** What the files show before an engine is opened, which may delete what it does not understand. */
interface Findings {
  /** What the log is known to have had; undefined if a version wrote it that kept no such file. */
  readonly before: LogEnds | undefined
  readonly damage: string | undefined
  /** True if the log was not synced when the machine stopped: it may be shorter, and the end of a file damaged. */
  readonly mayBeShorter: boolean
}

/**
 * Opens a log in files. If it lost something that it is known to have had, and losses are accepted, it is salvaged.
 *
 * @throws MR_STATE_CORRUPT with what is missing; MR_STATE_LOCKED
 */
export async function openPersistent(place: LogPlace): Promise<LocalLog> {
  await endSalvage(place)
  const before = endsBefore(place)
  const findings = await examine(place, before)
  const { damage, mayBeShorter } = findings
  if (!place.acceptLoss) {
    if (damage !== undefined && !mayBeShorter) throw await refusal(place, before, damage)
    return await openWhole(place, findings)
  }
  try {
    if (damage === undefined) return await openWhole(place, findings)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    return await openSalvaged(place, before, error.message)
  }
  return await openSalvaged(place, before, damage)
}

async function openWhole(place: LogPlace, findings: Findings): Promise<LocalLog> {
  const { directory, factory, acceptLoss } = place
  const data = join(directory, DATA)
  if (acceptLoss && factory.name === 'level' && hasData(data)) await requireSound(place, data)
  const engine = await openEngine(place, findings)
  return await orClose(engine, () => logIn(engine, place, findings))
}

/** Finds damage before LevelDB reads: it ignores checksums, and a block that makes no sense may end the process. */
async function requireSound(place: LogPlace, data: string): Promise<void> {
  try {
    await requireSoundTables(data)
  } catch (error) {
    await requireUnlocked(place, data)
    throw error
  }
}

async function openSalvaged(place: LogPlace, before: LogEnds | undefined, damage: string): Promise<LocalLog> {
  const { directory, warn } = place
  const { losses, kept, hasAllOffsets } = await salvage(place, before)
  const lost = { directory, damage, records: recordsIn(losses), partitions: losses.map(({ text }) => text), kept }
  warn(hasAllOffsets ? lost : { ...lost, offsets: OFFSETS_LOST }, LOST)
  const findings = { before: readEnds(directory), damage: undefined, mayBeShorter: false }
  const engine = await openEngine(place, findings)
  return await orClose(engine, () => logIn(engine, { ...place, acceptLoss: false }, findings))
}

const LOST = 'the log goes on without what it lost; what was there before is kept'
const OFFSETS_LOST = 'committed offsets may be missing, or older than they were: records may be processed again'
const UNSYNCED = 'the log is shorter than it was: the machine stopped, and it was written with fsync: false'

async function orClose<T>(engine: KeyValueEngine, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await engine.close()
    throw error
  }
}

async function examine(place: LogPlace, before: LogEnds | undefined): Promise<Findings> {
  if (before !== undefined && before.id === undefined) return { before, damage: undefined, mayBeShorter: true }
  const data = join(place.directory, DATA)
  const isSameBoot = before?.boot !== undefined && before.boot === bootId()
  const isUnsynced = before !== undefined && !before.fsync && !isSameBoot
  let isForgiven = isUnsynced
  const damage = await lookUnlocked(
    () => {
      const empty = hasData(data) ? undefined : `${DATA}/ is ${existsSync(data) ? 'empty' : 'missing'}`
      const lost = empty ?? manifestDamage(data, before?.files)
      isForgiven = isUnsynced && lost === undefined
      const files = before === undefined ? NOTHING_KNOWN : { ...before, wasCut: !isSameBoot }
      return lost ?? writeAheadLogDamage(data, files)
    },
    () => requireUnlocked(place, data),
  )
  return { before, damage, mayBeShorter: isForgiven }
}

async function requireUnlocked({ directory, factory }: LogPlace, data: string): Promise<void> {
  try {
    await factory.requireUnlocked?.(data)
  } catch (error) {
    throw inUse(directory, error)
  }
}

function endsBefore({ directory, acceptLoss, warn }: LogPlace): LogEnds | undefined {
  try {
    return readEnds(directory)
  } catch (error) {
    if (!acceptLoss || !isDamage(error)) throw error
    warn({ directory, err: error }, 'what the log had is not known')
    return undefined
  }
}

async function openEngine(place: LogPlace, { before, damage }: Findings): Promise<KeyValueEngine> {
  const { directory, factory } = place
  let engine: KeyValueEngine
  try {
    engine = await factory.open(join(directory, DATA), { acceptDamage: damage !== undefined })
  } catch (error) {
    throw isCorrupt(error) ? unreadable(directory, before?.topics ?? [], error) : inUse(directory, error)
  }
  // A process that salvages the log looks for this engine's lock after it has made its own.
  if (!isBeingSalvaged(directory)) return engine
  await engine.close()
  throw logInUse(directory)
}

function inUse(directory: string, error: unknown): unknown {
  return isMillraceError(error) && error.code === 'MR_STATE_LOCKED' ? logInUse(directory, error) : error
}

async function logIn(engine: KeyValueEngine, place: LogPlace, findings: Findings): Promise<LocalLog> {
  const { directory, fsync, acceptLoss, warn } = place
  const { before, damage, mayBeShorter } = findings
  const { stored, id, isOther, storage, log, cleaner } = await load(engine, place, before, damage)
  const losses = shortened(before?.topics ?? [], isOther ? [] : storage.ends)
  if (isOther) throw lostData(directory, `${DATA}/ holds another log`, losses)
  // A user who accepts losses gets all of them at once: some show only when everything is read.
  if (acceptLoss) for (const partition of storage.partitions) losses.push(...holed(partition, partition.holes()))
  if (losses.length > 0 && (acceptLoss || !mayBeShorter)) throw lostData(directory, damage, losses)
  if (damage !== undefined) losses.push(...(await fillHoles(engine, storage, warn)))
  if (damage !== undefined || losses.length > 0) {
    const partitions = losses.map(({ text }) => text)
    warn({ directory, damage, records: recordsIn(losses), partitions }, UNSYNCED)
  }

  if (stored === undefined) await writeId(engine, id)
  const onFailure = (err: unknown): void => warn({ directory, err }, 'what the log has could not be written beside it')
  const describe = () => ({ id, fsync, topics: storage.ends, groups: storage.groups })
  storage.keepEnds(new EndsKeeper(place, join(directory, DATA), describe, onFailure))
  cleaner.start()
  return log
}

/** Loads topics, offsets and the ends of partitions. @throws MR_STATE_CORRUPT if they cannot be read */
async function load(engine: KeyValueEngine, place: LogPlace, before: LogEnds | undefined, damage: string | undefined) {
  const { directory, clock, fsync, warn } = place
  try {
    const stored = engine.get(LOG_KEY)?.toString('utf8')
    const isOther = before?.id !== undefined && stored !== undefined && before.id !== stored
    const id = stored ?? before?.id ?? randomUUID()
    const storage = new EmbeddedStorage(engine, id, fsync)
    if (damage !== undefined && before !== undefined && !isOther) await addMissingTopics(engine, storage, before)
    const cleaner = new LogCleaner(storage, clock, warn)
    const log = new LocalLog(storage, clock, storage.load(), () => cleaner.stop())
    return { stored, id, isOther, storage, log, cleaner }
  } catch (error) {
    throw isCorrupt(error) ? unreadable(directory, before?.topics ?? [], error) : error
  }
}

/** Fills what is missing within partitions with holes that readers pass. */
async function fillHoles(engine: KeyValueEngine, storage: EmbeddedStorage, warn: LogPlace['warn']): Promise<Loss[]> {
  const batch = new WriteBatch()
  const losses: Loss[] = []
  for (const partition of storage.partitions) {
    const { topic, partition: index } = partition
    try {
      const holes = partition.holes()
      for (const hole of holes) partition.writeHole(batch, hole)
      losses.push(...holed(partition, holes))
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      warn({ topic, partition: index, err: error }, 'the partition holds records that cannot be read')
    }
  }
  if (batch.length > 0) await write(engine, batch)
  return losses
}

async function addMissingTopics(engine: KeyValueEngine, storage: EmbeddedStorage, before: LogEnds): Promise<void> {
  const batch = new WriteBatch()
  storage.writeMissingTopics(before.topics, batch)
  if (batch.length > 0) await write(engine, batch)
}

/** Stores an id that is drawn once: topic ids of a log that was deleted and created again differ from those before. */
async function writeId(engine: KeyValueEngine, id: string): Promise<void> {
  const batch = new WriteBatch()
  batch.put(LOG_KEY, Buffer.from(id))
  await write(engine, batch)
}

async function write(engine: KeyValueEngine, batch: WriteBatch): Promise<void> {
  const written = engine.write(batch, { sync: true })
  if (isPromise(written)) await written
}

/** Returns the error for a damaged log, with its losses. An engine looks for them in a copy: the log stays as it is. */
async function refusal(
  place: LogPlace,
  before: LogEnds | undefined,
  damage: string | undefined,
): Promise<MillraceError> {
  const { directory, factory, clock } = place
  const topics = before?.topics ?? []
  if (!hasData(join(directory, DATA))) return lostData(directory, damage, shortened(topics, []))
  const copy = join(directory, `millrace-log-copy-${process.pid}`)
  try {
    copyData(join(directory, DATA), copy)
    const engine = await factory.open(copy, { acceptDamage: true })
    try {
      const storage = new EmbeddedStorage(engine, '', false)
      if (before !== undefined) await addMissingTopics(engine, storage, before)
      // A log opens the partitions.
      void new LocalLog(storage, clock, storage.load())
      const holes = [...storage.partitions].flatMap((partition) => holed(partition, partition.holes()))
      return lostData(directory, damage, [...shortened(topics, storage.ends), ...holes])
    } finally {
      await engine.close()
    }
  } catch (error) {
    const cause = new MillraceError('MR_STATE_CORRUPT', damage ?? '', { cause: error })
    return unreadable(directory, topics, cause)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function isCorrupt(error: unknown): error is MillraceError {
  return error instanceof MillraceError && isDamage(error)
}
