import { MillraceError } from '../../errors/millrace-error.ts'
import { flagOf, type CommandOptions } from './command-option.ts'

/** Where a value comes from, the first one first: it wins over those after it. */
export const SOURCES = ['flag', 'environment', 'file', 'module', 'default'] as const

export type Source = (typeof SOURCES)[number]

/** A setting that was given, with its value as it was read, and as it was written. */
export interface Given {
  readonly value: unknown
  readonly written: unknown
  readonly source: Source
  /** Where it was written: `--threads`, `MILLRACE_THREADS`, `app.yaml:3`. */
  readonly origin: string
  /** As errors name it: `--threads`, `MILLRACE_THREADS`, `threads in app.yaml:3`. */
  readonly place: string
}

/** Settings by name, of one source or of several. */
export type GivenSettings = ReadonlyMap<string, Given>

/** The settings that a command was given, each by the first of the places that has it. */
export class Settings {
  readonly given: GivenSettings
  readonly #table: CommandOptions

  /**
   * @param sources the first one first
   * @throws MR_CLI_CONFIG if one place gives both a secret and the file of it
   */
  constructor(table: CommandOptions, sources: readonly GivenSettings[]) {
    const given = new Map<string, Given>()
    for (const source of sources) for (const [name, each] of source) if (!given.has(name)) given.set(name, each)
    for (const name of Object.keys(table)) chooseSecret(given, name, `${name}File`)
    this.given = given
    this.#table = table
  }

  /** Returns these settings over those of other places. */
  over(...others: readonly GivenSettings[]): Settings {
    return new Settings(this.#table, [this.given, ...others])
  }

  /** Names a setting as it was given; by its flag, if it was not. */
  readonly nameOf = (name: string): string => this.given.get(name)?.place ?? flagOf(name)

  /**
   * Returns the values by name.
   *
   * @param defaults names of settings that have the default of the table where they were not given
   */
  values(defaults: readonly string[]): Readonly<Record<string, unknown>> {
    const own = defaults.map((name) => [name, this.#table[name]?.default])
    return {
      ...Object.fromEntries(own),
      ...Object.fromEntries([...this.given].map(([name, { value }]) => [name, value])),
    }
  }

  /** Returns some of the values: those that were given. */
  pick(names: Iterable<string>): Readonly<Record<string, unknown>> {
    const found = [...names].filter((name) => this.given.has(name))
    return Object.fromEntries(found.map((name) => [name, this.given.get(name)!.value]))
  }

  /** Returns an error of a function that was given settings, with the places of those that it names. */
  placed(error: unknown): unknown {
    if (!(error instanceof MillraceError) || error.code !== 'MR_CONFIG') return error
    const words = new Set(error.message.match(/[\w.]+/g))
    const places = [...this.given].filter(([name]) => words.has(name)).map(([, { place }]) => place)
    if (places.length === 0) return error
    return new MillraceError('MR_CLI_CONFIG', `${error.message} (from ${places.join(', ')})`, { hint: error.hint })
  }
}

/** Leaves of a secret and its file the one that wins. */
function chooseSecret(given: Map<string, Given>, name: string, file: string): void {
  const [itself, inFile] = [given.get(name), given.get(file)]
  if (itself === undefined || inFile === undefined) return
  if (itself.source === inFile.source) {
    throw new MillraceError('MR_CLI_CONFIG', `both ${itself.place} and ${inFile.place} are set`, {
      hint: 'Leave one of them out.',
    })
  }
  given.delete(SOURCES.indexOf(itself.source) < SOURCES.indexOf(inFile.source) ? file : name)
}
