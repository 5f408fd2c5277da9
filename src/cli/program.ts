import { Command, CommanderError } from 'commander'
import { MillraceError } from '../errors/millrace-error.ts'
import { PACKAGE_VERSION } from '../platform/package-version.ts'
import { logLine, type LogFormat } from '../application/log-line.ts'
import { formatError } from './cli-error.ts'
import {
  addOptions,
  DESCRIBE,
  DIFF,
  INSTANCES,
  LIST_LETTERS,
  LOG,
  QUERY_STORE,
  REPLAY_LETTERS,
  RESET,
  RUN,
  SHOW_LETTER,
  STATUS,
  type CommandOptions,
} from './command-options.ts'
import type { ConnectOptions } from './connect-command.ts'
import { CONNECT, CONNECTORS_CHANGED, CONNECTORS_SHOWN } from './connect-options.ts'
import type { ConnectorsOptions } from './connectors-command.ts'
import type { ConsumeOptions } from './consume-command.ts'
import type { ListLettersOptions, ReplayLettersOptions, ShowLetterOptions } from './dead-letters-command.ts'
import type { DescribeOptions } from './describe-command.ts'
import type { DiffOptions } from './diff-command.ts'
import type {
  DeleteGroupsOptions,
  DescribeGroupOptions,
  ListGroupsOptions,
  ResetOffsetsOptions,
} from './groups-command.ts'
import type {
  AlterTopicOptions,
  CreateTopicOptions,
  DeleteTopicsOptions,
  DescribeTopicsOptions,
  ListTopicsOptions,
} from './topics-command.ts'
import type { InstancesOptions } from './instances-command.ts'
import { fromKafkaSpelling } from './kafka-spellings.ts'
import type { LogOptions } from './log-command.ts'
import type { ProduceOptions } from './produce-command.ts'
import { CONSUME, PRODUCE } from './record-options.ts'
import {
  ALTER_TOPIC,
  CREATE_TOPIC,
  DELETE_GROUPS,
  DELETE_TOPICS,
  DESCRIBE_GROUP,
  DESCRIBE_TOPICS,
  LIST_GROUPS,
  LIST_TOPICS,
  RESET_OFFSETS,
} from './topic-options.ts'
import type { ResetOptions } from './reset-command.ts'
import type { QueryOptions } from './query-command.ts'
import type { RunOptions } from './settings/run-settings.ts'
import type { Settings } from './settings/settings.ts'
import type { Settled } from './settings/settle.ts'
import type { StatusOptions } from './status-command.ts'

/** Exit codes: the command succeeded, it failed, or it was not understood. */
export const EXIT_DONE = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** Codes of errors in what a command was given: nothing was begun, and the same again ends in the same way. */
const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(['MR_CLI_USAGE', 'MR_CLI_CONFIG'])

/** Runs the command line, prints errors and returns the exit code. Loads only what the command needs. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const settling = new Settling()
  const program = createProgram(argv, settling)
  const format = (): LogFormat => settling.logFormat ?? logFormatOf(argv)
  try {
    await program.parseAsync(fromKafkaSpelling(argv), { from: 'user' })
    return EXIT_DONE
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help or the version has been printed.
      if (error.exitCode === 0) return EXIT_DONE
      console.error(formatError(usageError(error), format()))
      return EXIT_USAGE
    }
    console.error(formatError(error, format()))
    return error instanceof MillraceError && NOT_UNDERSTOOD.has(error.code) ? EXIT_USAGE : EXIT_FAILED
  }
}

/** Reads the settings of the command that is run, before it is. */
class Settling {
  #settled: Settled | undefined

  /** The form of messages, as soon as the settings are known. */
  get logFormat(): LogFormat | undefined {
    return this.#settled?.settings.values(['logFormat'])['logFormat'] as LogFormat | undefined
  }

