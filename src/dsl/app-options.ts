import type { Guarantee } from '../log/log.ts'
import {
  byteSize,
  decision,
  duration,
  flag,
  func,
  having,
  nested,
  oneOf,
  option,
  topicConfigs,
  wholeNumber,
  type ByteSize,
  type Duration,
  type Place,
  type TableOf,
} from '../options/options.ts'
import { serde } from '../serde/serde-option.ts'
import type { ErrorHandler, Logger, UncaughtErrorHandler } from '../application/application.ts'
import { defaultLogger } from '../application/stderr-logger.ts'
import type { Tracing } from '../application/tracing.ts'
import { OPTIMIZATIONS, type Optimization } from '../topology/build-settings.ts'
import { nameOption } from '../topology/name-option.ts'
import type { NoPromise } from '../topology/processor-api.ts'
import type { Serde } from '../serde/serde.ts'
import type { StreamsBuilder } from './streams-builder.ts'

/** What an application is and how it runs. Everything but `id` and `build` has a default. */
export interface AppConfig {
  /** Names the consumer group and prefixes the names of internal topics. Never change it: the state depends on it. */
  readonly id: string
  /** Builds the topology. It may be called several times and must build the same topology each time. */
  readonly build: (builder: StreamsBuilder) => NoPromise
  /** `at_least_once` (default) or `exactly_once`. */
  readonly guarantee?: Guarantee
  /**
   * Time between two commits. Default: 100 ms under `exactly_once` and on logs that are always exactly-once (embedded,
   * memory), else 30 s (Kafka's `commit.interval.ms`).
   */
  readonly commitInterval?: Duration
  /**
   * What stores, caches and buffers of this process may use together, as `'512MiB'` or bytes. Default: a quarter of the
   * memory of the cgroup or the machine, at most 1 GiB.
   */
  readonly memory?: ByteSize
  /** Bytes of `memory` that cache and deduplicate updates until a commit, over all threads; default 10 MiB, 0: none. */
  readonly cacheBytes?: ByteSize
  /**
   * How long all input partitions of a task must be silent, fetched to their end, before its stream time advances
   * without records: by the time that then passes, never beyond the wall clock less `idleAfter`. Windows then close
   * although no records arrive. A record that comes late because of it is dropped as `late-after-idle`: choose it
   * longer than producers, rebalances and restarts ever take. Default: never. Not with `compatibility`.
   */
  readonly idleAfter?: Duration
  /**
   * How long a task waits for an empty partition, so that it processes records in the order of time: -1 never, 0
   * (default) as long as the log is known to hold records, more: that much longer (Kafka's `max.task.idle.ms`).
   */
  readonly maxTaskIdle?: Duration
  /** A partition with more records waiting than this is not read further; 1000 if not given. */
  readonly bufferedRecordsPerPartition?: number
  /** Stream threads; 1 if not given. Several on Kafka are workers that import `StreamsOptions.module`. */
  readonly threads?: number
  /** Copies of each store that other instances keep ready; 0 if not given. */
  readonly standbyReplicas?: number
  /** How long a task may go on failing with errors that a retry can cure; 5 min if not given. */
  readonly taskTimeout?: Duration
  /** Replication factor of internal topics; -1 (default): the broker's. */
  readonly replicationFactor?: number
  /** What becomes of records that cannot be read; `fail`, or `deadLetter` if there is a `deadLetterTopic`. */
  readonly onDeserializationError?: ErrorHandler
  /** What becomes of records for which a function throws; `fail`, or `deadLetter` if there is a `deadLetterTopic`. */
  readonly onProcessingError?: ErrorHandler
  /** What becomes of records that cannot be written; `fail`, or `deadLetter` if there is a `deadLetterTopic`. */
  readonly onProductionError?: ErrorHandler
  /** What an error that ends a stream thread does to the application; `shutdownClient` if not given. */
  readonly onUncaughtError?: UncaughtErrorHandler
  /** Topic of the records for which a handler returns `deadLetter` (KIP-1034). It must exist. */
  readonly deadLetterTopic?: string
  /** A logger with pino's methods; if not given, warnings and errors go to standard error, a line each. */
  readonly logger?: Logger
  /**
   * True: errors and log lines show keys and values of records. If not given, they have their length and their place,
   * because logs are read by more people than the data; on a terminal, `millrace run` shows them all the same.
   */
  readonly logValues?: boolean
  /** What makes spans of traced records: `tracing(tracer)` of `millrace/opentelemetry`. Default: none. */
  readonly tracing?: Tracing
  /** Serdes for operators that neither have nor inherit one. */
  readonly defaults?: { readonly key?: Serde<unknown>; readonly value?: Serde<unknown> }
  /** Rewrites that save internal topics and stores; `none` if not given (Kafka's `topology.optimization`). */
  readonly optimize?: 'none' | 'all' | Optimization | readonly Optimization[]
  /** Gives the results of Kafka Streams where Millrace differs by default. */
  readonly compatibility?: 'kafka-streams-4.3'
  /** True: refuses stores and repartition topics with generated names, which change with the topology (KIP-1111). */
  readonly strictNaming?: boolean
  /** How much longer the changelog of a windowed store keeps windows than the store itself; 1 day if not given. */
  readonly windowStoreChangelogAdditionalRetention?: Duration
  /** Configs for all internal topics, such as `{ 'min.insync.replicas': '2' }`. */
  readonly topicConfigs?: Readonly<Record<string, string>>
}

