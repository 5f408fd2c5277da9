import { InvalidArgumentError, Option as CommanderOption, type Command } from 'commander'
import { MillraceError } from '../errors/millrace-error.ts'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../application/log-line.ts'
import { endpointOption } from '../options/endpoint-option.ts'
import { fileModeOption } from '../options/file-mode-option.ts'
import {
  duration,
  flag,
  INT32_MAX,
  oneOf,
  option,
  Place,
  readListenAddress,
  text,
  wholeNumber,
  type Option,
  type TableOf,
} from '../options/options.ts'
import type { ListLettersOptions, ReplayLettersOptions, ShowLetterOptions } from './dead-letters-command.ts'
import type { DescribeOptions } from './describe-command.ts'
import type { DiffOptions } from './diff-command.ts'
import type { InstancesOptions } from './instances-command.ts'
import { KAFKA_PASSWORD, KAFKA_TOKEN, SASL_MECHANISMS, type KafkaAccess, type SaslMechanism } from './kafka-access.ts'
import type { LogOptions } from './log-command.ts'
import type { ResetOptions } from './reset-command.ts'
import type { QueryOptions } from './query-command.ts'
import type { RunOptions } from './run-command.ts'
import type { StatusOptions } from './status-command.ts'
import { timeOption } from './time-option.ts'

/** The greatest number of threads, as in `defineApp`. */
const MOST_THREADS = 1024

/** An option of a command. An option without `value` is given by its name alone. */
export interface CommandOption extends Option<unknown> {
  /** The placeholder for the value in the help: `--data <dir>`. */
  readonly value?: string
  /** The letter by which it can be given, too. */
  readonly letter?: string
  /** True: it may be given several times, and its value is a list of what was given. */
  readonly isList?: true
  /** Another option that excludes this one. */
  readonly conflicts?: string
}

/** The options of a command by their names in code: `fromBeginning` is `--from-beginning`. */
export type CommandOptions = Readonly<Record<string, CommandOption>>

export const kafka = {
  ...option<readonly string[]>(
    'HOST:PORT,…',
    {
      defaultText: 'none',
      description: 'Kafka brokers; without them, an embedded log under `--data`',
      kafka: 'bootstrap.servers',
    },
    readBrokers,
  ),
  value: 'brokers',
}

/** How to log in at the brokers: for every command with `--kafka`. */
export const KAFKA_LOGIN = {
  kafkaConfig: {
    ...text({
      defaultText: 'none',
      description: "file of properties as Kafka's tools take it: what it says about TLS and SASL",
    }),
    value: 'file',
  },
  kafkaTls: flag({ default: false, description: "use TLS, and trust the system's authorities" }),
  kafkaCa: {
    ...text({ defaultText: "the system's", description: 'file with the authorities to trust, as PEM; uses TLS' }),
    value: 'file',
  },
  kafkaCert: {
    ...text({ defaultText: 'none', description: 'file with the certificate of this client, as PEM; uses TLS' }),
    value: 'file',
  },
  kafkaKey: { ...text({ defaultText: 'none', description: 'file with the key of --kafka-cert' }), value: 'file' },
  kafkaSasl: {
    ...oneOf<SaslMechanism>(SASL_MECHANISMS, { defaultText: 'none', description: 'how to log in' }),
    value: 'mechanism',
  },
  kafkaUser: { ...text({ defaultText: 'none', description: 'name to log in with' }), value: 'name' },
  kafkaPasswordFile: {
    ...text({
      defaultText: `\`${KAFKA_PASSWORD.variable}\``,
      description: 'file with the password; without it, the one in the environment',
    }),
    value: 'file',
  },
  kafkaTokenFile: {
    ...text({
      defaultText: `\`${KAFKA_TOKEN.variable}\``,
      description: 'file with the token of OAUTHBEARER, read at each login; without it, the one in the environment',
    }),
    value: 'file',
  },
} satisfies TableOf<Omit<KafkaAccess, 'kafka'>, CommandOption>

export const data = {
  ...text({ default: '.millrace', description: 'directory of the state and the embedded log' }),
  value: 'dir',
}

export const logFormat = {
  ...oneOf<LogFormat>(LOG_FORMATS, { default: 'text', description: 'how messages and errors are written' }),
  value: 'format',
}

const logLevel = {
  ...oneOf<LogLevel>(LOG_LEVELS, {
    default: 'info',
    description: 'the least level of messages that are written; the signal SIGUSR2 switches to `debug` and back',
  }),
  value: 'level',
}