  get settings(): Settings {
    if (this.#settled === undefined) throw new Error('no settings were read')
    return this.#settled.settings
  }

  async settle(command: Command): Promise<void> {
    const { settle } = await import('./settings/settle.ts')
    this.#settled = await settle(command, process.env)
    // What `dev` runs says it again.
    if (command.name() === 'dev') return
    for (const each of this.#settled.warnings) console.error(logLine('warn', {}, each, this.logFormat ?? 'text'))
  }
}

/** Returns the commands. @param argv what is given to the command line, which `dev` passes on as it is */
export function createProgram(argv: readonly string[], settling = new Settling()): Command {
  const program = new Command('millrace')
  program.hook('preAction', (_program, command) => settling.settle(command))
  program
    .description('Runs stream-processing applications written with Millrace.')
    .version(PACKAGE_VERSION)
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: () => {} })
    .exitOverride()

  const command = (name: string, options: CommandOptions, parent = program): Command =>
    addOptions(parent.command(name), options).argument(
      '<app>',
      'a .ts or .js file whose default export is defineApp(…)',
    )

  command('run', RUN)
    .description('Runs an application on an embedded log in this process, or on Kafka.')
    .action(async (app: string) => (await import('./run-command.ts')).runApp(app, settling.settings))

  command('dev', RUN)
    .description('Runs an application with its server, and again with its state when a file changes.')
    .action(async (app: string, options: RunOptions) =>
      (await import('./dev-command.ts')).developApp(app, options, argv.slice(1)),
    )

  command('reset', RESET)
    .description(
      'Resets the offsets of an application, and deletes its internal topics and state: it processes all input again.',
    )
    .action(async (app: string, options: ResetOptions) => (await import('./reset-command.ts')).resetApp(app, options))

  command('describe', DESCRIBE)
    .description('Prints the topology of an application, as Kafka Streams describes it.')
    .action(async (app: string, options: DescribeOptions) =>
      (await import('./describe-command.ts')).describeApp(app, options),
    )

  addOptions(program.command('diff'), DIFF)
    .argument('<old>', 'the version that runs: its .ts or .js file, or what describe --json printed, in a .json file')
    .argument('<new>', 'the version that is to run')
    .description('Compares two versions of an application: what becomes of stores, topics and tasks. Fails on a loss.')
    .action(async (before: string, after: string, options: DiffOptions) =>
      (await import('./diff-command.ts')).diffApps(before, after, options),
    )

  const letters = program
    .command('dead-letters')
    .description('Shows the records that an application put aside, and lets it process them again.')

  command('ls', LIST_LETTERS, letters)
    .description('Lists the dead letters of an application.')
    .action(async (app: string, options: ListLettersOptions) =>
      (await import('./dead-letters-command.ts')).listLetters(app, options),
    )

  command('show', SHOW_LETTER, letters)
    .argument('<id>', 'id of the dead letter, as ls shows it')
    .description('Shows a dead letter with its error, its headers, its key and its value.')
    .action(async (app: string, id: string, options: ShowLetterOptions) =>
      (await import('./dead-letters-command.ts')).showLetter(app, id, options),
    )

  command('replay', REPLAY_LETTERS, letters)
    .argument('[ids...]', 'ids of dead letters, as ls shows them')
    .description('Writes the records of dead letters to the topics that they came from, once.')
    .action(async (app: string, ids: readonly string[], options: ReplayLettersOptions) =>
      (await import('./dead-letters-command.ts')).replayLetters(app, ids, options),
    )

  addTopics(program.command('topics').description('Creates, shows, changes and deletes topics.'))
  addGroups(program.command('groups').description('Shows consumer groups, and changes where they go on.'))
  addLog(program.command('log').description('Copies the embedded log, and makes a log of a copy.'))

  addConnectors(program)

  addOptions(program.command('produce'), PRODUCE)
    .argument('<topic>', 'the topic to write to')
    .argument('[file]', 'file with the records; standard input, if it is not given')
    .description('Writes a record for each line of a file or of standard input to a topic.')
    .action(async (topic: string, file: string | undefined, options: ProduceOptions) =>
      (await import('./produce-command.ts')).produceRecords(topic, file, options),
    )

