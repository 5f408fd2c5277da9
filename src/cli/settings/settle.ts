import type { Command } from 'commander'
import { flagOf, type CommandOptions } from './command-option.ts'
import { CONFIG_VARIABLE, readEnvironment, unknownVariables, type Environment } from './environment.ts'
import { isSecret, kafka, KAFKA_LOGIN } from './connection-settings.ts'
import { CLIENT, RUN } from './run-settings.ts'
import { Settings, type Given, type GivenSettings } from './settings.ts'

/** The settings of a command, and what is to be said of its environment. */
export interface Settled {
  readonly settings: Settings
  readonly warnings: readonly string[]
}

/**
 * Reads the settings of a command: by flags, else from the environment, else from the file of `--config` or
 * MILLRACE_CONFIG. What no flag gave becomes a value of the command, as if one had.
 *
 * @throws MR_CLI_CONFIG for what the environment or the file says and cannot be
 */
export async function settle(command: Command, environment: Environment): Promise<Settled> {
  const table: CommandOptions = Object.fromEntries(usedBy(command).map((name) => [name, KNOWN[name]!]))
  const flags = flagsOf(command)
  const file = fileOf(command, environment)
  const settings = new Settings(table, [
    flags,
    readEnvironment(table, environment),
    ...(file === undefined ? [] : [await readFile(file, table)]),
  ])
  for (const [name, { value, source }] of settings.given) {
    if (source !== 'flag') command.setOptionValueWithSource(name, value, source)
  }
  // Defaults are those of `kafka`: given, these options would ask for brokers.
  for (const name of Object.keys(OF_BROKERS)) {
    if (command.getOptionValueSource(name) === 'default') command.setOptionValue(name, undefined)
  }
  command.setOptionValue('nameOf', settings.nameOf)
  return { settings, warnings: unknownVariables(KNOWN, environment) }
}

function flagsOf(command: Command): GivenSettings {
  const given = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) === 'cli')
  return new Map(
    given.map(([name, value]): readonly [string, Given] => {
      const place = value === false ? flagOf(`no-${name}`) : flagOf(name)
      return [name, { value, written: value, source: 'flag', origin: place, place }]
    }),
  )
}

/** Returns the file of settings, with what names it. */
function fileOf(command: Command, environment: Environment): readonly [file: string, from: string] | undefined {
  const byFlag: unknown = command.opts()['config']
  // Some commands have another option of this name.
  if (typeof byFlag === 'string') return [byFlag, '--config']
  const file = environment[CONFIG_VARIABLE] ?? ''
  return file === '' ? undefined : [file, CONFIG_VARIABLE]
}

async function readFile([file, from]: readonly [string, string], used: CommandOptions): Promise<GivenSettings> {
  const { readSettingsFile } = await import('./settings-file.ts')
  return readSettingsFile(file, from, KNOWN, new Set(Object.keys(used)))
}

/** Returns the names of the settings that a command uses: all of them for `run`, else those of where it asks. */
function usedBy(command: Command): readonly string[] {
  const options = new Set(command.options.map((each) => each.attributeName()))
  if (options.has('printConfig')) return Object.keys(RUN)
  // Without an application, it is no group that is asked, but an instance.
  const isOfInstance = options.has('app') && command.opts()['app'] === undefined
  const isUsed = (name: string): boolean => options.has(name) || (isSecretOf(name) && options.has(`${name}File`))
  return Object.keys(CLIENT).filter((name) => isUsed(name) && !(isOfInstance && Object.hasOwn(OF_BROKERS, name)))
}

function isSecretOf(name: string): boolean {
  return isSecret(CLIENT[name as keyof typeof CLIENT])
}

/** What says nothing where no broker is asked. */
const OF_BROKERS = { kafka, ...KAFKA_LOGIN }

/** Every setting that there is, of whatever command. */
const KNOWN: CommandOptions = { ...CLIENT, ...RUN }
