import type { Guarantee } from '../log/log.ts'
import type { Serde } from '../serde/serde.ts'
import { silentLogger } from '../application/application.ts'
import type { Application, ErrorHandler, Logger, Settings, UncaughtErrorHandler } from '../application/application.ts'
import type { NoPromise } from '../topology/processor-api.ts'
import type { BuildSettings, Optimization } from '../topology/build-settings.ts'
import { carefulLogger } from '../application/careful-logger.ts'
import type { Duration } from '../windowing/windows.ts'
import { machineMemory } from '../platform/machine-memory.ts'
import { Place, readOptions } from '../options/options.ts'
import type { ByteSize, Values } from '../options/options.ts'
import { DEFINE_APP, LEAST_MEMORY, MIB } from './app-options.ts'
import { builtAtOnce } from './options/functions.ts'
import { StreamsBuilder } from './streams-builder.ts'

/** What an application is and how it runs. Everything but `id` and `build` has a default. */
export interface AppConfig {
  /** Names the consumer group, and stands in front of the names of internal topics. Never change it: the state hangs on it. */
  readonly id: string
  /** Builds the topology. It may be called several times, and must build the same each time. */
  readonly build: (builder: StreamsBuilder) => NoPromise
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
   * How long all input partitions of a task must be silent, fetched to their end, before its stream time goes on without records: by the
   * time that passes from then on, never beyond the wall clock less `idleAfter`. Windows close then although nothing comes. Records that
   * come late because of it are dropped as `late-after-idle`: choose it longer than producers, rebalances and restarts ever take. Never,
   * if not given. Not with `compatibility`.
   */
  readonly idleAfter?: Duration
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
  const options = readOptions(DEFINE_APP, config, 'defineApp()')
  const settings = settingsOf(options)
  const buildSettings = buildSettingsOf(options)
  return {
    id: options.id,
    settings,
    topology() {
      const builder = new StreamsBuilder(buildSettings)
      builtAtOnce(options.build(builder), 'the function `build` of defineApp()')
      return builder.build()
    },
  }
}

type Options = Values<typeof DEFINE_APP>

function settingsOf(options: Options): Settings {
  const { deadLetterTopic } = options
  const onError: ErrorHandler = deadLetterTopic === undefined ? 'fail' : 'deadLetter'
  const handler = (name: 'onDeserializationError' | 'onProcessingError' | 'onProductionError'): ErrorHandler => {
    const chosen = options[name] ?? onError
    if (chosen !== 'deadLetter' || deadLetterTopic !== undefined) return chosen
    throw place(name).refuse('deadLetter', 'set deadLetterTopic, too')
  }
  return {
    guarantee: options.guarantee,
    commitInterval: options.commitInterval,
    ...memoryOf(options),
    maxTaskIdle: options.maxTaskIdle,
    idleAfter: idleAfterOf(options),
    bufferedRecordsPerPartition: options.bufferedRecordsPerPartition,
    threads: options.threads,
    standbyReplicas: options.standbyReplicas,
    taskTimeout: options.taskTimeout,
    replicationFactor: options.replicationFactor,
    compatible: options.compatibility !== undefined,
    onDeserializationError: handler('onDeserializationError'),
    onProcessingError: handler('onProcessingError'),
    onProductionError: handler('onProductionError'),
    onUncaughtError: options.onUncaughtError,
    deadLetterTopic,
    logger: options.logger === silentLogger ? silentLogger : carefulLogger(options.logger),
  }
}

function idleAfterOf({ idleAfter, compatibility }: Options): number | undefined {
  if (idleAfter === undefined || compatibility === undefined) return idleAfter
  throw place('idleAfter').refuse(
    idleAfter,
    'leave it out, or `compatibility`: stream time of Kafka Streams stands still',
  )
}

function memoryOf(options: Options): Pick<Settings, 'memory' | 'cacheBytes'> {
  const memory = options.memory ?? Math.max(LEAST_MEMORY, Math.min(1024 * MIB, Math.floor(machineMemory() / 4)))
  const cacheBytes = options.cacheBytes ?? Math.min(10 * MIB, Math.floor(memory / 8))
  if (cacheBytes <= memory / 2) return { memory, cacheBytes }
  throw place('cacheBytes').refuse(cacheBytes, `give at most half of memory, which is ${memory} bytes, or more memory`)
}

function buildSettingsOf(options: Options): BuildSettings {
  return {
    optimizations: options.optimize,
    compatible: options.compatibility !== undefined,
    strictNaming: options.strictNaming,
    defaultKeySerde: options.defaults?.key,
    defaultValueSerde: options.defaults?.value,
    windowStoreChangelogAdditionalRetention: options.windowStoreChangelogAdditionalRetention,
    topicConfigs: options.topicConfigs,
  }
}

/** For what depends on two options. */
function place(name: keyof typeof DEFINE_APP): Place {
  return new Place('defineApp()', name, DEFINE_APP[name])
}