export const MIB = 2 ** 20
/** The least memory that state and buffers need. */
export const LEAST_MEMORY = 16 * MIB
const INT16_MAX = 2 ** 15 - 1
const DECISIONS = ['fail', 'continue', 'deadLetter'] as const

/** Options that name an application and define its topology. */
export const IDENTITY = {
  id: nameOption({
    required: true,
    description: 'names the consumer group and prefixes the names of internal topics. The state depends on it',
    kafka: 'application.id',
    alsoCalled: ['groupId', 'applicationId', 'name'],
  }),
  build: func<AppConfig['build']>({
    required: true,
    description: 'builds the topology; may be called several times and must build the same one each time',
  }),
  strictNaming: flag({
    default: false,
    description: 'refuses stores and repartition topics with generated names (KIP-1111)',
    kafka: 'ensure.explicit.internal.resource.naming',
  }),
  compatibility: oneOf(['kafka-streams-4.3'], {
    description: 'gives the results of Kafka Streams where Millrace [differs](differences.md)',
  }),
  optimize: option<ReadonlySet<Optimization>>(
    `\`'none'\`, \`'all'\`, or some of ${OPTIMIZATIONS.map((name) => `\`'${name}'\``).join(', ')}`,
    {
      default: new Set(),
      defaultText: "`'none'`",
      description: 'rewrites of the topology that save internal topics and stores',
      kafka: 'topology.optimization',
    },
    readOptimizations,
  ),
  defaults: nested(
    {
      key: serde({ description: 'of keys', kafka: 'default.key.serde' }),
      value: serde({ description: 'of values', kafka: 'default.value.serde' }),
    },
    {
      description: 'serdes for operators that neither have nor inherit one',
      kafka: ['default.key.serde', 'default.value.serde'],
    },
  ),
}

/** Options of processing and of commits. */
export const PROCESSING = {
  guarantee: oneOf<Guarantee>(['at_least_once', 'exactly_once'], {
    default: 'at_least_once',
    description: 'what becomes of records around a failure. The embedded log is always exactly-once',
    kafka: 'processing.guarantee',
  }),
  commitInterval: duration({
    defaultText: '100 ms exactly-once, else 30 s',
    description:
      'time between two commits. A commit is also due when a processor asks for one, or when uncommitted changes ' +
      'fill their part of `memory` (at most 16 MiB per thread, besides the cache)',
    kafka: 'commit.interval.ms',
  }),
  memory: byteSize({
    least: LEAST_MEMORY,
    defaultText: 'a quarter of the memory of the cgroup or the machine, at most 1 GiB',
    description:
      'bytes that stores, caches and buffers may use together, at least 16 MiB: see [state](state.md#memory)',
  }),
  cacheBytes: byteSize({
    defaultText: '`10485760`',
    description:
      'bytes of `memory` that hold back and deduplicate updates until the next commit, over all threads: at most ' +
      'half of `memory`; by default no more than an eighth; `0`: every update is emitted',
    kafka: 'statestore.cache.max.bytes',
    alsoCalled: ['cache.max.bytes.buffering'],
  }),
  maxTaskIdle: option<number>(
    "ms, or text: `'10s'`; `-1`: never",
    {
      default: 0,
      description: 'how long a task waits for an empty partition: see [time](operators/time.md)',
      kafka: 'max.task.idle.ms',
    },
    (value, place) => (value === -1 ? -1 : (duration({ description: '' }).read(value, place) ?? 0)),
  ),
  idleAfter: duration({
    least: 1,
    defaultText: 'never',
    description:
      'how long all partitions of a task must be silent before its stream time advances without records: ' +
      'see [why does my window not close?](operators/idle-partitions.md)',
  }),
  bufferedRecordsPerPartition: wholeNumber({
    least: 1,
    default: 1000,
    description: 'a partition with more records waiting than this is not read further',
    kafka: 'buffered.records.per.partition',
  }),
  threads: wholeNumber({
    least: 1,
    most: 1024,
    default: 1,
    description:
      'stream threads: loops that share the tasks of the process. Several on Kafka are [workers](kafka.md#threads), ' +
      'each an operating-system thread; on a log in this process, they share one event loop',
    kafka: 'num.stream.threads',
  }),
  taskTimeout: duration({
    default: 300_000,
    description:
      'how long the application waits, before it gives up, for what may pass: commits that fail, instances of ' +
      'another topology, members of another kind, a deleted topic',
    kafka: 'task.timeout.ms',
  }),
  standbyReplicas: wholeNumber({
    most: INT16_MAX,
    default: 0,
    description: 'copies of each store that other instances keep ready, so that they can take over at once',
    kafka: 'num.standby.replicas',
  }),
}

export const INTERNAL_TOPICS = {
  replicationFactor: wholeNumber({
    least: -1,
    most: INT16_MAX,
    default: -1,
    description: "replication factor of internal topics; -1 is the broker's default",
    kafka: 'replication.factor',
  }),
  topicConfigs: topicConfigs({
    default: {},
    defaultText: 'none',
    description:
      "configs of all internal topics, such as `{ 'min.insync.replicas': '2' }`; those of a store itself win",
    kafka: 'topic.',
  }),
  windowStoreChangelogAdditionalRetention: duration({
    default: 86_400_000,
    defaultText: '1 day',
    description: 'how much longer the changelog of a windowed store keeps windows than the store',
    kafka: 'windowstore.changelog.additional.retention.ms',
  }),
}

const handler = (description: string, kafka: string) =>
  decision<ErrorHandler>(DECISIONS, { defaultText: "`'fail'`", description, kafka })

/** Options for errors and the log. */
export const ERRORS = {
  onDeserializationError: handler('what becomes of a record that cannot be read', 'deserialization.exception.handler'),
  onProcessingError: handler('… for which a function throws', 'processing.exception.handler'),
  onProductionError: handler(
    '… that cannot be written, or that its topic [refuses](errors.md#records-that-are-refused)',
    'production.exception.handler',
  ),
  deadLetterTopic: nameOption({
    description:
      "topic of the records for which a handler returns `'deadLetter'`, which it makes the default of all three " +
      '(KIP-1034). It must exist',
    kafka: 'errors.dead.letter.queue.topic.name',
  }),
  onUncaughtError: decision<UncaughtErrorHandler>(['replaceThread', 'shutdownClient', 'shutdownApplication'], {
    default: 'shutdownClient',
    description: 'what an error that ends a stream thread does',
    kafka: 'setUncaughtExceptionHandler',
  }),
  logger: having<Logger>('logger', ['debug', 'info', 'warn', 'error'], 'a logger of the shape of pino', {
    default: defaultLogger,
    defaultText: 'stderr, from `warn` on',
    description: "a logger with pino's methods: `debug`, `info`, `warn`, `error`, each `(fields, message)`",
  }),
  logValues: flag({
    default: false,
    description:
      'whether errors and log lines show keys and values of records; else they have their length and place. ' +
      'The terminal of `millrace run` and the test driver show them',
  }),
  tracing: having<Tracing>(
    'tracing',
    ['consumed', 'produced', 'within'],
    'tracing(tracer), of millrace/opentelemetry',
    {
      defaultText: 'none',
      description: '`tracing(tracer)` of `millrace/opentelemetry`: [spans of traced records](tracing.md)',
    },
  ),
}

export const DEFINE_APP = { ...IDENTITY, ...PROCESSING, ...INTERNAL_TOPICS, ...ERRORS } satisfies TableOf<AppConfig>

function readOptimizations(value: unknown, place: Place): ReadonlySet<Optimization> {
  if (value === 'none') return new Set()
  if (value === 'all') return new Set(OPTIMIZATIONS)
  const words: readonly unknown[] = Array.isArray(value) ? value : [value]
  return new Set(
    words.map((word) => {
      const known = OPTIMIZATIONS.find((name) => name === word)
      if (known !== undefined) return known
      throw place.refuse(word, `Give 'none', 'all', or some of ${OPTIMIZATIONS.map((name) => `'${name}'`).join(', ')}.`)
    }),
  )
}
