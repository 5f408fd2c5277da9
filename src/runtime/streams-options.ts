import { join } from 'node:path'
import type { Log } from '../log/log.ts'
import { duration, func, having, option, text } from '../options/options.ts'
import type { TableOf, Values } from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import { fileModeOption } from '../options/file-mode-option.ts'
import type { Scheduler } from '../platform/scheduler.ts'
import { engine } from '../engine/engine-option.ts'
import type { RestoreListener } from './restore/restorer.ts'
import type { StreamsOptions } from './streams.ts'

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
