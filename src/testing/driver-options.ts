import {
  duration,
  flag,
  having,
  oneOf,
  option,
  readOptions,
  text,
  wholeNumber,
  type About,
  type Duration,
  type Option,
  type Place,
  type TableOf,
  type Values,
} from '../options/options.ts'
import { eventTime } from '../record/event-time.ts'
import type { EngineFactory } from '../engine/engine.ts'

/** Options of a driver on an engine other than memory. */
export interface OpenDriverOptions extends DriverOptions {
  readonly engine: EngineFactory
  /** Directory of the engine's files. */
  readonly directory: string
}

/** Parts of a piped record besides key and value. */
export interface PipeOptions {
  /** Event time, ms since the epoch; a fraction is cut off. Default: the driver's wall clock, or the input's clock. */
  readonly timestamp?: number
  readonly headers?: Iterable<readonly [name: string, value: string | Uint8Array | null]>
  /** The partition. Default: by the key, as Kafka's clients choose it; 0 for a null key. */
  readonly partition?: number
}

/** The clock of an input topic. */
export interface InputOptions {
  /** Timestamp (ms) of the first record that is piped without one. */
  readonly start?: number
  /** Time by which each further timestamp advances; 0 if not given. */
  readonly advance?: Duration
}

/** Options of a driver. */
export interface DriverOptions {
  /** Number of partitions of every topic, or by topic name (others: 1). Default 1. */
  readonly partitions?: number | Readonly<Record<string, number>>
  /**
   * `real` (default): a task for each sub-topology and partition, as on Kafka. `merged`: one task per partition over
   * all sub-topologies, as in Kafka Streams' test driver.
   */
  readonly tasks?: 'real' | 'merged'
  /** Wall-clock time (ms since the epoch) at the start. Default: now. */
  readonly wallClock?: number
}

const partitions = wholeNumber({ least: 1, most: 100_000, description: 'of a topic', required: true })

/** An option that is an event time. */
const time = (about: About<number>): Option<number | undefined> =>
  option<number>('ms since the epoch', about, (value, place) => {
    const ms = eventTime(value)
    if (Number.isNaN(ms)) throw place.refuse(value, 'Give ms since the epoch, such as Date.UTC(2026, 0, 1).')
    return ms
  })

/** The options of `new TopologyTestDriver`. */
export const DRIVER = {
  partitions: option<number | Readonly<Record<string, number>>>(
    'whole number, or one by topic: `{ payments: 4 }`',
    { default: 1, description: 'number of partitions of every topic, or by topic name (others: 1)' },
    readPartitions,
  ),
  tasks: oneOf<'real' | 'merged'>(['real', 'merged'], {
    default: 'real',
    description:
      "`'real'`: a task for each sub-topology and partition, as on Kafka. `'merged'`: one task per partition over " +
      "all sub-topologies, as in Kafka Streams' test driver",
  }),
  wallClock: time({ defaultText: 'now', description: 'wall-clock time at the start, ms since the epoch' }),
} satisfies TableOf<DriverOptions>

/** The options of `TopologyTestDriver.open`. */
export const OPEN_DRIVER = {
  ...DRIVER,
  engine: having<EngineFactory>('engine', ['open', 'destroy'], '(await chooseEngine(name)).factory, or memoryEngine', {
    required: true,
    description: 'engine that keeps state; it must write synchronously, as RocksDB does',
  }),
  directory: text({ required: true, description: "directory of the engine's files" }),
} satisfies TableOf<OpenDriverOptions>

/** The options of `TopologyTestDriver.restart`. */
export const RESTART = {
  keepState: flag({ required: true, description: '`false`: stores are restored from the changelogs' }),
} satisfies TableOf<{ readonly keepState: boolean }>

/** The options of `TopologyTestDriver.input`. */
export const INPUT = {
  start: time({
    defaultText: 'wall-clock time',
    description: 'timestamp of the first record that is piped without one, ms since the epoch',
    code: 'MR_TIMESTAMP',
  }),
  advance: duration({ default: 0, description: 'time by which each further timestamp advances', code: 'MR_DURATION' }),
} satisfies TableOf<InputOptions>

/** The options of `TestInputTopic.pipe`. */
export const PIPE = {
  timestamp: option<number>(
    'ms since the epoch',
    { defaultText: "the driver's wall-clock time, or the input's clock", description: 'event time' },
    // The log checks whether it is an event time, since it knows topic and partition.
    (value) => value as number,
  ),
  headers: option<NonNullable<PipeOptions['headers']>>(
    'pairs of name and value',
    { default: [], defaultText: 'none', description: 'headers of the record' },
    (value, place) => {
      if (typeof value === 'object' && value !== null && Symbol.iterator in value) {
        return value as NonNullable<PipeOptions['headers']>
      }
      throw place.refuse(value, "Give pairs of name and value, as in [['trace', 'a1']].")
    },
  ),
  partition: wholeNumber({
    defaultText: 'by the key',
    description: "the partition; by the key, as Kafka's clients choose it, or 0 for a null key",
  }),
} satisfies TableOf<PipeOptions>

/** The options of a driver, checked, with the defaults filled in. */
export type DriverSettings = Values<typeof DRIVER>

/** @throws MR_CONFIG */
export function driverSettings(options: DriverOptions): DriverSettings {
  return readOptions(DRIVER, options, 'new TopologyTestDriver()')
}

function readPartitions(value: unknown, place: Place): number | Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return partitions.read(value, place)
  return Object.fromEntries(
    Object.entries(value).map(([topic, count]) => [topic, partitions.read(count, place.inner(`.${topic}`))]),
  )
}
