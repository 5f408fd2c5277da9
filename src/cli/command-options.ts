import { InvalidArgumentError, Option as CommanderOption, type Command } from 'commander'
import { MillraceError } from '../errors/millrace-error.ts'
import { duration, flag, INT32_MAX, oneOf, option, Place, text, wholeNumber, type TableOf } from '../options/options.ts'
import type { ListLettersOptions, ReplayLettersOptions, ShowLetterOptions } from './dead-letters-command.ts'
import type { DescribeOptions } from './describe-command.ts'
import type { DiffOptions } from './diff-command.ts'
import type { InstancesOptions } from './instances-command.ts'
import type { LogOptions } from './log-command.ts'
import type { ResetOptions } from './reset-command.ts'
import type { QueryOptions } from './query-command.ts'
import {
  flagOf,
  flagsOf,
  plainText,
  readText,
  type CommandOption,
  type CommandOptions,
} from './settings/command-option.ts'
import { kafka, KAFKA_LOGIN } from './settings/connection-settings.ts'
import { CLIENT, config, logFormat, PLACE, SETTINGS } from './settings/run-settings.ts'
import type { StatusOptions } from './status-command.ts'
import { timeOption } from './time-option.ts'

export { flagsOf, type CommandOption, type CommandOptions } from './settings/command-option.ts'
export { kafka, KAFKA_LOGIN } from './settings/connection-settings.ts'
export { logFormat, RUN } from './settings/run-settings.ts'

/** The directory of the state and the embedded log; that of the state alone. */
export const { data, stateDirectory } = PLACE

/** The options of `millrace log backup` and `millrace log restore`. */
export const LOG = { data, logFormat } satisfies TableOf<LogOptions, CommandOption>

/** The options of `millrace reset`. */
export const RESET = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  stateDirectory,
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

const { tokenFile } = CLIENT

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

/** Adds options to a command. */
export function addOptions(command: Command, options: CommandOptions): Command {
  for (const [name, each] of Object.entries(options)) {
    // Everybody on a machine sees the arguments of a command.
    if (each.secret === true) continue
    for (const added of commandOptions(name, each)) command.addOption(added)
  }
  const hasSettings = Object.hasOwn(options, 'kafka') && !Object.hasOwn(options, 'config')
  if (hasSettings) for (const added of commandOptions('config', config)) command.addOption(added)
  return command
}

function commandOptions(name: string, each: CommandOption): readonly CommanderOption[] {
  const form = each.value === undefined || each.type === 'text' ? '' : ` (${plainText(each.type)})`
  const description = plainText(each.description) + form
  if (each.value === undefined) return flagOptions(name, each, description)
  const added = new CommanderOption(flagsOf(name, each), description)
  if (each.isList === true) {
    const before = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : [])
    added.argParser((given, list: unknown) => [...before(list), readArgument(name, each, given)])
  } else added.argParser((given) => readArgument(name, each, given))
  if (each.default !== undefined) added.default(each.default, each.defaultText)
  if (each.conflicts !== undefined) added.conflicts(each.conflicts)
  return [added]
}

/** Makes the two flags of what is so or not. Shown is the one that changes something. */
function flagOptions(name: string, each: CommandOption, description: string): readonly CommanderOption[] {
  const positive = new CommanderOption(each.letter === undefined ? flagOf(name) : `-${each.letter}, ${flagOf(name)}`)
  positive.description = description
  if (each.conflicts !== undefined) positive.conflicts(each.conflicts)
  // What is said in the command line alone has nothing that it could take back.
  if (!Object.hasOwn(SETTINGS, name) || each.once === true) return [positive]
  const negative = new CommanderOption(`--no-${flagOf(name).slice(2)}`, description)
  return [positive.hideHelp(each.default === true), negative.hideHelp(each.default !== true)]
}

function readArgument(name: string, each: CommandOption, given: string): unknown {
  try {
    return readText(each, given, new Place('millrace', name, each))
  } catch (error) {
    throw new InvalidArgumentError(error instanceof MillraceError ? (error.hint ?? error.message) : String(error))
  }
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
