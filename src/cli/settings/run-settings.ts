import type { ErrorDecision, UncaughtErrorDecision } from '../../application/application.ts'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../../application/log-line.ts'
import { ERRORS, INTERNAL_TOPICS, PROCESSING } from '../../dsl/app-options.ts'
import { engineName } from '../../engine/engine-option.ts'
import { endpointOption } from '../../options/endpoint-option.ts'
import { fileModeOption } from '../../options/file-mode-option.ts'
import {
  duration,
  flag,
  oneOf,
  option,
  readListenAddress,
  readTopicConfigs,
  text,
  wholeNumber,
  type About,
  type Place,
} from '../../options/options.ts'
import type { CommandOptions, CommandValues } from './command-option.ts'
import { GROUP, kafka, KAFKA_LOGIN, secret } from './connection-settings.ts'

/** Options of `defineApp` that say how an application runs, and can be said in words. */
export const APPLICATION = {
  guarantee: { ...PROCESSING.guarantee, value: 'guarantee' },
  commitInterval: { ...PROCESSING.commitInterval, value: 'time' },
  memory: { ...PROCESSING.memory, value: 'size' },
  cacheBytes: { ...PROCESSING.cacheBytes, value: 'size' },
  maxTaskIdle: { ...PROCESSING.maxTaskIdle, value: 'time' },
  idleAfter: { ...PROCESSING.idleAfter, value: 'time' },
  bufferedRecordsPerPartition: { ...PROCESSING.bufferedRecordsPerPartition, value: 'n' },
  threads: { ...PROCESSING.threads, value: 'n' },
  taskTimeout: { ...PROCESSING.taskTimeout, value: 'time' },
  standbyReplicas: { ...PROCESSING.standbyReplicas, value: 'n' },
  replicationFactor: { ...INTERNAL_TOPICS.replicationFactor, value: 'n' },
  topicConfigs: {
    ...option<Readonly<Record<string, string>>>(
      'NAME=VALUE,…',
      { ...about(INTERNAL_TOPICS.topicConfigs), description: 'configs of all internal topics; those of a store win' },
      readConfigs,
    ),
    value: 'configs',
  },
  windowStoreChangelogAdditionalRetention: {
    ...INTERNAL_TOPICS.windowStoreChangelogAdditionalRetention,
    value: 'time',
  },
  onDeserializationError: decisionOn(ERRORS.onDeserializationError),
  onProcessingError: { ...decisionOn(ERRORS.onProcessingError), description: 'what if a function throws' },
  onProductionError: {
    ...decisionOn(ERRORS.onProductionError),
    description: 'what becomes of a record that cannot be written',
  },
  deadLetterTopic: { ...ERRORS.deadLetterTopic, value: 'topic' },
  onUncaughtError: {
    ...oneOf<UncaughtErrorDecision>(
      ['replaceThread', 'shutdownClient', 'shutdownApplication'],
      about(ERRORS.onUncaughtError),
    ),
    value: 'decision',
  },
  logValues: flag({
    default: false,
    description: 'show keys and values of records in errors and log lines; a terminal shows them in any case',
  }),
} satisfies CommandOptions

/** Where the embedded log and the state are. */
export const PLACE = {
  data: {
    ...text({ default: '.millrace', description: 'directory of the state and the embedded log' }),
    value: 'dir',
  },
  stateDirectory: {
    ...text({ defaultText: '`state` in `--data`', description: 'directory of the state', kafka: 'state.dir' }),
    value: 'dir',
  },
} satisfies CommandOptions

export const logFormat = {
  ...oneOf<LogFormat>(LOG_FORMATS, { default: 'text', description: 'how messages and errors are written' }),
  value: 'format',
}

/** The file of settings: for every command that reads settings. */
export const config = {
  ...text({ defaultText: 'none', description: 'file of settings, as YAML or JSON' }),
  value: 'file',
}