  addOptions(program.command('consume'), CONSUME)
    .argument('<topic>', 'the topic to read')
    .description('Prints the records of a topic, until it is interrupted.')
    .action(async (topic: string, options: ConsumeOptions) =>
      (await import('./consume-command.ts')).consumeTopic(topic, options),
    )

  addOptions(program.command('query'), QUERY_STORE)
    .argument('<store>', 'the name of a store')
    .argument('[key]', 'a key; without one, the rows of all keys')
    .description('Prints what a store of a running application holds.')
    .action(async (store: string, key: string | undefined, options: QueryOptions) =>
      (await import('./query-command.ts')).queryStore(store, key, options),
    )

  addOptions(program.command('status'), STATUS)
    .description('Shows what a running instance is and does, and what is wrong with it.')
    .action(async (options: StatusOptions) => (await import('./status-command.ts')).showStatus(options))

  addOptions(program.command('instances'), INSTANCES)
    .description('Shows where the instances of an application are, and which tasks each has.')
    .action(async (options: InstancesOptions) => (await import('./instances-command.ts')).showInstances(options))

  return program
}

function addTopics(topics: Command): void {
  addOptions(topics.command('create'), CREATE_TOPIC)
    .argument('<topic>', 'the name of the topic')
    .description('Creates a topic.')
    .action(async (topic: string, options: CreateTopicOptions) =>
      (await import('./topics-command.ts')).createTopic(topic, options),
    )

  addOptions(topics.command('list'), LIST_TOPICS)
    .description('Lists the topics, a name a line.')
    .action(async (options: ListTopicsOptions) => (await import('./topics-command.ts')).listTopics(options))

  addOptions(topics.command('describe'), DESCRIBE_TOPICS)
    .argument('[topics...]', 'names of topics; all, without one')
    .description('Shows what topics are, where their partitions are, and which offsets they hold.')
    .action(async (names: readonly string[], options: DescribeTopicsOptions) =>
      (await import('./topics-command.ts')).describeTopics(names, options),
    )

  addOptions(topics.command('alter'), ALTER_TOPIC)
    .argument('<topic>', 'the name of the topic')
    .description('Adds partitions to a topic, and changes its configs.')
    .action(async (topic: string, options: AlterTopicOptions) =>
      (await import('./topics-command.ts')).alterTopic(topic, options),
    )

  addOptions(topics.command('delete'), DELETE_TOPICS)
    .argument('<topics...>', 'names of topics')
    .description('Deletes topics with all their records.')
    .action(async (names: readonly string[], options: DeleteTopicsOptions) =>
      (await import('./topics-command.ts')).deleteTopics(names, options),
    )
}

function addGroups(groups: Command): void {
  addOptions(groups.command('list'), LIST_GROUPS)
    .description('Lists the groups, an id a line.')
    .action(async (options: ListGroupsOptions) => (await import('./groups-command.ts')).listGroups(options))

  addOptions(groups.command('describe'), DESCRIBE_GROUP)
    .argument('<group>', 'the id of the group')
    .description('Shows how far a group is in each partition, and who its members are.')
    .action(async (group: string, options: DescribeGroupOptions) =>
      (await import('./groups-command.ts')).describeGroup(group, options),
    )

  addOptions(groups.command('delete'), DELETE_GROUPS)
    .argument('<groups...>', 'ids of groups')
    .description('Deletes groups with their committed offsets.')
    .action(async (ids: readonly string[], options: DeleteGroupsOptions) =>
      (await import('./groups-command.ts')).deleteGroups(ids, options),
    )

  addOptions(groups.command('reset-offsets'), RESET_OFFSETS)
    .argument('<group>', 'the id of the group')
    .description('Shows where a group would go on, and with --execute makes it go on there.')
    .action(async (group: string, options: ResetOffsetsOptions) =>
      (await import('./groups-command.ts')).resetOffsets(group, options),
    )
}

