import type { Logger } from '../application/application.ts'
import { carefulLogger } from '../application/careful-logger.ts'
import { defaultLogger } from '../application/stderr-logger.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { having, nearestOf, option, Place, readOptions, text, type TableOf } from '../options/options.ts'
import { nameOf, type Connector } from './definition/connector.ts'
import type { SinkSpec } from './definition/sink.ts'
import type { SourceSpec } from './definition/source.ts'

/** What `defineConnectors` is given. */
export interface ConnectorsConfig {
  /**
   * Name of the whole: 1 to 100 of the characters A-Z, a-z, 0-9, `.`, `_` and `-`. Each connector has a group
   * `<id>-<name>`.
   */
  readonly id: string
  /** The sources and sinks, each with a name of its own. */
  readonly connectors: readonly Connector[]
  /** Topic of the records for which `onError` says `deadLetter` (KIP-1034). It must exist. */
  readonly deadLetterTopic?: string
  /** A logger with pino's methods; if not given, warnings and errors go to standard error, a line each. */
  readonly logger?: Logger
}

/** Sources and sinks that run together, made by `defineConnectors`. */
export interface Connectors {
  readonly id: string
  readonly connectors: readonly Connector[]
  readonly deadLetterTopic: string | undefined
  readonly logger: Logger
}

/** A source or sink with its options. */
export type Spec = SourceSpec | SinkSpec

export const DEFINE_CONNECTORS = {
  id: nameOf('whole'),
  connectors: option<readonly Spec[]>(
    'list of sources and sinks',
    { required: true, description: 'what `defineSource` and `defineSink` return' },
    (value, place) => {
      if (!Array.isArray(value) || value.length === 0)
        throw place.refuse(value, 'Give a list of what defineSource() and defineSink() return.')
      const names = new Set<string>()
      for (const [index, connector] of value.entries()) checkConnector(connector, names, place.inner(`[${index}]`))
      return [...value] as Spec[]
    },
  ),
  deadLetterTopic: text({
    description: "topic of the records for which `onError` says `'deadLetter'`. It must exist",
    kafka: 'errors.deadletterqueue.topic.name',
  }),
  logger: having<Logger>('logger', ['debug', 'info', 'warn', 'error'], 'a logger of the shape of pino', {
    default: defaultLogger,
    defaultText: 'standard error, from warnings on',
    description: 'where messages go',
  }),
} satisfies TableOf<ConnectorsConfig>

function checkConnector(value: unknown, names: Set<string>, place: Place): void {
  const connector = value as Partial<Spec> | null | undefined
  if (typeof connector !== 'object' || connector === null || (connector.kind !== 'source' && connector.kind !== 'sink'))
    throw place.refuse(value, 'Give what defineSource() or defineSink() returns.')
  const { name = '' } = connector
  if (names.has(name)) throw place.inner('.name').refuse(name, 'Give each connector a name of its own.')
  names.add(name)
}

/**
 * Defines sources and sinks that run together. `millrace connect` runs them from a file whose default export they are,
 * `runConnectors` in a program, and `connectors` hangs them on an application.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible
 * @example
 * ```ts
 * export default defineConnectors({ id: 'shop', connectors: [buoys, search] })
 * ```
 */
export function defineConnectors(config: ConnectorsConfig): Connectors {
  const { logger, ...options } = readOptions(DEFINE_CONNECTORS, config, 'defineConnectors()')
  for (const { name, onError } of options.connectors)
    if (onError === 'deadLetter' && options.deadLetterTopic === undefined)
      throw new Place('defineConnectors()', 'deadLetterTopic', DEFINE_CONNECTORS.deadLetterTopic).missing(
        `Name the topic: connector "${name}" says onError: 'deadLetter'.`,
      )
  return { ...options, logger: logger === defaultLogger ? logger : carefulLogger(logger) }
}

/** The connectors with their options. */
export function specsOf(definition: Connectors): readonly Spec[] {
  return definition.connectors as readonly Spec[]
}

/** Group of the instances of a connector, and the beginning of the names of its topics. */
export function groupOf(definition: Connectors, name: string): string {
  return `${definition.id}-${name}`
}

/** Returns a connector by its name. @throws MR_CONNECTOR_UNKNOWN, with the name that was probably meant */
export function knownConnector(definition: Connectors, name: string): Spec {
  const specs = specsOf(definition)
  const found = specs.find((spec) => spec.name === name)
  if (found !== undefined) return found
  const names = specs.map((spec) => spec.name)
  const near = nearestOf(name, names)
  throw new MillraceError('MR_CONNECTOR_UNKNOWN', `${definition.id} has no connector "${name}"`, {
    hint: near === undefined ? `Its connectors are: ${names.join(', ')}.` : `Did you mean ${near}?`,
  })
}