/** An instance of an application, its server, and how it begins and ends. */
export const INSTANCE = {
  engine: { ...engineName, value: 'name' },
  fileMode: { ...fileModeOption, value: 'who' },
  fsync: flag({
    default: true,
    description: '`false`: a commit of the embedded log survives the death of the process, not that of the machine',
  }),
  attach: flag({
    default: true,
    description: '`false`: no other process uses the embedded log while the application runs',
  }),
  instanceId: {
    ...text({
      defaultText: 'of the state directory',
      description: 'name of this instance for good, as a StatefulSet names its pods',
      kafka: 'group.instance.id',
    }),
    value: 'id',
  },
  stateCleanupDelay: {
    ...duration({
      default: 600_000,
      defaultText: '10 min',
      description: 'how long state is kept after its task has moved to another instance',
      kafka: 'state.cleanup.delay.ms',
    }),
    value: 'time',
  },
  readyLag: {
    ...wholeNumber({
      default: 0,
      description: 'offsets that a restored store may still lack when the application counts as ready',
    }),
    value: 'n',
  },
  http: {
    ...option<string>(
      'PORT, HOST:PORT',
      {
        defaultText: 'none',
        description: 'serve probes, topology and tasks over HTTP; on a port alone, for this machine alone',
      },
      (value, place) => {
        readListenAddress(value, place)
        return String(value)
      },
    ),
    value: 'address',
  },
  advertise: {
    ...endpointOption,
    defaultText: 'none',
    description: 'where other instances reach the HTTP server of this one, which learn it from the group',
    value: 'address',
  },
  ...secret('peerToken', 'token, the same for all, by which instances ask each other for keys'),
  peerCa: {
    ...text({
      defaultText: 'none',
      description: 'file with the authorities of the certificates of all instances: they ask each other by TLS',
    }),
    value: 'file',
  },
  peerCert: {
    ...text({ defaultText: 'none', description: 'file with the certificate by which other instances know this one' }),
    value: 'file',
  },
  peerKey: { ...text({ defaultText: 'none', description: 'file with the key of --peer-cert' }), value: 'file' },
  httpCert: {
    ...text({ defaultText: 'none', description: 'file with the certificate of the HTTP server, and its chain' }),
    value: 'file',
  },
  httpKey: { ...text({ defaultText: 'none', description: 'file with the key of --http-cert' }), value: 'file' },
  ...secret('httpToken', 'tokens, one a line: whoever sends one may read; needed beyond this machine'),
  httpDeadLetters: {
    ...text({
      defaultText: 'none',
      description:
        'file with a token on each line: whoever sends one may read and replay dead letters; all else needs one of ' +
        '`--http-token-file` then',
    }),
    value: 'file',
  },
  httpWrite: {
    ...option<string>(
      'TOPIC',
      {
        defaultText: 'none',
        description:
          'topic that may be written over HTTP by every program of this machine, or with `--http-token-file` by ' +
          'whoever sends a token; may be given several times',
      },
      (value, place) => {
        if (/^[\w.-]{1,249}$/.test(String(value))) return String(value)
        throw place.refuse(value, 'Give the name of a topic.')
      },
    ),
    value: 'topic',
    isList: true,
  },
  httpHosts: {
    ...option<string>(
      'NAME',
      {
        defaultText: 'none',
        description: 'name by which a server without tokens may be called; may be given several times',
      },
      (value, place) => {
        if (/^(?!-)[a-z0-9._-]{1,253}$/i.test(String(value))) return String(value)
        throw place.refuse(value, 'Give a name without a port, as in streams.example.com.')
      },
    ),
    value: 'name',
    isList: true,
  },
  httpCors: {
    ...option<string>(
      'ORIGIN',
      {
        defaultText: 'none',
        description: 'origin of web pages that may read and write; may be given several times',
      },
      (value, place) => {
        if (URL.parse(String(value))?.origin === value && /^https?:/.test(String(value))) return String(value)
        throw place.refuse(value, 'Give an origin, as in https://board.example.com: no path, no slash at its end.')
      },
    ),
    value: 'origin',
    isList: true,
  },
  for: { ...duration({ defaultText: 'until a signal', description: 'how long to run' }), value: 'time', once: true },
  drain: {
    ...duration({
      defaultText: '5 s with a server, else 0',
      description:
        'how long to run on after SIGTERM, no longer ready, so that requests are sent elsewhere before the close',
    }),
    value: 'time',
  },
  closeTimeout: {
    ...duration({
      default: 25_000,
      defaultText: '25 s',
      description: 'how long closing may take before the command gives up, for instance because no broker answers',
    }),
    value: 'time',
  },
  acceptLoss: {
    ...flag({ default: false, description: 'open an embedded log that lost data with what is left of it' }),
    once: true,
  },
  fromBeginning: {
    ...flag({
      default: false,
      description: 'forget state and offsets on the embedded log, and process all input again',
    }),
    once: true,
  },
  logFormat,
  logLevel: {
    ...oneOf<LogLevel>(LOG_LEVELS, {
      default: 'info',
      description: 'the least level of messages that are written; the signal SIGUSR2 switches to `debug` and back',
    }),
    value: 'level',
  },
} satisfies CommandOptions

