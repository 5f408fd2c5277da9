import { randomUUID } from 'node:crypto'
import { flag, having, readOptions, text, type TableOf, type Values } from '../../options/options.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { clockOption } from '../../options/clock-option.ts'
import type { Clock } from '../../platform/clock.ts'
import { fileModeOption } from '../../options/file-mode-option.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { carefully } from '../../platform/thenable.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { withFileMode, type EngineFactory, type EngineName } from '../../engine/engine.ts'
import { engineName } from '../../engine/engine-option.ts'
import { chooseEngine } from '../../engine/choice/choose-engine.ts'
import { LocalLog } from '../local/local-log.ts'
import type { Log } from '../log.ts'
import { SharedLog } from '../shared/shared-log.ts'
import { EmbeddedStorage } from './embedded-storage.ts'
import { LogCleaner } from './log-cleaner.ts'
import { openLogDirectory } from './log-directory.ts'
import { openPersistent, type LogPlace } from './open-persistent.ts'
import { TRAILER_BYTES } from './stored-run.ts'

/** A logger that is notified of losses. */
export interface LossLogger {
  warn(fields: object, message: string): void
}

/** The place of an embedded log, and how safe it is. */
export interface EmbeddedLogOptions {
  /** The directory, created if it is missing. */
  readonly directory: string
  /** The engine that keeps the data. For a new directory RocksDB, or LevelDB where RocksDB does not load. */
  readonly engine?: EngineName
  /** False: a commit is not synced, so it survives the death of the process, not that of the machine. Default: true */
  readonly fsync?: boolean
  /**
   * True: a log that lost data (`MR_STATE_CORRUPT`) is opened with what is left of it. What was lost is logged with
   * counts; what was there before is kept in `damaged-<n>` beside it. No effect on a log that lost nothing.
   * Default: false
   */
  readonly acceptLoss?: boolean
  /**
   * True: other processes of this user can use the log while this one has it open, through a socket in the directory;
   * and where another one has it open, this one goes through that. False: this process alone. Default: true
   */
  readonly attach?: boolean
  /** A logger of pino's shape, notified of what was lost. Default: `process.emitWarning` */
  readonly logger?: LossLogger
  /**
   * Permission to read new directories and files: only the user's (`'owner'`, the default) or the user's group's as
   * well (`'group'`). What exists keeps its mode.
   */
  readonly fileMode?: FileMode
  /** Time and timers, for tests. Default: the machine's */
  readonly clock?: Clock
}

/** The options of `embeddedLog`. */
export const EMBEDDED_LOG = {
  directory: text({
    required: true,
    description: 'created if it is missing',
    alsoCalled: ['path', 'dataDirectory'],
  }),
  engine: engineName,
  fsync: flag({
    default: true,
    description: '`false`: a commit survives the death of the process, not that of the machine',
    alsoCalled: ['sync'],
  }),
  acceptLoss: flag({
    default: false,
    description:
      '`true`: a log that [lost data](state.md#the-embedded-log) is opened with what is left; ' +
      'what was lost is logged, what was there is kept',
  }),
  attach: flag({
    default: true,
    description: '`false`: this process [alone](state.md#one-log-several-processes) uses the log while it is open',
  }),
  logger: having<LossLogger>('logger', ['warn'], 'a logger of the shape of pino', {
    defaultText: '`process.emitWarning`',
    description: 'notified of what was lost',
  }),
  fileMode: fileModeOption,
  clock: clockOption,
} satisfies TableOf<EmbeddedLogOptions>

