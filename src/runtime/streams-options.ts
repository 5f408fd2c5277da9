import { join } from 'node:path'
import type { Log } from '../log/log.ts'
import {
  duration,
  flag,
  func,
  having,
  option,
  text,
  wholeNumber,
  type Duration,
  type TableOf,
  type Values,
} from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import { endpointOption } from '../options/endpoint-option.ts'
import { fileModeOption } from '../options/file-mode-option.ts'
import type { Scheduler } from '../platform/scheduler.ts'
import { peerTlsOption, type PeerTls } from '../credentials/peer-tls.ts'
import { peerTokenOption, type PeerTokenSource } from '../credentials/peer-token.ts'
import { companionsOption, type Companion } from './companion.ts'
import type { StreamsState } from './streams-status.ts'
import { engine } from '../engine/engine-option.ts'
import type { RestoreListener } from './restore/restorer.ts'
import type { EngineFactory, EngineName } from '../engine/engine.ts'
import type { FileMode } from '../platform/file-mode.ts'

/** The options of `Streams.start`: where an application runs, and what it calls. */
export interface StreamsOptions {
  /** The log: `kafka({ brokers })`, `embeddedLog({ directory })` or `memoryLog()`. Stays open when the app closes. */
  readonly log: Log
  /**
   * False: no other process uses an embedded log while the application runs. Default: commands and other tools of this
   * user go through this process, by a socket in the directory of the log.
   */
  readonly attach?: boolean
  /** State is kept in `<stateDirectory>/<application id>`. Default: `.millrace/state` in the working directory. */
  readonly stateDirectory?: string
  /** State engine. Default: RocksDB, or LevelDB on a platform without a RocksDB binary. */
  readonly engine?: EngineFactory | EngineName
  /**
   * Users who may read new directories and files of state: only the owner (`'owner'`, the default), or the owner's
   * group as well (`'group'`). Existing ones keep their mode.
   */
  readonly fileMode?: FileMode
  /**
   * Names this instance for good, as a StatefulSet names its pods: it gets its tasks back at once after a restart, even
   * on an empty disk. Every instance needs a name of its own. In a group of Kafka's classic protocol, an instance that
   * stops keeps its tasks for the session timeout, so that a restart moves nothing. Default: an id kept in the state
   * directory, which a copy of the directory does not share.
   */
  readonly instanceId?: string
  /**
   * Where other instances reach this one, `HOST:PORT`, with an IPv6 address in brackets. They learn it from the group,
   * together with the tasks of this instance: see `Streams.instances`. It opens no port. Logs in this process have one
   * instance, and no other to learn it. Kafka Streams: `application.server`. Default: none.
   */
  readonly advertise?: string
  /**
   * The token by which the instances of the application know each other when one asks another for its stores: the same
   * for all, from a file or an environment variable. `serve` of `millrace/server` answers them, at the address that
   * `advertise` names. Default: none. Then keys that other instances have are MR_QUERY_PEER_AUTH.
   */
  readonly peerToken?: PeerTokenSource
  /**
   * PEM files by which this instance connects to others by TLS: `ca`, the authorities that have signed their
   * certificates, and, to be known by a certificate instead of a `peerToken`, `cert` and `key`. They are read again
   * when they change. Default: none. Then connections are plain.
   */
  readonly peerTls?: PeerTls
  /** How long state is kept after its task has moved away (Kafka's `state.cleanup.delay.ms`). Default: 10 minutes. */
  readonly stateCleanupDelay?: Duration
  /**
   * Offsets that each restored store may still lack when `health().ready` says yes. Default: 0, so that every store is
   * complete.
   */
  readonly readyLag?: number
  /**
   * The module whose default export is the application, as for `millrace run`: `import.meta.url` of a module that
   * exports `app` and starts it only `if (isMainThread)`, or the URL of one that only exports it. Several `threads` on
   * Kafka need it: each is a `worker_threads` worker that imports it. Memory and embedded logs ignore it.
   */
  readonly module?: string | URL
  /** Date and timers. Default: this machine's. */
  readonly clock?: Clock
  /** Decides when threads yield. Default: the event loop. */
  readonly scheduler?: Scheduler
  /** Parts that live and end with the application, in the order in which they are started. Default: none. */
  readonly companions?: readonly Companion[]
  /** Called on every change of state. An error that it throws is logged. */
  readonly onState?: (state: StreamsState, previous: StreamsState) => void
  /** Called with the progress of stores that are being restored. An error that it throws is logged. */
  readonly onRestore?: RestoreListener
}

export const STREAMS_START = {
  log: having<Log>(
    'log',
    ['openClient', 'openReader', 'describeTopics'],
    'kafka(…), await embeddedLog(…) or memoryLog()',
    {
      required: true,
      description:
        '`kafka(…)` ([Kafka](kafka.md)), `embeddedLog(…)` or `memoryLog()`; stays open when the application closes',
    },
  ),
  attach: flag({
    default: true,
    description:
      '`false`: no other process [uses an embedded log](state.md#one-log-several-processes) while the application runs',
  }),
  module: option<string | URL>(
    'URL',
    {
      defaultText: 'none',
      description:
        'the module whose default export is the application: `import.meta.url`, or the URL of another one. ' +
        'Needed for several `threads` on Kafka, which [import it](kafka.md#threads)',
    },
    (value, place) => {
      if (value instanceof URL || (typeof value === 'string' && value !== '')) return value
      throw place.refuse(value, "Give a URL: import.meta.url, or new URL('./app.ts', import.meta.url).")
    },
  ),
  stateDirectory: text({
    default: join('.millrace', 'state'),
    defaultText: '`.millrace/state`',
    description: '[state](state.md) is kept in `<stateDirectory>/<id>`',
    kafka: 'state.dir',
  }),
  engine,
  fileMode: fileModeOption,
  instanceId: text({
    defaultText: 'of the state directory',
    description:
      'names this instance for good, as a StatefulSet names its pods: it gets its tasks back even on an empty disk',
    kafka: 'group.instance.id',
  }),
  advertise: endpointOption,
  peerToken: peerTokenOption,
  peerTls: peerTlsOption,
  stateCleanupDelay: duration({
    default: 600_000,
    defaultText: '10 min',
    description: 'how long state is kept after its task has moved to another instance',
    kafka: 'state.cleanup.delay.ms',
  }),
  readyLag: wholeNumber({
    default: 0,
    description: 'offsets that each restored store may still lack when the application [counts as ready](health.md)',
  }),
  companions: companionsOption,
  onState: func<NonNullable<StreamsOptions['onState']>>({
    description: 'called on every change of state: `rebalancing`, `running`, …',
  }),
  onRestore: func<RestoreListener>({ description: 'called with the progress of stores that are being restored' }),
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
