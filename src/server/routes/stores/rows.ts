import { z } from '@hono/zod-openapi'
import type { AskedStore, FoundRow } from '../../../query/store-queries.ts'
import { jsonOf } from '../../../serde/json-of.ts'
import type { StoreKeys } from './keys.ts'

/* Rows as JSON shows them. */

type Source = FoundRow['source']

const json = z.unknown().describe('64-bit integers are strings where the serde makes them bigints, bytes { base64 }')
const partition = z.number().int().nullable().describe('null: of a global table')
const time = z.number().int()

const ROW = {
  key: z.unknown().describe('in the form of `keyAs`'),
  value: json,
  timestamp: time.nullable().describe('event time of the last update, ms; null in stores without timestamps'),
  partition,
}

const SOURCE = {
  role: z.enum(['active', 'standby', 'global']).describe('who answered'),
  lag: z.number().int().nonnegative().describe('offsets that a standby is behind its changelog'),
  age: z.number().nonnegative().describe('ms since the commit that the answer is as of; 0 for the latest'),
  consistency: z.enum(['committed', 'latest']),
}

const BOUNDS = {
  start: time.describe('ms since the epoch'),
  end: time.describe('ms since the epoch; exclusive of a window, the time of the last record of a session'),
}

const VALID_TO = { validTo: time.nullable().describe('ms since the epoch, exclusive; null: the latest version') }

export const Entry = z.object({ ...ROW, ...SOURCE }).openapi('Entry')
export const Version = z.object({ ...ROW, ...VALID_TO, ...SOURCE }).openapi('Version')

export const EntryRow = z.object(ROW).openapi('EntryRow')
export const WindowRow = z.object({ ...ROW, ...BOUNDS }).openapi('WindowRow')
export const VersionRow = z.object({ ...ROW, ...VALID_TO }).openapi('VersionRow')

export const Sources = z
  .array(z.object({ partition, ...SOURCE }))
  .describe('who the rows are from, and as of when')
  .openapi('Sources')

/** Makes rows of a store what JSON shows. */
export class ShownRows {
  readonly #store: AskedStore
  readonly #keys: StoreKeys

  constructor(store: AskedStore, keys: StoreKeys) {
    this.#store = store
    this.#keys = keys
  }

  row({ row, source }: FoundRow): z.input<typeof EntryRow> {
    const { timestamp } = row
    return {
      key: this.#keys.show(row.key),
      value: jsonOf(this.#store.values.decode(row.value)),
      timestamp: timestamp < 0 ? null : timestamp,
      partition: shownPartition(source),
    }
  }

  window(found: FoundRow): z.input<typeof WindowRow> {
    const { start, end } = found.row
    return { ...this.row(found), start, end }
  }

  versionRow(found: FoundRow): z.input<typeof VersionRow> {
    const { end } = found.row
    return { ...this.row(found), validTo: Number.isFinite(end) ? end : null }
  }

  /** Returns the answer to a request for one key. */
  entry(found: FoundRow): z.input<typeof Entry> {
    return { ...this.row(found), ...shownSource(found.source) }
  }

  version(found: FoundRow): z.input<typeof Version> {
    return { ...this.versionRow(found), ...shownSource(found.source) }
  }
}

export function shownPartition({ partition }: Pick<Source, 'partition'>): number | null {
  return partition < 0 ? null : partition
}

function shownSource({ role, lag, age, consistency }: Source) {
  return { role, lag, age, consistency }
}

/** Where the rows of a response are from. */
export class SeenSources {
  readonly #seen = new Map<number, Source>()

  see({ source }: FoundRow): void {
    if (!this.#seen.has(source.partition)) this.#seen.set(source.partition, source)
  }

  show(): z.input<typeof Sources> {
    return [...this.#seen.values()].map((source) => ({
      partition: shownPartition(source),
      ...shownSource(source),
    }))
  }
}
