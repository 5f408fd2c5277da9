import { readFileSync } from 'node:fs'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { MillraceError, propertyOf } from '../../errors/millrace-error.ts'
import { nearestName, Place } from '../../options/options.ts'
import { readValue, variableOf, type CommandOption, type CommandOptions } from './command-option.ts'
import { isSecret } from './connection-settings.ts'
import type { Given, GivenSettings } from './settings.ts'

/**
 * Reads a file of settings: YAML, of which JSON is a part, with the names of settings as keys.
 *
 * @param table all settings that there are
 * @param used names of those that the command uses: the values of others are not read
 * @param from as errors name what named the file: `--config`
 * @throws MR_CLI_CONFIG that names the file and the line
 */
export function readSettingsFile(
  file: string,
  from: string,
  table: CommandOptions,
  used: ReadonlySet<string>,
): GivenSettings {
  const lines = new LineCounter()
  const document = parseDocument(textOf(file, from), { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`
  const [error] = document.errors
  if (error !== undefined) throw refused(`${at(error.pos[0])} is no YAML: ${error.message}`, 'Correct that line.')
  const { contents } = document
  const found = new Map<string, Given>()
  if (contents === null) return found
  if (!isMap(contents)) throw refused(`${file} holds no settings`, 'Write a setting a line, as in threads: 2.')
  for (const { key, value } of contents.items) {
    const name = isScalar(key) ? String(key.value) : String(key)
    const line = at(isScalar(key) ? (key.range?.[0] ?? 0) : 0)
    const row = knownRow(table, name, line)
    const place = `${name} in ${line}`
    const written: unknown = isScalar(value) ? value.value : (value as { toJSON(): unknown } | null)?.toJSON()
    if (written === null || written === undefined || !used.has(name)) continue
    const read = readValue(row, written, new Place('millrace', name, { ...row, code: 'MR_CLI_CONFIG' }, {}, place))
    found.set(name, { value: read, written, source: 'file', origin: line, place })
  }
  return found
}

/** @throws MR_CLI_CONFIG for a name that is no setting, or none that a file may hold */
function knownRow(table: CommandOptions, name: string, line: string): CommandOption {
  const row = Object.hasOwn(table, name) ? table[name] : undefined
  if (row === undefined) {
    const near = nearestName(name, table)
    const hint = 'The names are those of the flags of millrace run, as in commitInterval for --commit-interval.'
    throw refused(`${name} in ${line} is no setting`, near === undefined ? hint : `Did you mean ${near}?`)
  }
  if (isSecret(row)) {
    throw refused(
      `${name} in ${line} is a secret, which no file of settings may hold`,
      `Give it in a file of its own by ${name}File, or in the environment as ${variableOf(name)}.`,
    )
  }
  if (row.once !== true) return row
  throw refused(`${name} in ${line} is no setting`, 'Give it in the command line, when it is wanted.')
}

function textOf(file: string, from: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw refused(
      `the file ${file} of ${from} cannot be read: ${String(propertyOf(cause, 'code') ?? 'error')}`,
      'Give the path of a file that you may read, relative to the current directory.',
    )
  }
}

function refused(message: string, hint: string): MillraceError {
  return new MillraceError('MR_CLI_CONFIG', message, { hint })
}