/**
 * A durable log within this process: topics, partitions, consumer groups and atomic commits without a broker. A commit
 * is one write batch of the engine with its records and offsets: a kill at any moment leaves all of it or nothing.
 *
 * One process has the log open. Others on the same machine read, write and ask through it, over a socket that only this
 * user can use, and go on when it ends: one of them opens the log then. An application, from `Streams.start` on, is
 * always the process that has it open: a tool gives it up, another application does not. Several applications need
 * Kafka, or one process.
 *
 * It honours the topic configs `cleanup.policy` (default: `delete`), `retention.ms` and `retention.bytes` (default: -1,
 * no limit), `delete.retention.ms`, `min.compaction.lag.ms` and `message.timestamp.type`. `retention.ms` counts back
 * from now or the partition's newest timestamp, whichever is earlier: old data that is replayed is not deleted while it
 * arrives. `retention.bytes` bounds the records of a partition, before the engine compresses them.
 *
 * @throws MR_CONFIG for an unknown or impossible option; MR_STATE_LOCKED if the directory is open in a process that
 *   shares it with nobody; MR_ATTACH_OWNER, MR_ATTACH_VERSION if it is open in a process of another user or with
 *   another version of Millrace; MR_STATE_FOREIGN if it holds something else or a newer format; MR_STATE_ENGINE if
 *   another engine keeps it; MR_STATE_CORRUPT if it lost data; MR_STATE_PERMISSION, MR_STATE_SPACE, MR_STATE_FILES,
 *   MR_STATE_DIRECTORY, MR_STATE_IO if the system refuses the directory; MR_ENGINE_UNAVAILABLE
 * @example
 * ```ts
 * const log = await embeddedLog({ directory: '.millrace/log' })
 * await log.createTopics([{ name: 'payments', partitions: 4 }])
 * ```
 */
export async function embeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const given = readOptions(EMBEDDED_LOG, options, 'embeddedLog()')
  const { directory, fsync, clock, logger, attach, engine: asked } = given
  const warn: LogPlace['warn'] = (fields, message) => {
    const unheard = (): void => emitWarning(fields, message)
    if (logger === undefined) unheard()
    else carefully(() => logger.warn(fields, message), unheard)
  }
  const chosen = await chooseEngine(asked)
  if (!chosen.factory.persistent) {
    const storage = new EmbeddedStorage(await chosen.factory.open(directory), randomUUID(), fsync)
    const cleaner = new LogCleaner(storage, clock, warn)
    const log = new LocalLog(storage, clock, storage.load(), () => cleaner.stop())
    cleaner.start()
    return log
  }
  const open = (): Promise<LocalLog> => openHere(given, chosen.factory, warn)
  return attach ? await SharedLog.open({ directory, open, clock, trailerBytes: TRAILER_BYTES, warn }) : await open()
}

/** Opens a log in files in this process. */
async function openHere(
  { directory, engine: asked, fsync, fileMode, acceptLoss, clock }: Values<typeof EMBEDDED_LOG>,
  choice: EngineFactory,
  warn: LogPlace['warn'],
): Promise<LocalLog> {
  try {
    const name = openLogDirectory({ directory, warn, fileMode }, asked, choice.name)
    const opener = name === choice.name ? choice : await otherEngine(name, directory)
    const factory = withFileMode(opener, fileMode)
    return await openPersistent({ directory, factory, fsync, fileMode, acceptLoss, clock, warn })
  } catch (error) {
    throw directoryFailure('the log', directory, error)
  }
}

/** Returns the engine that keeps the log, where another one would be chosen for a new log. */
async function otherEngine(name: EngineName, directory: string): Promise<EngineFactory> {
  try {
    return (await chooseEngine(name)).factory
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.code !== 'MR_ENGINE_UNAVAILABLE') throw cause
    throw new MillraceError('MR_STATE_ENGINE', `${directory} is kept by the engine ${name}: ${cause.message}`, {
      hint: `Open it where ${name} loads, or choose another directory. Nothing was touched.`,
      cause,
    })
  }
}

/** Makes a loss visible where no logger was given, or where it fails. */
function emitWarning(fields: object, message: string): void {
  process.emitWarning(`${message}: ${JSON.stringify(fields)}`, 'MillraceWarning')
}
