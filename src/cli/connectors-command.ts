import type { LogFormat } from '../application/log-line.ts'
import { setPaused } from '../connect/controls.ts'
import { knownConnector } from '../connect/define-connectors.ts'
import type { Connectors } from '../connect/index.ts'
import { describeConnectors, setPosition, type ConnectorDescription } from '../connect/manage.ts'
import type { Log } from '../log/log.ts'
import { systemClock } from '../platform/clock.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { loadConnectors } from './load-connectors.ts'
import { note } from './note.ts'
import { withLog } from './open-log.ts'
import { printed } from './print-all.ts'
import { usageError } from './settings/command-option.ts'
import { columns, namedLines } from './text.ts'

export interface ConnectorsOptions extends KafkaAccess {
  readonly data: string
  readonly logFormat: LogFormat
}

type Shown = ConnectorsOptions & { readonly json?: boolean }

/** ms for which `pause` waits until no instance has the connector any more. */
const PATIENCE = 10_000
const POSITIONS = ['PARTITION', 'POSITION', 'LAG']
/** ms between two looks. */
const LOOK = 100

/** Runs `millrace connectors list`: a connector a line. */
export async function listConnectors(file: string, options: Shown): Promise<void> {
  await withConnectors(file, options, async (log, definition) => {
    const all = await describeConnectors(log, definition)
    if (options.json === true) return await print(...all.map((each) => JSON.stringify(each)))
    const head = ['NAME', 'KIND', 'GUARANTEE', 'STATE', 'MEMBERS', 'LAG']
    await print(columns(head, all.map(rowOf)))
  })
}

/** Runs `millrace connectors status`: what the log knows of one connector. @throws MR_CONNECTOR_UNKNOWN */
export async function showConnector(file: string, name: string, options: Shown): Promise<void> {
  await withConnectors(file, options, async (log, definition) => {
    const { positions, ...found } = await describeOne(log, definition, name)
    if (options.json === true) return await print(JSON.stringify({ ...found, positions }))
    const facts = Object.entries(found).map(([key, value]) => [key, String(value)])
    await print(namedLines(facts), columns(POSITIONS, positions.map(lineOf)))
  })
}

/** Runs `millrace connectors positions`: where a connector goes on, a partition a line. @throws MR_CONNECTOR_UNKNOWN */
export async function showPositions(file: string, name: string, options: Shown): Promise<void> {
  await withConnectors(file, options, async (log, definition) => {
    const { positions } = await describeOne(log, definition, name)
    if (options.json === true) return await print(...positions.map((each) => JSON.stringify(each)))
    await print(columns(POSITIONS, positions.map(lineOf)))
  })
}

/** Runs `millrace connectors pause`, and waits until no instance has the connector. @throws MR_CONNECTOR_UNKNOWN */
export async function pauseConnector(file: string, name: string, options: ConnectorsOptions): Promise<void> {
  await withConnectors(file, options, async (log, definition) => {
    knownConnector(definition, name)
    await setPaused(log, definition.id, name, true)
    const until = systemClock.monotonic() + PATIENCE
    for (;;) {
      const { members } = await describeOne(log, definition, name)
      if (members === 0) return note(`${name} is paused`, options.logFormat)
      if (systemClock.monotonic() > until)
        return note(`${name} is to pause; ${members} members have it still`, options.logFormat)
      await new Promise<void>((resolve) => setTimeout(resolve, LOOK))
    }
  })
}

/** Runs `millrace connectors resume`. @throws MR_CONNECTOR_UNKNOWN */
export async function resumeConnector(file: string, name: string, options: ConnectorsOptions): Promise<void> {
  await withConnectors(file, options, async (log, definition) => {
    knownConnector(definition, name)
    await setPaused(log, definition.id, name, false)
    note(`${name} goes on`, options.logFormat)
  })
}

/** Runs `millrace connectors set`. @throws as `setPosition`; MR_CLI_USAGE for a position that is no JSON */
export async function setConnector(
  file: string,
  name: string,
  partition: string,
  position: string,
  options: ConnectorsOptions,
): Promise<void> {
  const value = parsed(position)
  await withConnectors(file, options, async (log, definition) => {
    await setPosition(log, definition, name, partition, value)
    note(`${name} goes on at ${position} in ${partition}`, options.logFormat)
  })
}

function parsed(position: string): unknown {
  try {
    return JSON.parse(position)
  } catch {
    throw usageError(
      `the position ${JSON.stringify(position)} is no JSON`,
      `Quote it for the shell: '{"row":12}', 120, null.`,
    )
  }
}

async function describeOne(log: Log, definition: Connectors, name: string): Promise<ConnectorDescription> {
  knownConnector(definition, name)
  return (await describeConnectors(log, definition)).find((each) => each.name === name)!
}

function rowOf({ name, kind, guarantee, state, members, positions }: ConnectorDescription): string[] {
  const lag = positions.reduce((sum, { lag: each = 0 }) => sum + each, 0)
  return [name, kind, guarantee, state, String(members), kind === 'sink' ? String(lag) : '-']
}

function lineOf({ partition, position, lag }: ConnectorDescription['positions'][number]): string[] {
  return [partition, position, lag === undefined ? '-' : String(lag)]
}

async function print(...lines: readonly string[]): Promise<void> {
  await printed(lines.map((line) => `${line}\n`).join(''))
}

async function withConnectors(
  file: string,
  options: ConnectorsOptions,
  act: (log: Log, definition: Connectors) => Promise<void>,
): Promise<void> {
  const definition = await loadConnectors(file)
  await withLog(options, [], (log) => act(log, definition))
}
