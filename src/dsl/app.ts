import { MillraceError } from '../errors.ts'
import type { Guarantee } from '../log/log.ts'
import type { Serde } from '../serde/serde.ts'
import { silentLogger } from '../topology/application.ts'
import type { Application, ErrorHandler, Logger, Settings, UncaughtErrorHandler } from '../topology/application.ts'
import { OPTIMIZATIONS } from '../topology/build-settings.ts'
import type { BuildSettings, Optimization } from '../topology/build-settings.ts'
import type { Duration } from '../windowing/index.ts'
import { machineMemory } from '../platform/machine-memory.ts'
import type { ByteSize } from './byte-size.ts'
import * as read from './config-values.ts'
import { StreamsBuilder } from './streams-builder.ts'

/** What an application is and how it runs. Everything but `id` and `build` has a default. */
export interface AppConfig {
  /** Names the consumer group, and stands in front of the names of internal topics. Never change it: the state hangs on it. */
  readonly id: string
  /** Builds the topology. It may be called several times, and must build the same each time. */
  readonly build: (builder: StreamsBuilder) => void
  /** `at_least_once` (default) or `exactly_once`. */
  readonly guarantee?: Guarantee
  /**
   * Time between two commits; if not given 100 ms under `exactly_once` and on logs that are always exactly-once (embedded,
   * memory), else 30 s (Kafka's `commit.interval.ms`).
   */
  readonly commitInterval?: Duration
  /**
   * What stores, caches and buffers of this process may use together, as `'512MiB'` or bytes; a quarter of the memory of the
   * cgroup or the machine, at most 1 GiB, if not given.
   */
  readonly memory?: ByteSize
  /** How much of it holds updates back and deduplicates them until the next commit, over all threads; 10 MiB if not given, 0: none. */
  readonly cacheBytes?: ByteSize
  /**
   * How long a task waits for data of an empty partition, so that it processes in the order of time: -1 never, 0 (default) as
   * long as the log is known to hold some, more: that much longer (Kafka's `max.task.idle.ms`).
   */
  readonly maxTaskIdle?: Duration
  /** Partitions with more records waiting than this are not read further; 1000 if not given. */
  readonly bufferedRecordsPerPartition?: number
  /** Stream threads; 1 if not given. Several on Kafka are workers that import the module of the application (`StreamsOptions.module`). */
  readonly threads?: number
  /** Copies of each store that other instances keep ready; 0 if not given. */
  readonly standbyReplicas?: number
  /** How long a task may go on failing with errors that a retry can cure; 5 min if not given. */
  readonly taskTimeout?: Duration
  /** Of internal topics; -1 (default): the broker's. */
  readonly replicationFactor?: number
  /** What becomes of records that cannot be read; `fail`, or `deadLetter` if there is a `deadLetterTopic`. */
  readonly onDeserializationError?: ErrorHandler
  /** What becomes of records at which a function throws; `fail`, or `deadLetter` if there is a `deadLetterTopic`. */
  readonly onProcessingError?: ErrorHandler
  /** What becomes of records that cannot be written; `fail`, or `deadLetter` if there is a `deadLetterTopic`. */
  readonly onProductionError?: ErrorHandler
  /** What an error that ends a stream thread does to the application; `shutdownClient` if not given. */
  readonly onUncaughtError?: UncaughtErrorHandler
  /** Where records go that a handler answers `deadLetter` for (KIP-1034). It must exist. */
  readonly deadLetterTopic?: string
  /** Anything of pino's shape; silent if not given. */
  readonly logger?: Logger
  /** Serdes for operators that neither have nor inherit one. */
  readonly defaults?: { readonly key?: Serde<unknown>; readonly value?: Serde<unknown> }
  /** Rewrites of the topology that save internal topics and stores; `none` if not given (Kafka's `topology.optimization`). */
  readonly optimize?: 'none' | 'all' | Optimization | readonly Optimization[]
  /** Answers of Kafka Streams where the default differs from it. */
  readonly compatibility?: 'kafka-streams-4.3'
  /** True: the topology is refused if stores or repartition topics have generated names, which change with the topology (KIP-1111). */
  readonly strictNaming?: boolean
  /** How much longer the changelog of a windowed store keeps windows than the store itself; 1 day if not given. */
  readonly windowStoreChangelogAdditionalRetention?: Duration
  /** Configs for all internal topics, such as `{ 'min.insync.replicas': '2' }`. */
  readonly topicConfigs?: Readonly<Record<string, string>>
}

const KEYS: readonly (keyof AppConfig)[] = [
  'id',
  'build',
  'guarantee',
  'commitInterval',
  'memory',
  'cacheBytes',
  'maxTaskIdle',
  'bufferedRecordsPerPartition',
  'threads',
  'standbyReplicas',
  'taskTimeout',
  'replicationFactor',
  'onDeserializationError',
  'onProcessingError',
  'onProductionError',
  'onUncaughtError',
  'deadLetterTopic',
  'logger',
  'defaults',
  'optimize',
  'compatibility',
  'strictNaming',
  'windowStoreChangelogAdditionalRetention',
  'topicConfigs',
]

