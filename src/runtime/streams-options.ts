import { join } from 'node:path'
import type { Log } from '../log/log.ts'
import { duration, func, having, option, text } from '../options/options.ts'
import type { Duration, TableOf, Values } from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import { fileModeOption } from '../options/file-mode-option.ts'
import type { Scheduler } from '../platform/scheduler.ts'
import { companionsOption, type Companion } from './companion.ts'
import type { StreamsState } from './streams-status.ts'
import { engine } from '../engine/engine-option.ts'
import type { RestoreListener } from './restore/restorer.ts'
import type { EngineFactory, EngineName } from '../engine/engine.ts'
import type { FileMode } from '../platform/file-mode.ts'

/** Where an application runs, and who is told. */
export interface StreamsOptions {
  /** Where the records are: `kafka({ brokers })`, `embeddedLog({ directory })` or `memoryLog()`. Stays open when the app closes. */
  readonly log: Log
  /** State lies in `<stateDirectory>/<application id>`. Default: `.millrace/state` in the working directory. */
  readonly stateDirectory?: string
  /** What the state is kept in. Default: RocksDB, or LevelDB on a platform without its binary. */
  readonly engine?: EngineFactory | EngineName
  /**
   * Who may read the directories and files of state that are made: nobody but the user (`'owner'`, the default), or the user's group as well
   * (`'group'`). What is there already keeps its mode.
   */
  readonly fileMode?: FileMode
  /**
   * Names this instance for good, as a StatefulSet names its pods: it gets its tasks back at once after a restart on an empty
   * disk, too. Every instance needs one of its own. In a group of Kafka's classic protocol an instance that stops keeps its
   * tasks for the session timeout, so that a restart moves nothing. Default: an id kept in the state directory, which a copy of the directory
   * does not share.
   */
  readonly instanceId?: string
  /** How long the state of a task that went to another instance is kept (Kafka's `state.cleanup.delay.ms`). Default: 10 minutes. */
  readonly stateCleanupDelay?: Duration
  /**
   * The module that exports the application by default, as for `millrace run`: `import.meta.url` of a module that exports `app` and
   * starts it only `if (isMainThread)`, or the URL of one that just exports it. With it, and several `threads` on Kafka, each stream
   * thread is a `worker_threads` worker that imports the module. Memory and embedded logs have no use for it.
   */
  readonly module?: string | URL
  /** The date and the passing of time; this machine's if not given. */
  readonly clock?: Clock
  /** When threads yield; the event loop's order if not given. */
  readonly scheduler?: Scheduler
  /** What lives and ends with the application, in the order in which it is started. Default: none. */
  readonly companions?: readonly Companion[]
  /** Told of every change of state. */
  readonly onState?: (state: StreamsState, previous: StreamsState) => void
  /** Told how far stores are that are being restored. */
  readonly onRestore?: RestoreListener
}

/** The options of `Streams.start`. */
export const STREAMS_START = {
  log: having<Log>(
    'log',
    ['openClient', 'openReader', 'describeTopics'],
    'kafka(…), await embeddedLog(…) or memoryLog()',
    {
      required: true,
      description:
        '`kafka({ brokers })` ([Kafka](kafka.md)), `embeddedLog({ directory })` or `memoryLog()`. It stays open when the application closes',
    },
  ),
  module: option<string | URL>(
    'URL',
    {
      defaultText: 'none',
      description:
        'the module that exports the application by default: `import.meta.url`, or the URL of another one. Needed for several `threads` on Kafka, which [import it](kafka.md#threads)',
    },
    (value, place) => {
      if (value instanceof URL || (typeof value === 'string' && value !== '')) return value
      throw place.refuse(value, "give a URL: import.meta.url, or new URL('./app.ts', import.meta.url)")
    },
  ),
  stateDirectory: text({
    default: join('.millrace', 'state'),
    defaultText: '`.millrace/state`',
    description: '[state](state.md) lies in `<stateDirectory>/<id>`',
    kafka: 'state.dir',
  }),
  engine,
  fileMode: fileModeOption,
  instanceId: text({
    defaultText: 'of the state directory',
    description:
      'names this instance for good, as a StatefulSet names its pods: its tasks come back to it on an empty disk, too',
    kafka: 'group.instance.id',
  }),
  stateCleanupDelay: duration({
    default: 600_000,
    defaultText: '10 min',
    description: 'how long the state of a task that went to another instance is kept',
    kafka: 'state.cleanup.delay.ms',
  }),
  companions: companionsOption,
  onState: func<NonNullable<StreamsOptions['onState']>>({
    description: 'told of every change of state: `rebalancing`, `running`, …',
  }),
  onRestore: func<RestoreListener>({ description: 'told how far stores are that are being restored' }),
  clock: having<Clock>('clock', ['now', 'monotonic', 'schedule'], 'a clock', {
    defaultText: 'of the machine',
    description: 'time and timers, for simulations',
  }),
  scheduler: having<Scheduler>('scheduler', ['yield', 'random'], 'a scheduler', {
    defaultText: 'of the machine',
    description: 'when threads yield, for simulations',
  }),
} satisfies TableOf<StreamsOptions>

/** The options of `Streams.start` as they are used: checked, with the defaults filled in. */
export type Options = Values<typeof STREAMS_START>
