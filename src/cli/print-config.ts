import { plainText, type CommandOption } from './settings/command-option.ts'
import { SETTINGS } from './settings/run-settings.ts'
import type { Given, Settings } from './settings/settings.ts'
import { columns, printable } from './text.ts'

/** What is shown in place of a secret. */
const MASK = '****'

/** A setting as `--print-config` shows it. */
interface ShownSetting {
  readonly name: string
  /** As it was written; null for one without a value. */
  readonly value: unknown
  readonly source: string
  readonly origin: string
}

/** Returns the settings as lines of name, value and where it comes from. */
export function configText({ given }: Settings): string {
  const rows = Object.entries<CommandOption>(SETTINGS)
    .filter(([name, row]) => row.once !== true && (row.secret !== true || given.has(name)))
    .map(([name, row]) => {
      const found = given.get(name)
      const value = found === undefined ? defaultText(row) : textOf(shownValue(row, found))
      return [name, printable(value), found?.origin ?? 'default']
    })
  return columns(['setting', 'value', 'from'], rows)
}

/** Returns the settings as JSON. */
export function configJson({ given }: Settings): string {
  const shown = Object.entries<CommandOption>(SETTINGS)
    .filter(([, row]) => row.once !== true)
    .map(([name, row]): ShownSetting => {
      const found = given.get(name)
      if (found === undefined) return { name, value: row.default ?? null, source: 'default', origin: 'default' }
      return { name, value: shownValue(row, found), source: found.source, origin: found.origin }
    })
  return JSON.stringify({ settings: shown }, undefined, 2)
}

function shownValue({ secret }: CommandOption, { written }: Given): unknown {
  return secret === true ? MASK : written
}

function defaultText({ default: value, defaultText: text }: CommandOption): string {
  if (text !== undefined) return plainText(text)
  return value === undefined ? 'none' : textOf(value)
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
