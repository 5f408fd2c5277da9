import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { MillraceError } from '../../errors.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import { flag, readOptions, text } from '../../options/index.ts'
import type { TableOf } from '../../options/index.ts'
import { clockOption } from '../../platform/clock-option.ts'
import type { Clock } from '../../platform/clock.ts'
import { WriteBatch } from '../../state/rows/write-batch.ts'
import type { EngineName, KeyValueEngine } from '../../state/engine.ts'
import { engineName } from '../../state/engine-option.ts'
import { chooseEngine } from '../../state/engines/choose.ts'
import { LocalLog } from '../local/local-log.ts'
import type { Log } from '../log.ts'
import { EmbeddedStorage } from './embedded-storage.ts'
import { LOG_KEY } from './log-keys.ts'
import { LogCleaner } from './log-cleaner.ts'
import { DATA, openLogDirectory } from './log-directory.ts'

/** Where an embedded log lies, and how safely. */
export interface EmbeddedLogOptions {
  /** Made if it is missing. One process at a time can have it open. */
  readonly directory: string
  /** The engine that keeps the data; for a new directory RocksDB, or LevelDB where RocksDB does not load. */
  readonly engine?: EngineName
  /**
   * False: a commit is handed to the operating system but not synced; it survives the death of the process, not that of the
   * machine. True if not given.
   */
  readonly fsync?: boolean
  /** Time and timers, for tests; the machine's if not given. */
  readonly clock?: Clock
}

/** The options of `embeddedLog`. */
export const EMBEDDED_LOG = {
  directory: text({
    required: true,
    description: 'made if it is missing. One process at a time can have it open',
    alsoCalled: ['path', 'dataDirectory'],
  }),
  engine: engineName,
  fsync: flag({
    default: true,
    description: '`false`: a commit survives the death of the process, not that of the machine',
    alsoCalled: ['sync'],
  }),
  clock: clockOption,
} satisfies TableOf<EmbeddedLogOptions>

/**
 * A durable log within this process: topics, partitions, consumer groups and atomic commits without a broker. A commit is one
 * write batch of the engine with its records and offsets, so that a kill at any moment leaves it whole or absent. Several
 * clients may share the log; another process may not: beyond one process the log is Kafka.
 *
 * Of the topic configs it honours `cleanup.policy` (`delete` if not given), `retention.ms` (-1, for ever, if not given),
 * `delete.retention.ms`, `min.compaction.lag.ms` and `message.timestamp.type`. Retention counts back from the partition's
 * newest timestamp or from now, whichever is earlier, so that old data that is replayed is not deleted while it arrives.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible; MR_STATE_LOCKED if another process, or this one, has the directory open; MR_STATE_FOREIGN if it holds something else
 *   or a newer format; MR_STATE_CORRUPT; MR_ENGINE_UNAVAILABLE
 * @example
 * ```ts
 * const log = await embeddedLog({ directory: '.millrace/log' })
 * await log.createTopics([{ name: 'payments', partitions: 4 }])
 * ```
 */
export async function embeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const { directory, fsync, clock, engine: asked } = readOptions(EMBEDDED_LOG, options, 'embeddedLog()')
  const engine = await openEngine(directory, asked)
  try {
    const storage = new EmbeddedStorage(engine, await logIdOf(engine), fsync)
    const cleaner = new LogCleaner(storage, clock)
    const log = new LocalLog(storage, clock, storage.load(), () => cleaner.stop())
    cleaner.start()
    return log
  } catch (error) {
    await engine.close()
    throw error
  }
}

async function openEngine(directory: string, asked: EngineName | undefined): Promise<KeyValueEngine> {
  const chosen = await chooseEngine(asked)
  if (!chosen.factory.persistent) return await chosen.factory.open(directory)
  const name = openLogDirectory(directory, asked, chosen.factory.name)
  const { factory } = name === chosen.factory.name ? chosen : await chooseEngine(name)
  try {
    return await factory.open(join(directory, DATA))
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MR_STATE_LOCKED') throw error
    throw new MillraceError('MR_STATE_LOCKED', `the log in ${directory} is in use`, {
      hint: 'stop the process that has it open, or use another directory; several processes need Kafka',
      cause: error,
    })
  }
}

/** Drawn once: topic ids of a log that was deleted and made anew differ from those before. */
async function logIdOf(engine: KeyValueEngine): Promise<string> {
  const stored = engine.get(LOG_KEY)
  if (stored !== undefined) return stored.toString('utf8')
  const id = randomUUID()
  const batch = new WriteBatch()
  batch.put(LOG_KEY, Buffer.from(id))
  const written = engine.write(batch, { sync: true })
  if (isPromise(written)) await written
  return id
}
