/** What a request for rows is made of, as text. */
export interface Filter {
  readonly key: string
  /** A key, or a time where rows have times. */
  readonly from: string
  readonly to: string
  readonly consistency: string
}

export type ListName = 'entries' | 'windows' | 'sessions' | 'versions'

export interface StoreDetails {
  readonly name: string
  readonly kind: string
  readonly keySerde: string
  readonly valueSerde: string
  /** Null: of a global table. */
  readonly partitions: number | null
  readonly lists: readonly ListName[]
}

export interface Row {
  readonly key: unknown
  readonly value: unknown
  /** ms since the epoch; null in stores without timestamps. */
  readonly timestamp: number | null
  readonly partition: number | null
  /** In rows of windows and sessions: ms since the epoch. */
  readonly start?: number
  readonly end?: number
  /** In rows of versions: ms since the epoch; null for the latest. */
  readonly validTo?: number | null
  /** In the row of one key that was asked for: who has it. */
  readonly role?: string
  readonly lag?: number
  readonly age?: number
}

export interface RowPage {
  readonly rows: readonly Row[]
  readonly next: string | null
}

const PAGE = '100'

/** Returns the path of a request; undefined: the store has no rows that can be asked for. */
export function pathOf({ name, lists }: StoreDetails, filter: Filter, cursor?: string): string | undefined {
  const [list] = lists
  if (list === undefined) return undefined
  const { key, from, to, consistency } = filter
  const query = new URLSearchParams()
  // One key is answered by its row alone.
  const isOne = key !== '' && list === 'entries'
  if (key !== '') query.set('key', key)
  if (!isOne) {
    if (from !== '') query.set('from', from)
    if (to !== '') query.set('to', to)
    query.set('limit', PAGE)
    if (cursor !== undefined) query.set('cursor', cursor)
  }
  if (consistency !== '') query.set('consistency', consistency)
  return `v1/stores/${encodeURIComponent(name)}/${list}?${query}`
}

export function watchPath({ name, lists }: StoreDetails, { key, from, to, consistency }: Filter): string {
  const query = new URLSearchParams()
  if (key !== '') query.set('key', key)
  if (!lists.includes('entries')) {
    if (from !== '') query.set('from', from)
    if (to !== '') query.set('to', to)
  }
  if (consistency !== '') query.set('consistency', consistency)
  const search = query.toString()
  return `v1/stores/${encodeURIComponent(name)}/watch${search === '' ? '' : `?${search}`}`
}

export function asList(answer: RowPage | Row): RowPage {
  return 'rows' in answer ? answer : { rows: [answer], next: null }
}

/** Returns what tells a row from others. */
export function keyOf({ key, start, end, partition, validTo }: Row): string {
  return JSON.stringify([key, start, end, validTo === undefined ? partition : [partition, validTo]])
}
