import type { RowRequest } from '../../../query/row-request.ts'
import type { AskedStore, CheckedQuery, FoundRow, SerializedKey } from '../../../query/store-queries.ts'
import { cursorBehind, readCursor, type ListName, type RowPlace } from './cursor.ts'

type Scan = Exclude<RowRequest['query'], { op: 'get' | 'keys' | 'watch' }>

/** Rows that a client asked for: of all keys, or of one. */
export interface ListingOptions {
  readonly store: AskedStore
  /** The name of the list among those of the store. */
  readonly list: string
  readonly key: SerializedKey | undefined
  readonly scan: Scan
  readonly options: CheckedQuery
  /** From where it goes on. */
  readonly cursor: string | undefined
}

/** A list of rows that can end anywhere, and go on there with another request. */
export class Listing {
  readonly #options: ListingOptions
  readonly #name: ListName

  constructor(options: ListingOptions) {
    const { store, list, key, scan } = options
    this.#options = options
    this.#name = { store: store.name, list, key: key?.bytes.toString('base64') ?? '', reverse: scan.reverse }
  }

  /** Returns the cursor by which the list goes on behind a row. */
  behind(row: FoundRow): string {
    return cursorBehind(row, this.#name)
  }

  /** The rows that are left. @throws MR_SERVER_REQUEST for a cursor of another list */
  rows(): AsyncGenerator<FoundRow> {
    const { cursor, scan } = this.#options
    if (cursor === undefined) return this.#open(scan, undefined)
    const place = readCursor(cursor, this.#name)
    return this.#rest(place)
  }

  async *#rest(place: RowPlace): AsyncGenerator<FoundRow> {
    const { scan } = this.#options
    const rest = narrowed(scan, place)
    for await (const found of this.#open(rest, place.partition)) {
      if (scan.op === 'prefix' && !startsWith(found.row.key, scan.prefix)) return
      if (!isPassed(found, place, scan)) yield found
    }
  }

  #open(scan: Scan, partition: number | undefined): AsyncGenerator<FoundRow> {
    const { store, key, options } = this.#options
    if (key !== undefined) return store.ofKey(key, () => scan, options)
    const byKey = scan.op === 'range' || scan.op === 'prefix'
    if (byKey || partition === undefined) return store.ofAll(scan, options, byKey)
    return store.ofAll(this.#options.scan, options, false, undefined, { partition, query: scan })
  }
}

/** Returns what is left of a scan. It may begin with rows that are not. */
function narrowed(scan: Scan, { key, start, end }: RowPlace): Scan {
  const { reverse } = scan
  switch (scan.op) {
    case 'prefix':
      return reverse
        ? { op: 'range', from: scan.prefix, to: key, reverse }
        : { op: 'range', from: greater(scan.prefix, key), reverse }
    case 'range': {
      const { from = key, to = key } = scan
      return reverse ? { ...scan, to: lesser(key, to) } : { ...scan, from: greater(from, key) }
    }
    case 'windows':
      return { ...scan, after: { key, start, end } }
    case 'versions':
      return reverse ? { ...scan, to: Math.min(scan.to, start) } : { ...scan, from: Math.max(scan.from, start) }
  }
}

/** Rows by key come from the partitions in turn where several have the same key. */
function isPassed({ row, source }: FoundRow, place: RowPlace, { op, reverse }: Scan): boolean {
  switch (op) {
    case 'windows':
      return false
    case 'versions':
      return reverse ? row.start >= place.start : row.start <= place.start
    default:
      return source.partition <= place.partition && row.key.equals(place.key)
  }
}

function greater(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) >= 0 ? a : b
}

function lesser(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) <= 0 ? a : b
}

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
