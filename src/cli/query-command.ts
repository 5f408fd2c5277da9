import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import type { LogFormat } from './cli-error.ts'
import { InstanceClient, LOCAL_URL } from './instance-client.ts'
import { instancesOfGroup, requireOnePlace, type GroupChoice } from './instances-command.ts'
import { printAll } from './print-all.ts'
import { printable, timeText } from './text.ts'

export interface QueryOptions extends GroupChoice {
  /** The first key; the first time, with a list by time. */
  readonly from?: string
  readonly to?: string
  /** Both of them; either may be missing. */
  readonly range?: readonly [string | undefined, string | undefined]
  readonly prefix?: string
  readonly limit?: number
  readonly reverse?: boolean
  readonly windows?: boolean
  readonly sessions?: boolean
  readonly versions?: boolean
  readonly asOf?: string
  readonly consistency?: 'committed' | 'latest'
  readonly keyAs?: 'text' | 'json' | 'base64' | 'hex'
  readonly json?: boolean
  readonly logFormat: LogFormat
}

/** A row, as a server shows it. */
interface Row {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp?: number | null
  /** Bounds of a window or a session. */
  readonly start?: number
  readonly end?: number
  /** End of a version; null: it is the latest. */
  readonly validTo?: number | null
}

/** Errors of an instance after which another one may have the answer. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'MR_CLI_UNREACHABLE',
  'MR_CLOSED',
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_PEER_AUTH',
])

/** The longest that a server waits for the owner of a key, ms. */
const LONGEST_WAIT = 60_000

/**
 * Runs `millrace query`: prints the row of a key, or rows, each on a line.
 *
 * @throws MR_CLI_USAGE; MR_QUERY_KEY_ABSENT; errors of the client and of `instancesOfGroup`; what the instance answers
 */
export async function queryStore(store: string, key: string | undefined, options: QueryOptions): Promise<void> {
  requireOnePlace(options)
  const list = listOf(options)
  const path = `v1/stores/${encodeURIComponent(store)}/${list}?${parametersOf(key, options)}`
  const isOne = key !== undefined && (list === 'entries' || options.asOf !== undefined)
  const show = (rows: readonly Row[]): string =>
    rows.map((row) => `${options.json === true ? jsonLine(row) : lineOf(row)}\n`).join('')
  if (!isOne) return printAll(shown(await askAny(options, (client) => client.rows(path, isRow)), show))
  const row = await askAny(options, (client) => client.json(path, isRow)).catch((error: unknown) => {
    if (!isMillraceError(error) || error.code !== 'MR_QUERY_KEY_ABSENT') throw error
    // That is an answer: there is nothing to be done about it.
    throw new MillraceError(error.code, error.message)
  })
  await printAll(shown([[row]], show))
}

async function* shown(
  pages: AsyncIterable<Row[]> | readonly Row[][],
  show: (rows: readonly Row[]) => string,
): AsyncGenerator<string> {
  for await (const rows of pages) yield show(rows)
}

function listOf({ windows, sessions, versions, asOf }: QueryOptions): string {
  const lists = Object.entries({ windows, sessions, versions: versions === true || asOf !== undefined })
  const [first, second] = lists.filter(([, isGiven]) => isGiven).map(([name]) => name)
  if (second === undefined) return first ?? 'entries'
  throw new MillraceError('MR_CLI_USAGE', `${first} and ${second} are lists of different stores`, {
    hint: 'Give one of --windows, --sessions, and --versions or --as-of.',
  })
}

/** The key is a parameter: not every key can be part of a path. */
function parametersOf(key: string | undefined, options: QueryOptions): URLSearchParams {
  const { from, to, range, prefix, limit, reverse, asOf, consistency, keyAs, timeout } = options
  if (range !== undefined && (from !== undefined || to !== undefined)) {
    throw new MillraceError('MR_CLI_USAGE', '--range cannot be used with --from and --to', {
      hint: '--range A..B is --from A --to B.',
    })
  }
  const given = {
    key,
    from: from ?? range?.[0],
    to: to ?? range?.[1],
    prefix,
    limit,
    reverse: reverse === true ? 'true' : undefined,
    asOf,
    consistency,
    keyAs,
    // The rest is for the way.
    timeout: Math.min(LONGEST_WAIT, Math.ceil(timeout / 2)),
  }
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(given)) if (value !== undefined) parameters.set(name, String(value))
  return parameters
}

/** Asks one instance after the other, until one has the answer. */
async function askAny<T>(options: QueryOptions, ask: (client: InstanceClient) => Promise<T>): Promise<T> {
  let failure: unknown
  for (const url of await urlsOf(options)) {
    try {
      return await ask(new InstanceClient({ ...options, url }))
    } catch (error) {
      if (!isMillraceError(error) || !ELSEWHERE.has(error.code)) throw error
      failure = error
    }
  }
  throw failure
}

async function urlsOf({ url = LOCAL_URL, kafka, app, timeout }: QueryOptions): Promise<readonly string[]> {
  if (kafka === undefined || app === undefined) return [url]
  const endpoints = (await instancesOfGroup(kafka, app, timeout)).map(({ endpoint }) => endpoint)
  const urls = endpoints.filter((endpoint) => endpoint !== null).map((endpoint) => `http://${endpoint}`)
  if (urls.length > 0) return urls
  throw new MillraceError('MR_CLI_UNREACHABLE', `no instance of ${app} says where it is reached`, {
    hint: 'Start the application with --http and --advertise, or give --url.',
  })
}

/** The value comes last: it is the longest. */
function lineOf({ key, value, timestamp, start, end, validTo }: Row): string {
  const times = start === undefined ? [timestamp, ...(validTo === undefined ? [] : [validTo])] : [start, end]
  const texts = times.map((time) => (typeof time === 'number' ? timeText(time) : '-'))
  return printable([keyText(key), ...texts, JSON.stringify(value)].join('  '))
}

/** A key that is text without blanks is shown as it is, any other as JSON. */
function keyText(key: unknown): string {
  return typeof key === 'string' && /^[^\s\p{Cc}"]+$/u.test(key) ? key : JSON.stringify(key)
}

/** JSON may hold controls as they are that a terminal would obey. */
function jsonLine(row: Row): string {
  return JSON.stringify(row).replaceAll(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)
}

function isRow(value: object): value is Row {
  return 'key' in value && 'value' in value
}
