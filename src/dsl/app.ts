import {
  silentLogger,
  type AppChanges,
  type Application,
  type ErrorHandler,
  type Logger,
  type Settings,
} from '../application/application.ts'
import { isDefaultLogger } from '../application/stderr-logger.ts'
import type { BuildSettings } from '../topology/build-settings.ts'
import { carefulLogger } from '../application/careful-logger.ts'
import { machineMemory } from '../platform/machine-memory.ts'
import { Place, readOptions, type Values } from '../options/options.ts'
import { DEFINE_APP, LEAST_MEMORY, MIB, type AppConfig } from './app-options.ts'
import { builtAtOnce } from './options/functions.ts'
import { StreamsBuilder } from './streams-builder.ts'

/**
 * An application: a topology with a name and settings. `millrace run`, `Streams.start` and `TopologyTestDriver` run it.
 *
 * @throws MR_CONFIG for an unknown option or an impossible value, which it names; MR_TOPOLOGY_… and MR_SERDE_MISSING
 * when the topology is asked for
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
  return appOf(config)
}

function appOf(config: AppConfig, changes?: AppChanges): Application {
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
    options: { ...config },
    ...(changes === undefined ? {} : { changes }),
    changed: (more) => appOf({ ...config, ...more }, { ...changes, ...more }),
  }
}

type Options = Values<typeof DEFINE_APP>

function settingsOf(options: Options): Settings {
  const { deadLetterTopic } = options
  const onError: ErrorHandler = deadLetterTopic === undefined ? 'fail' : 'deadLetter'
  const handler = (name: 'onDeserializationError' | 'onProcessingError' | 'onProductionError'): ErrorHandler => {
    const chosen = options[name] ?? onError
    if (chosen !== 'deadLetter' || deadLetterTopic !== undefined) return chosen
    throw place(name).refuse('deadLetter', 'Set deadLetterTopic, too.')
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
    replicationFactor: replicationFactorOf(options),
    compatible: options.compatibility !== undefined,
    onDeserializationError: handler('onDeserializationError'),
    onProcessingError: handler('onProcessingError'),
    onProductionError: handler('onProductionError'),
    onUncaughtError: options.onUncaughtError,
    deadLetterTopic,
    logger: isOwn(options.logger) ? options.logger : carefulLogger(options.logger),
    logValues: options.logValues,
    tracing: options.tracing,
  }
}

/** Loggers that throw nothing, and that others know again. */
function isOwn(logger: Logger): boolean {
  return logger === silentLogger || isDefaultLogger(logger)
}

function idleAfterOf({ idleAfter, compatibility }: Options): number | undefined {
  if (idleAfter === undefined || compatibility === undefined) return idleAfter
  throw place('idleAfter').refuse(
    idleAfter,
    'Leave out this or `compatibility`: without records, stream time in Kafka Streams stands still.',
  )
}

/** Internal topics are written with `acks=all`: with too few replicas none could be written. */
function replicationFactorOf({ replicationFactor, topicConfigs }: Options): number {
  const needed = Number(topicConfigs['min.insync.replicas'])
  if (replicationFactor < 1 || !(needed > replicationFactor)) return replicationFactor
  const its = place('replicationFactor')
  throw its.error(
    `${its.text} is ${replicationFactor}, less than min.insync.replicas in topicConfigs, which is ${needed}`,
    'Raise replicationFactor, or lower min.insync.replicas: no internal topic could be written.',
  )
}

function memoryOf(options: Options): Pick<Settings, 'memory' | 'cacheBytes'> {
  const memory = options.memory ?? Math.max(LEAST_MEMORY, Math.min(1024 * MIB, Math.floor(machineMemory() / 4)))
  const cacheBytes = options.cacheBytes ?? Math.min(10 * MIB, Math.floor(memory / 8))
  if (cacheBytes <= memory / 2) return { memory, cacheBytes }
  throw place('cacheBytes').refuse(cacheBytes, `Give at most half of memory, which is ${memory}, or raise memory.`)
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

/** Names an option in an error about two options. */
function place(name: keyof typeof DEFINE_APP): Place {
  return new Place('defineApp()', name, DEFINE_APP[name])
}
