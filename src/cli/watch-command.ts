import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import { nameOfEnd, printOf, ShownRows } from '../query/shown-rows.ts'
import { askAny } from './ask-any.ts'
import type { LogFormat } from '../application/log-line.ts'
import { formatError } from './cli-error.ts'
import type { GroupChoice } from './instances-command.ts'
import { printAll } from './print-all.ts'
import { goneLine, jsonLine, lineOf, type Row } from './row-lines.ts'
import type { SentEvent } from './server-events.ts'

/** Errors after which a watch goes on: the instance has ended, or the task moves. */
const PASSING: ReadonlySet<string> = new Set([
  'MR_CLI_CUT',
  'MR_CLI_UNREACHABLE',
  'MR_CLOSED',
  'MR_QUERY_BEHIND',
  'MR_QUERY_COMMITTING',
  'MR_QUERY_LIMIT',
  'MR_QUERY_MOVED',
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_PEER_VERSION',
  'MR_QUERY_REBALANCING',
  'MR_QUERY_RESTORING',
  'MR_QUERY_SLOW_READER',
  'MR_QUERY_TIMEOUT',
])

/** ms before the next attempt to go on. */
const PAUSE = 1000

export interface WatchRowsOptions extends GroupChoice {
  readonly json?: boolean
  readonly logFormat: LogFormat
}

/** What an event says of a row, or of a partition. */
interface EventData {
  readonly partition: number | null
  readonly key?: unknown
  readonly value?: unknown
  readonly timestamp?: number | null
  /** Bounds of a window or a session. */
  readonly start?: number
  readonly end?: number
  readonly deleted?: true
  /** Windows and sessions that end before it have expired. */
  readonly endBefore?: number
}

/** What distinguishes a row from others of its partition. */
type RowPlace = Pick<EventData, 'key' | 'start' | 'end'>

/**
 * Prints the rows that a watch shows, each on a line, until it is interrupted. A connection that is cut is made again,
 * and what has changed meanwhile is printed.
 *
 * @throws errors of the first connection; MR_CLI_ANSWER; errors that do not pass
 */
export async function watchRows(path: string, options: WatchRowsOptions): Promise<void> {
  await printAll(linesOf(path, options))
}

async function* linesOf(path: string, options: WatchRowsOptions): AsyncGenerator<string> {
  const rows = new PrintedRows(options.json === true)
  let lastId: string | undefined
  let isCut = false
  for (;;) {
    try {
      const events = await askAny(options, (client) => client.events(path, lastId))
      for await (const event of events) {
        isCut = false
        lastId = event.id ?? lastId
        const lines = rows.take(event)
        if (lines.length > 0) yield lines.map((line) => `${line}\n`).join('')
      }
    } catch (error) {
      if (lastId === undefined || !isMillraceError(error) || !PASSING.has(error.code)) throw error
      if (!isCut) console.error(formatError(goingOn(error), options.logFormat))
      isCut = true
    }
    await new Promise<void>((resolve) => setTimeout(resolve, PAUSE))
  }
}

function goingOn({ code, message }: MillraceError): MillraceError {
  return new MillraceError(code, message, { hint: 'The watch goes on as soon as there is an answer again.' })
}

/** The rows that were printed, so that those which come again after a cut are not printed again. */
class PrintedRows {
  readonly #partitions = new Map<number | null, ShownRows>()
  readonly #asJson: boolean

  constructor(asJson: boolean) {
    this.#asJson = asJson
  }

  /** Returns the lines that an event leads to. @throws MR_CLI_ANSWER */
  take({ event, data }: SentEvent): string[] {
    const { partition, key, start, end, value, timestamp = null, deleted, endBefore = 0 } = dataOf(data)
    const rows = this.#partitions.get(partition) ?? new ShownRows()
    this.#partitions.set(partition, rows)
    switch (event) {
      case 'begin':
        rows.begin()
        return []
      case 'current':
        return [...rows.gone()].map((name) => this.#gone(placeOf(name), partition))
      case 'expired':
        return rows.expire(nameOfEnd(endBefore)).map((name) => this.#gone(placeOf(name), partition))
      case 'value':
      case 'change': {
        const print = deleted === true ? undefined : printOf(Buffer.from(JSON.stringify(value)), timestamp ?? -1)
        const place = { key, ...(start === undefined || end === undefined ? {} : { start, end }) }
        if (!rows.take(nameOf(place), print)) return []
        return [deleted === true ? this.#gone(place, partition) : this.#line({ ...place, value, timestamp, partition })]
      }
      default:
        return []
    }
  }

  #line(row: Row & { readonly partition: number | null }): string {
    return this.#asJson ? jsonLine(row) : lineOf(row)
  }

  #gone(place: RowPlace, partition: number | null): string {
    return this.#asJson ? jsonLine({ ...place, deleted: true, partition }) : goneLine(place)
  }
}

function nameOf(place: RowPlace): string {
  const { end } = place
  return `${end === undefined ? '' : nameOfEnd(end)}${JSON.stringify(place)}`
}

function placeOf(name: string): RowPlace {
  return JSON.parse(name.slice(name.indexOf('{')))
}

function dataOf(text: string): EventData {
  try {
    const data: EventData = JSON.parse(text)
    if (typeof data.partition === 'number' || data.partition === null) return data
  } catch {
    // It is none.
  }
  throw new MillraceError('MR_CLI_ANSWER', 'the watch shows something else than rows', {
    hint: 'Give the URL of an application that runs with --http, of the same version of Millrace.',
  })
}
