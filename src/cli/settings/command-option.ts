import { MillraceError } from '../../errors/millrace-error.ts'
import type { Option, Place } from '../../options/options.ts'

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
  /** True: it says what is to be done this time, and stands in the command line alone. */
  readonly once?: true
}

/** The options of a command by their names in code: `fromBeginning` is `--from-beginning`. */
export type CommandOptions = Readonly<Record<string, CommandOption>>

/** The values that a table of options yields. */
export type CommandValues<Table> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly isList: true }
    ? readonly ValueOf<Table[Name]>[]
    : ValueOf<Table[Name]>
}

type ValueOf<Row> = Row extends Option<infer T> ? NonNullable<T> : never

/** Returns the flag of an option: `--from-beginning`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`
}

/** Returns the environment variable of a setting: `MILLRACE_COMMIT_INTERVAL`. */
export function variableOf(name: string): string {
  return `MILLRACE_${name.replaceAll(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}`
}

/** Returns an option as it is typed: `--from-beginning`, `--data <dir>`; `--no-fsync` for what is so by default. */
export function flagsOf(name: string, { value, letter, default: byDefault }: CommandOption): string {
  const long = value === undefined && byDefault === true ? `--no-${flagOf(name).slice(2)}` : flagOf(name)
  const flag = letter === undefined ? long : `-${letter}, ${long}`
  return value === undefined ? flag : `${flag} <${value}>`
}

/** Returns the Markdown of the documentation as plain text. */
export function plainText(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '')
}

/** Reads a value that was given as text, of an argument or an environment variable. */
export function readText(row: CommandOption, text: string, place: Place): unknown {
  if (row.value === undefined) {
    if (text === 'true' || text === 'false') return row.read(text === 'true', place)
    throw place.refuse(text, 'Give true or false.')
  }
  const isNumber = /^(?:whole number|ms|bytes)/.test(row.type) && /^-?\d+$/.test(text)
  return row.read(isNumber ? Number(text) : text, place)
}

/** Reads a value that is data: of a file, or of a module. */
export function readValue(row: CommandOption, value: unknown, place: Place): unknown {
  if (row.isList !== true) return row.read(value, place)
  const list: readonly unknown[] = Array.isArray(value) ? value : String(value).split(',')
  return list.map((each, index) => row.read(typeof each === 'string' ? each.trim() : each, place.inner(`[${index}]`)))
}

/** Returns the error of a command line that was not understood. */
export function usageError(message: string, hint: string): MillraceError {
  return new MillraceError('MR_CLI_USAGE', message, { hint })
}