/** The settings of an application that runs: connection, application, place, instance. */
export const SETTINGS = {
  kafka,
  ...KAFKA_LOGIN,
  ...GROUP,
  ...PLACE,
  ...APPLICATION,
  ...INSTANCE,
} satisfies CommandOptions

/** The settings of commands that ask a log or an instance. */
export const CLIENT = {
  kafka,
  ...KAFKA_LOGIN,
  ...PLACE,
  ...secret('token', 'token to send'),
  logFormat,
} satisfies CommandOptions

/** The options of `millrace run`. */
export const RUN = {
  ...SETTINGS,
  config: { ...config, once: true },
  printConfig: {
    ...flag({ default: false, description: 'print each setting and where it comes from, and end' }),
    once: true,
  },
  json: { ...flag({ default: false, description: 'with `--print-config`: as JSON' }), once: true },
} satisfies CommandOptions

/** The settings of a run as they are read: times in ms, sizes in bytes. Those without a value were given nowhere. */
export type RunOptions = CommandValues<typeof RUN> & {
  readonly data: string
  readonly closeTimeout: number
  readonly logFormat: LogFormat
  readonly logLevel: LogLevel
}

/** Settings whose default is the command's: all others have the default of the function that takes them. */
export const OWN_DEFAULTS = ['data', 'closeTimeout', 'logFormat', 'logLevel'] as const

/** Returns the description of a row, for one that takes fewer values. */
function about<T>({ description, default: byDefault, defaultText, kafka: name }: About<T>): About<never> {
  return {
    description,
    ...(byDefault === undefined || typeof byDefault === 'object' ? {} : { default: byDefault as never }),
    ...(defaultText === undefined ? {} : { defaultText }),
    ...(name === undefined ? {} : { kafka: name }),
  }
}

function decisionOn(row: About<unknown>) {
  return { ...oneOf<ErrorDecision>(['fail', 'continue', 'deadLetter'], about(row)), value: 'decision' }
}

/** What stands between two configs: values have commas of their own, as in `cleanup.policy=compact,delete`. */
const BETWEEN_CONFIGS = /,(?=[\w.-]+=)/

function readConfigs(value: unknown, place: Place): Readonly<Record<string, string>> {
  if (typeof value !== 'string') {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const asText = isObject
      ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, String(each)]))
      : value
    return readTopicConfigs(asText, place)
  }
  const pairs = value.split(BETWEEN_CONFIGS).map((pair) => /^([\w.-]+)=(.*)$/s.exec(pair.trim()))
  if (pairs.includes(null)) throw place.refuse(value, 'Give NAME=VALUE,…, as in min.insync.replicas=2.')
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]))
}