function addLog(log: Command): void {
  addOptions(log.command('backup'), LOG)
    .argument('<directory>', 'the directory of the backup, which must be new')
    .description('Copies the embedded log as it is at one moment. An application that has it open goes on meanwhile.')
    .action(async (directory: string, options: LogOptions) =>
      (await import('./log-command.ts')).backUp(directory, options),
    )

  addOptions(log.command('restore'), LOG)
    .argument('<directory>', 'the directory of a backup')
    .description('Makes the embedded log of a new data directory from a backup.')
    .action(async (directory: string, options: LogOptions) =>
      (await import('./log-command.ts')).restore(directory, options),
    )
}

function addConnectors(program: Command): void {
  const what = 'a .ts or .js file whose default export is defineConnectors(…)'
  addOptions(program.command('connect'), CONNECT)
    .argument('<connectors>', what)
    .description('Runs sources and sinks on an embedded log in this process, or on Kafka.')
    .action(async (file: string, options: ConnectOptions) =>
      (await import('./connect-command.ts')).connect(file, options),
    )
  const connectors = program.command('connectors').description('Shows connectors, pauses them, and sets positions.')
  const command = (name: string, options: CommandOptions): Command =>
    addOptions(connectors.command(name), options).argument('<connectors>', what)
  const named = (name: string, options: CommandOptions): Command =>
    command(name, options).argument('<name>', 'the name of the connector')

  command('list', CONNECTORS_SHOWN)
    .description('Lists the connectors with their states, a line each.')
    .action(async (file: string, options: ConnectorsOptions) =>
      (await import('./connectors-command.ts')).listConnectors(file, options),
    )

  named('status', CONNECTORS_SHOWN)
    .description('Shows what the log knows of a connector.')
    .action(async (file: string, name: string, options: ConnectorsOptions) =>
      (await import('./connectors-command.ts')).showConnector(file, name, options),
    )

  named('positions', CONNECTORS_SHOWN)
    .description('Prints where a connector goes on, a partition a line.')
    .action(async (file: string, name: string, options: ConnectorsOptions) =>
      (await import('./connectors-command.ts')).showPositions(file, name, options),
    )

  named('pause', CONNECTORS_CHANGED)
    .description('Pauses a connector in all instances, until it is resumed.')
    .action(async (file: string, name: string, options: ConnectorsOptions) =>
      (await import('./connectors-command.ts')).pauseConnector(file, name, options),
    )

  named('resume', CONNECTORS_CHANGED)
    .description('Lets a paused connector go on.')
    .action(async (file: string, name: string, options: ConnectorsOptions) =>
      (await import('./connectors-command.ts')).resumeConnector(file, name, options),
    )

  named('set', CONNECTORS_CHANGED)
    .argument('<partition>', 'a source partition; TOPIC/PARTITION of a sink')
    .argument('<position>', 'the position as JSON; null to begin at the start; the next offset of a sink')
    .description('Sets where a paused connector goes on.')
    .action(async (file: string, name: string, partition: string, position: string, options: ConnectorsOptions) =>
      (await import('./connectors-command.ts')).setConnector(file, name, partition, position, options),
    )
}

/** Returns the format of messages before the options are parsed, and if they cannot be parsed. */
function logFormatOf(argv: readonly string[]): LogFormat {
  const at = argv.indexOf('--log-format')
  const given = at === -1 ? argv.find((each) => each.startsWith('--log-format='))?.slice(13) : argv[at + 1]
  return (given ?? process.env['MILLRACE_LOG_FORMAT']) === 'json' ? 'json' : 'text'
}

function usageError(error: CommanderError): MillraceError {
  if (error.code === 'commander.help') {
    return new MillraceError('MR_CLI_USAGE', 'no command was given', {
      hint: 'Run millrace --help to see the commands.',
    })
  }
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = rest.join(' ').replaceAll(/[()]/g, '').trim()
  return new MillraceError('MR_CLI_USAGE', message, {
    hint: `${suggestion === '' ? '' : `${suggestion} `}Run millrace COMMAND --help to see its options.`,
  })
}