/** The options of `millrace run`. */
export const RUN = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  threads: {
    ...option<number>(
      'whole number',
      { defaultText: "the application's", description: 'number of stream threads; on Kafka each can use a CPU core' },
      readThreads,
    ),
    value: 'n',
  },
  groupProtocol: {
    ...oneOf<'auto' | 'streams' | 'classic'>(['auto', 'streams', 'classic'], {
      defaultText: "`'auto'`",
      description: 'how the members of a Kafka group share tasks',
    }),
    value: 'protocol',
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
  peerTokenFile: {
    ...text({
      defaultText: 'none',
      description: 'file with the token, the same for all, by which instances ask each other for keys',
    }),
    value: 'file',
  },
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
  httpTokenFile: {
    ...text({
      defaultText: 'none',
      description: 'file with a token on each line: whoever sends one may read; needed beyond this machine',
    }),
    value: 'file',
  },
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
  for: { ...duration({ defaultText: 'until a signal', description: 'how long to run' }), value: 'time' },
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
  fileMode: { ...fileModeOption, value: 'who' },
  acceptLoss: flag({ default: false, description: 'open an embedded log that lost data with what is left of it' }),
  fromBeginning: flag({
    default: false,
    description: 'forget state and offsets on the embedded log, and process all input again',
  }),
  logFormat,
  logLevel,
} satisfies TableOf<RunOptions, CommandOption>

/** The options of `millrace log backup` and `millrace log restore`. */
export const LOG = { data, logFormat } satisfies TableOf<LogOptions, CommandOption>

/** The options of `millrace reset`. */
export const RESET = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  toDatetime: timeOption({
    defaultText: 'the beginning',
    description: 'where to begin: at the first records of the source topics at or after this time',
  }),
  yes: flag({ default: false, description: 'do not ask' }),
  dryRun: flag({ default: false, description: 'show what would be done, and do nothing' }),
  logFormat,
} satisfies TableOf<ResetOptions, CommandOption>

/** The options of `millrace describe`. */
export const DESCRIBE = {
  json: { ...flag({ default: false, description: 'as JSON' }), conflicts: 'mermaid' },
  mermaid: flag({ default: false, description: 'as a Mermaid flowchart' }),
  logFormat,
} satisfies TableOf<DescribeOptions & { readonly logFormat: unknown }, CommandOption>

export const json = flag({ default: false, description: 'as JSON' })

/** The options of `millrace diff`. */
export const DIFF = { json, logFormat } satisfies TableOf<DiffOptions & { readonly logFormat: unknown }, CommandOption>

const letterTopic = {
  ...text({ defaultText: "the application's", description: 'the dead letter topic' }),
  value: 'topic',
}

/** The options of `millrace dead-letters ls`. */
export const LIST_LETTERS = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  topic: letterTopic,
  from: { ...text({ defaultText: 'the first one', description: 'id of the dead letter to begin with' }), value: 'id' },
  limit: {
    ...wholeNumber({ least: 1, default: 100, description: 'most dead letters to show' }),
    value: 'n',
  },
  json: flag({ default: false, description: 'as JSON, one dead letter a line' }),
  logFormat,
} satisfies TableOf<ListLettersOptions, CommandOption>

/** The options of `millrace dead-letters show`. */
export const SHOW_LETTER = { kafka, ...KAFKA_LOGIN, data, json, logFormat } satisfies TableOf<
  ShowLetterOptions,
  CommandOption
>

/** The options of `millrace dead-letters replay`. */
export const REPLAY_LETTERS = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  all: flag({ default: false, description: 'all dead letters that have not been replayed, instead of ids' }),
  topic: { ...letterTopic, description: 'the dead letter topic, with `--all`' },
  patch: {
    ...text({ description: 'JSON file with what to change: `{ "key": …, "value": …, "headers": { … } }`' }),
    value: 'file',
  },
  to: {
    ...option<readonly string[]>(
      'TOPIC,…',
      { description: 'topics that records may go back to besides those that the application reads' },
      (value) => String(value).split(','),
    ),
    value: 'topics',
  },
  again: flag({ default: false, description: 'replay what has been replayed already' }),
  dryRun: flag({ default: false, description: 'show what would be written, and write nothing' }),
  json: flag({ default: false, description: 'as JSON, one record a line' }),
  logFormat,
} satisfies TableOf<ReplayLettersOptions, CommandOption>

const url = {
  ...option<string>(
    'http://HOST:PORT',
    { defaultText: '`http://127.0.0.1:8080`', description: 'the server of a running instance' },
    readUrl,
  ),
  value: 'url',
}

const tokenFile = {
  ...text({
    defaultText: '`MILLRACE_TOKEN`',
    description: 'file with the token to send; without it, the token in the environment',
  }),
  value: 'file',
}

const timeout = {
  ...duration({
    default: 10_000,
    defaultText: '10 s',
    least: 1,
    most: INT32_MAX,
    description: 'how long to wait for an answer',
  }),
  value: 'time',
}

/** The options of `millrace status`. */
export const STATUS = { url, tokenFile, timeout, json, logFormat } satisfies TableOf<StatusOptions, CommandOption>

const groupKafka = { ...kafka, description: 'Kafka brokers that know the group, instead of `--url`' }

const appId = { ...text({ description: 'id of the application, with `--kafka`' }), value: 'id' }

/** The options of `millrace instances`. */
export const INSTANCES = {
  url,
  tokenFile,
  timeout,
  kafka: groupKafka,
  ...KAFKA_LOGIN,
  app: appId,
  json: flag({ default: false, description: 'as JSON, one instance a line' }),
  logFormat,
} satisfies TableOf<InstancesOptions, CommandOption>

