import { MillraceError } from '../../errors/millrace-error.ts'
import { nearestName, Place } from '../../options/options.ts'
import type { Companion } from '../../runtime/companion.ts'
import { STREAMS_START, type StreamsOptions } from '../../runtime/streams-options.ts'
import { readValue, variableOf, type CommandOptions } from './command-option.ts'
import { isSecret, OF_KAFKA } from './connection-settings.ts'
import { APPLICATION, RUN } from './run-settings.ts'
import type { Given, GivenSettings } from './settings.ts'

/** What only a module can say about a run. */
export interface CodeOptions {
  readonly companions?: readonly Companion[]
  readonly onState?: NonNullable<StreamsOptions['onState']>
  readonly onRestore?: NonNullable<StreamsOptions['onRestore']>
}

const IN_CODE = ['companions', 'onState', 'onRestore'] as const

/** What `export const options` of a module says. */
export interface ModuleOptions {
  readonly settings: GivenSettings
  readonly code: CodeOptions
}

/**
 * Reads `export const options` of a module: settings by their names, and what cannot be said in words.
 *
 * @throws MR_CLI_CONFIG that names the module
 */
export function readModuleOptions(options: unknown, file: string): ModuleOptions {
  const settings = new Map<string, Given>()
  const code: Record<string, unknown> = {}
  if (options === undefined) return { settings, code }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refused(
      `the options that ${file} exports are no object`,
      'Write export const options = { commitInterval: … }.',
    )
  }
  for (const [name, written] of Object.entries(options)) {
    if (written === undefined) continue
    const place = `options.${name} of ${file}`
    const inCode = IN_CODE.find((each) => each === name)
    if (inCode !== undefined) {
      code[name] = STREAMS_START[inCode].read(written, new Place('millrace', name, CODED, {}, place))
      continue
    }
    requireKnown(name, place)
    const row = (RUN as CommandOptions)[name]!
    const value = readValue(row, written, new Place('millrace', name, { ...row, code: 'MR_CLI_CONFIG' }, {}, place))
    settings.set(name, { value, written, source: 'module', origin: `options of ${file}`, place })
  }
  return { settings, code }
}

const CODED = { description: 'an option in code', code: 'MR_CLI_CONFIG' }

function requireKnown(name: string, place: string): void {
  const row = Object.hasOwn(RUN, name) ? (RUN as CommandOptions)[name] : undefined
  if (row === undefined) {
    const near = nearestName(name, { ...RUN, ...STREAMS_START })
    throw refused(
      `${place} is no setting`,
      near === undefined
        ? 'Give settings by their names, as millrace run --print-config shows them.'
        : `Did you mean ${near}?`,
    )
  }
  if (row.once === true) throw refused(`${place} is no setting`, 'Give it in the command line, when it is wanted.')
  if (isSecret(row)) {
    throw refused(
      `${place} is a secret`,
      `Give it in a file by ${name}File, or in the environment as ${variableOf(name)}.`,
    )
  }
}

/** Returns the options of `defineApp` that are settings, as the module gives them. */
export function appSettings(options: Readonly<Record<string, unknown>> | undefined, file: string): GivenSettings {
  const names = Object.keys(APPLICATION).filter((name) => options?.[name] !== undefined)
  return new Map(
    names.map((name): readonly [string, Given] => {
      const written = options?.[name]
      const shown = typeof written === 'function' ? 'a function' : written
      const origin = `defineApp() of ${file}`
      return [name, { value: shown, written: shown, source: 'module', origin, place: origin }]
    }),
  )
}

/** Returns the settings that a log of the module has, for whoever looks at them: it is made of them already. */
export function logSettings(options: object | undefined, file: string): GivenSettings {
  const given = new Map<string, Given>()
  const origin = `log of ${file}`
  const set = (name: string, written: unknown): void => {
    const shown = typeof written === 'function' ? 'a function' : written
    given.set(name, { value: shown, written: shown, source: 'module', origin, place: origin })
  }
  if (options === undefined) return given
  const { brokers, tls, sasl, ...others } = options as Readonly<Record<string, unknown>>
  set('kafka', brokers)
  for (const name of OF_KAFKA) if (others[name] !== undefined) set(name, others[name])
  if (tls !== undefined) set('kafkaTls', tls !== false)
  const { mechanism, username, password, token } = (sasl ?? {}) as Readonly<Record<string, unknown>>
  const login = { kafkaSasl: mechanism, kafkaUser: username, kafkaPassword: password, kafkaToken: token }
  for (const [name, written] of Object.entries(login)) if (written !== undefined) set(name, written)
  return given
}

function refused(message: string, hint: string): MillraceError {
  return new MillraceError('MR_CLI_CONFIG', message, { hint })
}
