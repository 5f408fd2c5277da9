import { z } from '@hono/zod-openapi'
import type { FoundRow } from '../../../query/store-queries.ts'
import { badRequest } from '../../http/problem.ts'

/** The list to which a cursor belongs. */
export interface ListName {
  readonly store: string
  readonly list: string
  /** The key whose rows are listed, as text; empty for all. */
  readonly key: string
  readonly reverse: boolean
}

/** The last row of a page. */
export interface RowPlace {
  readonly partition: number
  readonly key: Buffer
  readonly start: number
  readonly end: number
}

const time = z.number().min(-1).max(Number.MAX_SAFE_INTEGER)

const Cursor = z.strictObject({
  store: z.string(),
  list: z.string(),
  of: z.string(),
  reverse: z.boolean(),
  partition: z.number().int().min(-1),
  key: z.string(),
  start: time,
  /** Null: the latest version. */
  end: time.nullable(),
})

/** Returns the cursor behind a row: text that only `readCursor` understands. */
export function cursorBehind({ row, source }: FoundRow, { store, list, key, reverse }: ListName): string {
  const { start, end } = row
  const cursor: z.input<typeof Cursor> = {
    store,
    list,
    of: key,
    reverse,
    partition: source.partition,
    key: row.key.toString('base64'),
    start,
    end: Number.isFinite(end) ? end : null,
  }
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

/** @throws MR_SERVER_REQUEST if the cursor is of another list, or none */
export function readCursor(text: string, name: ListName): RowPlace {
  const cursor = parsed(text)
  if (cursor === undefined) throw badRequest('the parameter cursor is no cursor', 'Give `next` of the page before.')
  const { store, list, of, reverse, partition, key, start, end } = cursor
  if (store !== name.store || list !== name.list || of !== name.key || reverse !== name.reverse) {
    throw badRequest(
      'the parameter cursor is that of another list',
      'Give it to the route from which it is, with the same key and direction.',
    )
  }
  return { partition, key: Buffer.from(key, 'base64'), start, end: end ?? Infinity }
}

function parsed(text: string): z.output<typeof Cursor> | undefined {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch {
    return undefined
  }
}