/** The options of `millrace query`. */
export const QUERY_STORE = {
  url,
  tokenFile,
  timeout,
  kafka: groupKafka,
  ...KAFKA_LOGIN,
  app: appId,
  from: {
    ...text({ description: 'the first key; with a list by time, the first time: ms, or as in 2030-01-31T12:00:00Z' }),
    value: 'from',
  },
  to: { ...text({ description: 'the last key, or time; included, as the first is' }), value: 'to' },
  range: {
    ...option<readonly [string | undefined, string | undefined]>(
      'FROM..TO',
      { description: 'both of them; either may be missing' },
      readRange,
    ),
    value: 'range',
  },
  prefix: { ...text({ description: 'what keys begin with' }), value: 'prefix' },
  limit: {
    ...wholeNumber({ least: 1, most: 10_000, defaultText: 'all', description: 'most rows to print' }),
    value: 'n',
  },
  reverse: flag({ default: false, description: 'in descending order' }),
  windows: flag({ default: false, description: 'the windows of a key, or of all keys' }),
  sessions: flag({ default: false, description: 'the sessions of a key, or of all keys' }),
  versions: flag({ default: false, description: 'the versions of a key' }),
  asOf: {
    ...text({ description: 'the version of a key that was valid then: ms, or as in 2030-01-31T12:00:00Z' }),
    value: 'time',
  },
  watch: flag({ default: false, description: 'and then each row that changes, until it is interrupted' }),
  consistency: {
    ...oneOf<'committed' | 'latest'>(['committed', 'latest'], {
      defaultText: 'as the guarantee',
      description: 'what the last commit left, or what has changed since, too',
    }),
    value: 'kind',
  },
  keyAs: {
    ...oneOf<'text' | 'json' | 'base64' | 'hex'>(['text', 'json', 'base64', 'hex'], {
      defaultText: 'text where keys are, else JSON',
      description: 'the form in which keys are given and printed; the last two are their serialized bytes',
    }),
    value: 'form',
  },
  json: flag({ default: false, description: 'as JSON, one row a line' }),
  logFormat,
} satisfies TableOf<QueryOptions, CommandOption>

/** Returns an option as it is typed: `--from-beginning`, `--data <dir>`. */
export function flagsOf(name: string, { value, letter }: CommandOption): string {
  const long = `--${name.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`
  const flag = letter === undefined ? long : `-${letter}, ${long}`
  return value === undefined ? flag : `${flag} <${value}>`
}

/** Adds options to a command. */
export function addOptions(command: Command, options: CommandOptions): Command {
  for (const [name, each] of Object.entries(options)) {
    const form = each.value === undefined || each.type === 'text' ? '' : ` (${each.type})`
    const added = new CommanderOption(flagsOf(name, each), (each.description + form).replaceAll('`', ''))
    if (each.isList === true) {
      const before = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : [])
      added.argParser((given, list: unknown) => [...before(list), readArgument(name, each, given)])
    } else if (each.value !== undefined) added.argParser((given) => readArgument(name, each, given))
    if (each.value !== undefined && each.default !== undefined) added.default(each.default, each.defaultText)
    if (each.conflicts !== undefined) added.conflicts(each.conflicts)
    command.addOption(added)
  }
  return command
}

function readArgument(name: string, each: CommandOption, given: string): unknown {
  const value = each.type !== 'text' && /^\d+$/.test(given) ? Number(given) : given
  try {
    return each.read(value, new Place('millrace', name, each))
  } catch (error) {
    throw new InvalidArgumentError(error instanceof MillraceError ? (error.hint ?? error.message) : String(error))
  }
}

function readBrokers(value: unknown, place: Place): readonly string[] {
  const brokers = String(value)
    .split(',')
    .map((each) => each.trim())
  for (const broker of brokers) {
    const port = Number(/^(?:\[[0-9a-fA-F:]+\]|[^\s:]+):(\d{1,5})$/.exec(broker)?.[1] ?? 0)
    if (port < 1 || port > 65_535) throw place.refuse(broker, 'Give HOST:PORT, as in localhost:9092.')
  }
  return brokers
}

function readUrl(value: unknown, place: Place): string {
  const { protocol, search, hash } = URL.parse(String(value)) ?? {}
  const isBase = search === '' && hash === ''
  if (isBase && (protocol === 'http:' || protocol === 'https:')) return String(value)
  throw place.refuse(value, 'Give http://HOST:PORT, as in http://localhost:8080.')
}

function readRange(value: unknown, place: Place): readonly [string | undefined, string | undefined] {
  const [, from = '', to = ''] = /^(.*?)\.\.(.*)$/s.exec(String(value)) ?? []
  if (from === '' && to === '') throw place.refuse(value, 'Give FROM..TO, FROM.. or ..TO.')
  return [from === '' ? undefined : from, to === '' ? undefined : to]
}

function readThreads(value: unknown, place: Place): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_THREADS) return Number(value)
  throw place.refuse(value, `Give a whole number from 1 to ${MOST_THREADS}, not "${String(value)}".`)
}
