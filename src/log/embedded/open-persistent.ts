import { randomUUID } from 'node:crypto'
import { constants, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import { DIRECTORY_MODES } from '../../platform/file-mode.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import type { EngineFactory, KeyValueEngine } from '../../engine/engine.ts'
import { hasData, manifestDamage, NOTHING_KNOWN, writeAheadLogDamage } from '../../engine/files/engine-files.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import { LocalLog } from '../local/local-log.ts'
import type { Log } from '../log.ts'
import { EmbeddedStorage } from './embedded-storage.ts'
import { EndsKeeper } from './ends-keeper.ts'
import { LogCleaner } from './log-cleaner.ts'
import { DATA } from './log-directory.ts'
import { bootId, readEnds } from './log-ends.ts'
import type { LogEnds } from './log-ends.ts'
import { LOG_KEY } from './log-keys.ts'
import { holed, lostData, recordsIn, shortened, unreadable } from './log-loss.ts'
import type { Loss } from './log-loss.ts'

/** What there is to open, and how. */
export interface LogPlace {
  readonly directory: string
  readonly factory: EngineFactory
  readonly fsync: boolean
  /** Of what is made. */
  readonly fileMode: FileMode
  /** True: goes on with what is left of a log that lost data. */
  readonly acceptLoss: boolean
  readonly clock: Clock
  readonly warn: (fields: object, message: string) => void
}

/** What a look at the files tells, before an engine is opened: it may delete what it does not understand. */
interface Findings {
  /** What is known that the log had; undefined if a version wrote it that kept no such file. */
  readonly before: LogEnds | undefined
  readonly damage: string | undefined
  /** True: the log may have become shorter, because that is accepted, or because it was not synced when the machine stopped. */
  readonly mayBeShorter: boolean
}

/**
 * Opens a log that lies in files, if it has all that it is known to have had.
 *
 * @throws MR_STATE_CORRUPT with what is missing, unless it may be; MR_STATE_LOCKED
 */
export async function openPersistent(place: LogPlace): Promise<Log> {
  const findings = await examine(place)
  const kept = place.acceptLoss ? keepCopy(place.directory) : undefined
  const { engine, damage } = await openEngine(place, findings, kept)
  try {
    return await logIn(engine, place, { ...findings, damage }, kept)
  } catch (error) {
    await engine.close()
    if (kept === undefined) throw error
    if (isCorrupt(error)) {
      return await logIn(await beginAgain(place), place, { ...findings, damage: error.message }, kept)
    }
    // The engine that saw nothing wrong has deleted nothing.
    if (damage === undefined) rmSync(kept, { recursive: true })
    throw error
  }
}

async function examine(place: LogPlace): Promise<Findings> {
  const { directory, acceptLoss } = place
  const data = join(directory, DATA)
  const before = endsBefore(place)
  if (before !== undefined && before.id === undefined) return { before, damage: undefined, mayBeShorter: true }
  const isSameBoot = before?.boot !== undefined && before.boot === bootId()
  const isUnsynced = before !== undefined && !before.fsync && !isSameBoot
  const empty = hasData(data) ? undefined : `${DATA}/ is ${existsSync(data) ? 'empty' : 'missing'}`
  const lost = empty ?? manifestDamage(data, before?.files)
  const damage =
    lost ?? writeAheadLogDamage(data, before === undefined ? NOTHING_KNOWN : { ...before, wasCut: !isSameBoot })
  const isForgiven = lost === undefined && (damage === undefined || isUnsynced)
  if (!isForgiven && !acceptLoss) throw await refusal(place, before, damage)
  return { before, damage, mayBeShorter: acceptLoss || isUnsynced }
}

function endsBefore({ directory, acceptLoss, warn }: LogPlace): LogEnds | undefined {
  try {
    return readEnds(directory)
  } catch (error) {
    if (!acceptLoss || !isCorrupt(error)) throw error
    warn({ directory, err: error }, 'what the log had is not known')
    return undefined
  }
}

async function openEngine(
  place: LogPlace,
  { before, damage }: Findings,
  kept: string | undefined,
): Promise<{ readonly engine: KeyValueEngine; readonly damage: string | undefined }> {
  const { directory, factory } = place
  try {
    return { engine: await factory.open(join(directory, DATA), { acceptDamage: damage !== undefined }), damage }
  } catch (error) {
    if (isCorrupt(error) && kept !== undefined) return { engine: await beginAgain(place), damage: error.message }
    if (kept !== undefined) rmSync(kept, { recursive: true })
    if (isCorrupt(error)) throw unreadable(directory, before?.topics ?? [], error)
    if (!(error instanceof MillraceError) || error.code !== 'MR_STATE_LOCKED') throw error
    throw new MillraceError('MR_STATE_LOCKED', `the log in ${directory} is in use`, {
      hint: 'stop the process that has it open, or use another directory; several processes need Kafka',
      cause: error,
    })
  }
}

/** Nothing can be read of the log: it begins again, and what was there lies in the copy. */
async function beginAgain({ directory, factory }: LogPlace): Promise<KeyValueEngine> {
  const data = join(directory, DATA)
  rmSync(data, { recursive: true })
  return factory.open(data)
}

async function logIn(
  engine: KeyValueEngine,
  place: LogPlace,
  { before, damage, mayBeShorter }: Findings,
  kept: string | undefined,
): Promise<Log> {
  const { directory, fsync, acceptLoss, warn } = place
  const { stored, id, isOther, storage, log, cleaner } = await load(engine, place, before, damage)
  const losses = shortened(before?.topics ?? [], isOther ? [] : storage.ends)
  if (isOther && !acceptLoss) throw lostData(directory, `${DATA}/ holds another log`, losses)
  if (losses.length > 0 && !mayBeShorter) throw lostData(directory, damage, losses)
  if (damage !== undefined) losses.push(...(await fillHoles(engine, storage, warn)))
  if (damage !== undefined || losses.length > 0) {
    const lost = { directory, damage, records: recordsIn(losses), partitions: losses.map(({ text }) => text), kept }
    warn(lost, acceptLoss ? 'the log goes on without what it lost; what was there before is kept' : UNSYNCED)
  } else if (kept !== undefined) rmSync(kept, { recursive: true })

  if (stored === undefined) await writeId(engine, id)
  const onFailure = (err: unknown): void => warn({ directory, err }, 'what the log has could not be written beside it')
  const describe = () => ({ id, fsync, topics: storage.ends })
  storage.keepEnds(new EndsKeeper(place, join(directory, DATA), describe, onFailure))
  cleaner.start()
  return log
}

/** Topics, offsets and the ends of partitions. @throws MR_STATE_CORRUPT if they cannot be read */
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

const UNSYNCED = 'the log is shorter than it was: the machine stopped, and it was written with fsync: false'

/** Makes readers pass what is missing within partitions. */
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

/** Drawn once: topic ids of a log that was deleted and made anew differ from those before. */
async function writeId(engine: KeyValueEngine, id: string): Promise<void> {
  const batch = new WriteBatch()
  batch.put(LOG_KEY, Buffer.from(id))
  await write(engine, batch)
}

async function write(engine: KeyValueEngine, batch: WriteBatch): Promise<void> {
  const written = engine.write(batch, { sync: true })
  if (isPromise(written)) await written
}

/** Looks at what is left in a copy. */
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
      // It opens the partitions.
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

/** Keeps what is there before an engine makes of it what it can. @returns where; undefined if there is nothing */
function keepCopy(directory: string): string | undefined {
  if (!hasData(join(directory, DATA))) return undefined
  let number = 1
  while (existsSync(join(directory, `damaged-${number}`))) number++
  const copy = join(directory, `damaged-${number}`)
  copyData(join(directory, DATA), copy)
  return copy
}

/** Tables never change, so a second name is a copy. */
function copyData(from: string, to: string): void {
  mkdirSync(to, { mode: DIRECTORY_MODES.owner })
  for (const file of readdirSync(from, { withFileTypes: true })) {
    if (!file.isFile() || file.name === 'LOCK') continue
    const [source, target] = [join(from, file.name), join(to, file.name)]
    if (!/\.(sst|ldb)$/.test(file.name) || !isLinked(source, target))
      copyFileSync(source, target, constants.COPYFILE_FICLONE)
  }
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch {
    return false
  }
}

function isCorrupt(error: unknown): error is MillraceError {
  return error instanceof MillraceError && (error.code === 'MR_STATE_CORRUPT' || error.code === 'MR_CORRUPT_BATCH')
}