/**
 * An application: a topology with a name and settings. It can be run by `millrace run`, by `Streams.start`, and under the
 * `TopologyTestDriver`.
 *
 * @throws MR_CONFIG naming the key that is unknown or has an impossible value; MR_TOPOLOGY_… and MR_SERDE_MISSING when the
 * topology is asked for
 * @example
 * ```ts
 * export default defineApp({
 *   id: 'payment-counts',
 *   guarantee: 'exactly_once',
 *   build: (builder) => builder.stream(payments).groupByKey().count({ store: 'counts' }).toStream().to(counts),
 * })
 * ```
 */
export function defineApp(config: AppConfig): Application {
  read.object('the configuration', config)
  for (const key of Object.keys(config)) {
    if (!KEYS.some((known) => known === key)) throw unknownKey(key)
  }
  const id = read.name('id', config.id)
  const build = read.fn('build', config.build)
  const settings = settingsOf(config)
  const buildSettings = buildSettingsOf(config)
  return {
    id,
    settings,
    topology() {
      const builder = new StreamsBuilder(buildSettings)
      build(builder)
      return builder.build()
    },
  }
}

function settingsOf(config: AppConfig): Settings {
  const guarantee = read.oneOf('guarantee', config.guarantee, ['at_least_once', 'exactly_once'])
  const deadLetterTopic =
    config.deadLetterTopic === undefined ? undefined : read.name('deadLetterTopic', config.deadLetterTopic)
  const onError: ErrorHandler = deadLetterTopic === undefined ? 'fail' : 'deadLetter'
  const handler = (key: string, value: ErrorHandler | undefined): ErrorHandler => {
    const chosen = read.decision(key, value ?? onError, ['fail', 'continue', 'deadLetter'])
    if (chosen !== 'deadLetter' || deadLetterTopic !== undefined) return chosen
    throw read.badConfig(key, 'deadLetter', 'set deadLetterTopic, too')
  }
  return {
    guarantee,
    commitInterval:
      config.commitInterval === undefined ? undefined : read.duration('commitInterval', config.commitInterval, 0),
    ...memoryOf(config),
    maxTaskIdle: config.maxTaskIdle === -1 ? -1 : read.duration('maxTaskIdle', config.maxTaskIdle, 0),
    bufferedRecordsPerPartition: read.integer(
      'bufferedRecordsPerPartition',
      config.bufferedRecordsPerPartition,
      1000,
      1,
    ),
    threads: read.integer('threads', config.threads, 1, 1),
    standbyReplicas: read.integer('standbyReplicas', config.standbyReplicas, 0, 0),
    taskTimeout: read.duration('taskTimeout', config.taskTimeout, 300_000),
    replicationFactor: read.integer('replicationFactor', config.replicationFactor, -1, -1),
    compatible: isCompatible(config),
    onDeserializationError: handler('onDeserializationError', config.onDeserializationError),
    onProcessingError: handler('onProcessingError', config.onProcessingError),
    onProductionError: handler('onProductionError', config.onProductionError),
    onUncaughtError: read.decision('onUncaughtError', config.onUncaughtError ?? 'shutdownClient', [
      'replaceThread',
      'shutdownClient',
      'shutdownApplication',
    ]),
    deadLetterTopic,
    logger: config.logger ?? silentLogger,
  }
}

const MIB = 2 ** 20
const LEAST_MEMORY = 16 * MIB

function memoryOf({ memory, cacheBytes }: AppConfig): Pick<Settings, 'memory' | 'cacheBytes'> {
  const byDefault = Math.max(LEAST_MEMORY, Math.min(1024 * MIB, Math.floor(machineMemory() / 4)))
  const all = read.byteSize('memory', memory, byDefault, LEAST_MEMORY)
  const cache = read.byteSize('cacheBytes', cacheBytes, Math.min(10 * MIB, Math.floor(all / 8)), 0)
  if (cache > all / 2) {
    throw read.badConfig('cacheBytes', cacheBytes, `give at most half of memory, which is ${all} bytes, or more memory`)
  }
  return { memory: all, cacheBytes: cache }
}

function buildSettingsOf(config: AppConfig): BuildSettings {
  return {
    optimizations: optimizationsOf(config.optimize),
    compatible: isCompatible(config),
    strictNaming: config.strictNaming === true,
    defaultKeySerde: config.defaults?.key,
    defaultValueSerde: config.defaults?.value,
    windowStoreChangelogAdditionalRetention: read.duration(
      'windowStoreChangelogAdditionalRetention',
      config.windowStoreChangelogAdditionalRetention,
      86_400_000,
    ),
    topicConfigs: config.topicConfigs ?? {},
  }
}

function isCompatible({ compatibility }: AppConfig): boolean {
  return compatibility !== undefined && read.oneOf('compatibility', compatibility, ['kafka-streams-4.3']) !== undefined
}

function optimizationsOf(optimize: AppConfig['optimize']): ReadonlySet<Optimization> {
  if (optimize === undefined || optimize === 'none') return new Set()
  if (optimize === 'all') return new Set(OPTIMIZATIONS)
  const list = typeof optimize === 'string' ? [optimize] : optimize
  return new Set(list.map((rule) => read.oneOf('optimize', rule, OPTIMIZATIONS)))
}

function unknownKey(key: string): MillraceError {
  return new MillraceError('MR_CONFIG', `defineApp has no setting ${JSON.stringify(key)}`, {
    hint: `its settings are ${KEYS.join(', ')}`,
  })
}
