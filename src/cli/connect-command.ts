import type { LogFormat, LogLevel } from '../application/log-line.ts'
import { isDefaultLogger } from '../application/stderr-logger.ts'
import { runConnectors, type Connectors, type ConnectorStatus } from '../connect/index.ts'
import { specsOf } from '../connect/define-connectors.ts'
import type { Log } from '../log/log.ts'
import { systemClock } from '../platform/clock.ts'
import { createMissingTopics } from './app-topics.ts'
import { ConsoleLogger } from './console-logger.ts'
import { Ending } from './ending.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { loadConnectors } from './load-connectors.ts'
import { openLog } from './open-log.ts'
import { withinPatience } from './patience.ts'
import { Terminal } from './terminal.ts'

export interface ConnectOptions extends KafkaAccess {
  readonly data: string
  readonly untilEnd?: boolean
  readonly instanceId?: string
  /** ms to run; without it, the run ends by a signal. */
  readonly for?: number
  /** ms to wait for the end. */
  readonly closeTimeout: number
  readonly logFormat: LogFormat
  readonly logLevel: LogLevel
}

/**
 * Runs `millrace connect`: runs connectors until a signal, the end of `--for`, or with `--until-end` until all that
 * there is has been read and written.
 *
 * @throws any error of loading, starting or running them
 */
export async function connect(file: string, options: ConnectOptions): Promise<void> {
  const given = await loadConnectors(file)
  const terminal = new Terminal(process.stderr)
  const own = new ConsoleLogger(terminal, options.logFormat, options.logLevel)
  const definition = isDefaultLogger(given.logger) ? { ...given, logger: own } : given
  const topics = topicsOf(definition)
  const log = await openLog(options, [...topics.sources, ...topics.sinks], own)
  const ending = new Ending(options.for)
  let failure: unknown
  try {
    await log.hold?.({ attach: true })
    if (log.kind === 'embedded') await createMissing(log, definition, own)
    await runUntilEnd(definition, log, ending, options)
  } catch (error) {
    failure = error
    throw error
  } finally {
    ending.stop()
    own.flush(failure)
    await log.close()
  }
}

async function runUntilEnd(definition: Connectors, log: Log, ending: Ending, options: ConnectOptions): Promise<void> {
  const { untilEnd = false, instanceId, closeTimeout } = options
  const { logger } = definition
  const started = systemClock.monotonic()
  const named = instanceId === undefined ? {} : { instanceId }
  const running = await runConnectors(definition, { log, untilEnd, ...named })
  const reason = await Promise.race([ending.due, running.closed.then(() => 'everything is read and written')])
  logger.info({ reason }, 'closing')
  const waiting = {
    timeout: closeTimeout,
    passed: 0,
    what: () => 'connectors that have to commit',
    say: (what: string) => logger.info({ for: what }, 'closing takes long; waiting'),
  }
  await withinPatience(running.close(), waiting)
  for (const status of running.status()) logger.info(endOf(status), 'done')
  logger.info({ elapsed: systemClock.monotonic() - started }, 'all connectors have ended')
}

function endOf({ name, records, commits, bad, retries, redone }: ConnectorStatus): object {
  return { connector: name, records, commits, bad, retries, redone }
}

function topicsOf(definition: Connectors): { readonly sources: readonly string[]; readonly sinks: readonly string[] } {
  const written = new Set(definition.deadLetterTopic === undefined ? [] : [definition.deadLetterTopic])
  const read = new Set<string>()
  for (const spec of specsOf(definition)) {
    if (spec.kind === 'sink') for (const { name } of spec.topics) read.add(name)
    else if (spec.topicOptions === undefined) written.add(spec.topic.name)
  }
  return { sources: [...read].toSorted(), sinks: [...written].toSorted() }
}

/** Creates the topics that an embedded log lacks, since nobody else can; those with options of their own come later. */
async function createMissing(log: Log, definition: Connectors, logger: ConsoleLogger): Promise<void> {
  const own = new Set(
    specsOf(definition).flatMap((spec) => ('topic' in spec && spec.topicOptions ? spec.topic.name : [])),
  )
  const { sources, sinks } = topicsOf(definition)
  const { names, partitions } = await createMissingTopics(log, {
    sources: sources.filter((name) => !own.has(name)),
    sinks,
  })
  if (names.length > 0) logger.info({ topics: names, partitions }, 'created the topics that the log lacked')
}
