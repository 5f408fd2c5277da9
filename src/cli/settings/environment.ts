import { nearestOf, Place } from '../../options/options.ts'
import { flagOf, readText, variableOf, type CommandOption, type CommandOptions } from './command-option.ts'
import type { Given, GivenSettings } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that names the file of settings. */
export const CONFIG_VARIABLE = 'MILLRACE_CONFIG'

/** Variables that Kubernetes gives every pod for a Service called `millrace`, or `millrace-…`. */
const OF_SERVICES = /_SERVICE_|_PORT/

/**
 * Reads settings from the environment. A variable that is empty counts as not set.
 *
 * @throws MR_CLI_CONFIG that names the variable
 */
export function readEnvironment(table: CommandOptions, environment: Environment): GivenSettings {
  const found = new Map<string, Given>()
  for (const [name, row] of Object.entries(table)) {
    const variable = variableOf(name)
    const text = environment[variable] ?? ''
    if (text === '' || row.once === true) continue
    const value = readVariable(name, row, text, variable)
    found.set(name, { value, written: text, source: 'environment', origin: variable, place: variable })
  }
  return found
}

function readVariable(name: string, row: CommandOption, text: string, variable: string): unknown {
  const place = new Place('millrace', name, { ...row, code: 'MR_CLI_CONFIG' }, {}, variable)
  if (row.isList !== true) return readText(row, text, place)
  return text.split(',').map((each) => readText(row, each.trim(), place))
}

/** Returns a warning for each variable that begins as those of settings do, and is none. */
export function unknownVariables(table: CommandOptions, environment: Environment): readonly string[] {
  const settings = Object.entries(table).filter(([, row]) => row.once !== true)
  const known = new Set([...settings.map(([name]) => variableOf(name)), CONFIG_VARIABLE])
  const flags = new Map(Object.entries(table).map(([name]) => [variableOf(name), flagOf(name)]))
  return Object.keys(environment)
    .filter((name) => name.startsWith('MILLRACE_') && environment[name] !== '')
    .filter((name) => !known.has(name) && !OF_SERVICES.test(name))
    .map((name) => {
      const flag = flags.get(name)
      if (flag !== undefined) return `${name} is not read: ${flag} stands in the command line alone`
      const near = nearestOf(
        name.slice('MILLRACE_'.length),
        [...known].map((each) => each.slice('MILLRACE_'.length)),
      )
      return `${name} is no setting, and was not read${near === undefined ? '' : `. Did you mean MILLRACE_${near}?`}`
    })
}
