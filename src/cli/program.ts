import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { MillraceError } from '../errors.ts'
import { formatError } from './cli-error.ts'
import type { LogFormat } from './cli-error.ts'
import type { DescribeOptions } from './describe.ts'
import { parseBrokers, parseThreads, parseTime } from './options.ts'
import type { ResetOptions } from './reset.ts'
import type { RunOptions } from './run.ts'

/** Exit codes: what was asked was done; it failed; it was not understood. */
export const EXIT_DONE = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** Runs the command line; answers the exit code. Errors have been printed by then. Loads only what the command needs. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = createProgram()
  try {
    await program.parseAsync(argv, { from: 'user' })
    return EXIT_DONE
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version, which were asked for and printed.
      if (error.exitCode === 0) return EXIT_DONE
      console.error(formatError(usageError(error), logFormatOf(argv)))
      return EXIT_USAGE
    }
    console.error(formatError(error, logFormatOf(argv)))
    return error instanceof MillraceError && error.code === 'MR_CLI_USAGE' ? EXIT_USAGE : EXIT_FAILED
  }
}

function createProgram(): Command {
  const program = new Command('millrace')
  program
    .description('Runs stream-processing applications written with Millrace.')
    .version(packageVersion())
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: () => {} })
    .exitOverride()

  program
    .command('run')
    .description('Runs an application: on an embedded log in this process, or on Kafka.')
    .argument('<app>', 'a .ts or .js file whose default export is defineApp(…)')
    .option('--kafka <brokers>', 'HOST:PORT,… of Kafka brokers; without it, an embedded log under --data', parseBrokers)
    .option('--data <dir>', 'directory of the state and the embedded log', '.millrace')
    .option(
      '--threads <n>',
      'stream threads, in place of what the app says; on Kafka one of the CPU each',
      parseThreads,
    )
    .addOption(
      new Option('--group-protocol <protocol>', 'how Kafka members share tasks; auto if not given').choices([
        'auto',
        'streams',
        'classic',
      ]),
    )
    .option('--for <time>', 'end after this time: 20s, 5m, 1h, 30d', parseTime)
    .option('--accept-loss', 'open an embedded log that lost data with what is left of it')
    .option('--from-beginning', 'forget state and offsets on the embedded log, and process all input again')
    .addOption(logFormatOption())
    .action(async (app: string, options: RunOptions) => (await import('./run.ts')).runApp(app, options))

  program
    .command('reset')
    .description('Makes an application forget offsets, internal topics and state: it processes all its input again.')
    .argument('<app>', 'a .ts or .js file whose default export is defineApp(…)')
    .option('--kafka <brokers>', 'HOST:PORT,… of Kafka brokers; without it, an embedded log under --data', parseBrokers)
    .option('--data <dir>', 'directory of the state and the embedded log', '.millrace')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show what would be done, and do nothing')
    .addOption(logFormatOption())
    .action(async (app: string, options: ResetOptions) => (await import('./reset.ts')).resetApp(app, options))

  program
    .command('describe')
    .description('Prints the topology of an application, as Kafka Streams describes it.')
    .argument('<app>', 'a .ts or .js file whose default export is defineApp(…)')
    .addOption(new Option('--json', 'as JSON').conflicts('mermaid'))
    .option('--mermaid', 'as a Mermaid flowchart')
    .addOption(logFormatOption())
    .action(async (app: string, options: DescribeOptions) => (await import('./describe.ts')).describeApp(app, options))

  return program
}

function logFormatOption(): Option {
  return new Option('--log-format <format>', 'of messages and errors').choices(['text', 'json']).default('text')
}

/** Known before the options are parsed, and when they cannot be. */
function logFormatOf(argv: readonly string[]): LogFormat {
  const at = argv.indexOf('--log-format')
  return argv[at + 1] === 'json' || argv.includes('--log-format=json') ? 'json' : 'text'
}

function usageError(error: CommanderError): MillraceError {
  if (error.code === 'commander.help') {
    return new MillraceError('MR_CLI_USAGE', 'no command was given', { hint: 'millrace --help shows the commands' })
  }
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = rest.join(' ').replaceAll(/[()]/g, '').trim()
  return new MillraceError('MR_CLI_USAGE', message, {
    hint: `${suggestion === '' ? '' : `${suggestion} `}millrace COMMAND --help shows what there is`,
  })
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(text)
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : ''
  return String(known)
}
