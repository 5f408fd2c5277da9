import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import { askAny } from './ask-any.ts'
import type { LogFormat } from '../application/log-line.ts'
import { requireOnePlace, type GroupChoice } from './instances-command.ts'
import { printAll } from './print-all.ts'
import { isRow, jsonLine, lineOf, type Row } from './row-lines.ts'
import { watchRows } from './watch-command.ts'

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
  readonly watch?: boolean
  readonly consistency?: 'committed' | 'latest'
  readonly keyAs?: 'text' | 'json' | 'base64' | 'hex'
  readonly json?: boolean
  readonly logFormat: LogFormat
}

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
  if (options.watch === true) return watchRows(watchPathOf(store, key, options), options)
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

/** Options that say which rows there are to be, and have no meaning for rows that change. */
const NOT_WATCHED = ['range', 'limit', 'reverse', 'windows', 'sessions', 'versions', 'asOf'] as const

function watchPathOf(store: string, key: string | undefined, options: QueryOptions): string {
  const other = NOT_WATCHED.find((name) => options[name] !== undefined && options[name] !== false)
  if (other === undefined) return `v1/stores/${encodeURIComponent(store)}/watch?${parametersOf(key, options)}`
  const name = other === 'asOf' ? 'as-of' : other
  throw new MillraceError('MR_CLI_USAGE', `--watch cannot be used with --${name}`, {
    hint: 'Watch a key, keys with a --prefix, or all keys; windows and sessions also with --from and --to.',
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
