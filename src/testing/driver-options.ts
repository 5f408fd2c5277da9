import { duration, flag, having, oneOf, option, readOptions, text, wholeNumber } from '../options/options.ts'
import type { About, Duration, Option, Place, TableOf, Values } from '../options/options.ts'
import { eventTime } from '../record/event-time.ts'
import type { EngineFactory } from '../engine/engine.ts'

/** How the driver lays an application out on an engine other than memory. */
export interface OpenDriverOptions extends DriverOptions {
  readonly engine: EngineFactory
  /** Where the engine keeps its files. */
  readonly directory: string
}

/** What a piped record carries besides key and value. */
export interface PipeOptions {
  /** Event time, ms since the epoch; a fraction is cut. Default: the driver's wall-clock time, or the input's own clock. */
  readonly timestamp?: number
  readonly headers?: Iterable<readonly [name: string, value: string | Uint8Array | null]>
  /** Default: by the key, as Kafka's clients do; 0 for a null key. */
  readonly partition?: number
}

/** The clock of an input topic. */
export interface InputOptions {
  /** Timestamp (ms) of the first record that is given none. */
  readonly start?: number
  /** What the timestamp of each further record is advanced by; 0 if not given. */
  readonly advance?: Duration
}

/** How the driver lays an application out. */
export interface DriverOptions {
  /** Partitions of every topic, or by topic name (others: 1). Default 1. */
  readonly partitions?: number | Readonly<Record<string, number>>
  /**
   * `real` (default): a task for each sub-topology and partition, as on Kafka. `merged`: one task a partition over all
   * sub-topologies, as Kafka Streams' own test driver runs them.
   */
  readonly tasks?: 'real' | 'merged'
  /** Wall-clock time (ms since the epoch) at the start. Default: now. */
  readonly wallClock?: number
}

const partitions = wholeNumber({ least: 1, most: 100_000, description: 'of a topic', required: true })

/** A time on the time line of records. */
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
    { default: 1, description: 'partitions of every topic, or by topic name (others: 1)' },
    readPartitions,
  ),
  tasks: oneOf<'real' | 'merged'>(['real', 'merged'], {
    default: 'real',
    description:
      "`'real'`: a task for each sub-topology and partition, as on Kafka. `'merged'`: one task a partition over all sub-topologies, as Kafka Streams' own test driver runs them",
  }),
  wallClock: time({
    defaultText: 'now',
    description: 'wall-clock time at the start, ms since the epoch',
  }),
} satisfies TableOf<DriverOptions>

/** The options of `TopologyTestDriver.open`. */
export const OPEN_DRIVER = {
  ...DRIVER,
  engine: having<EngineFactory>('engine', ['open', 'destroy'], '(await chooseEngine(name)).factory, or memoryEngine', {
    required: true,
    description: 'what state is kept in; it must be able to write synchronously, as RocksDB is',
  }),
  directory: text({ required: true, description: 'where the engine keeps its files' }),
} satisfies TableOf<OpenDriverOptions>

/** The options of `TopologyTestDriver.restart`. */
export const RESTART = {
  keepState: flag({ required: true, description: '`false`: stores are restored from the changelogs' }),
} satisfies TableOf<{ readonly keepState: boolean }>

/** The options of `TopologyTestDriver.input`. */
export const INPUT = {
  start: time({
    defaultText: 'wall-clock time',
    description: 'timestamp of the first record that is given none, ms since the epoch',
    code: 'MR_TIMESTAMP',
  }),
  advance: duration({
    default: 0,
    description: 'what the timestamp of each further record is advanced by',
    code: 'MR_DURATION',
  }),
} satisfies TableOf<InputOptions>

/** The options of `TestInputTopic.pipe`. */
export const PIPE = {
  timestamp: option<number>(
    'ms since the epoch',
    { defaultText: "the driver's wall-clock time, or the input's clock", description: 'event time' },
    // Whether it is an event time is for the log to say, which knows topic and partition.
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

/** The options of a driver as they are used: checked, with the defaults filled in. */
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
