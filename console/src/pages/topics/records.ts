/** A topic as the server lists it. */
export interface ListedTopic {
  readonly name: string
  readonly partitions: number
  readonly own: 'source' | 'sink' | 'internal' | 'dead-letters' | null
  readonly keySerde: string | null
  readonly valueSerde: string | null
}

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number | null
  readonly key: unknown
  readonly value: unknown
  readonly headers: readonly (readonly [name: string, value: unknown])[]
  /** Why key or value is not as the application reads it. */
  readonly error?: string
}

export interface RecordPage {
  readonly records: readonly TopicRecord[]
  readonly cursor: string
  /** True: these were all that there are now. */
  readonly end: boolean
}

/** Where reading begins. */
export type Start = 'last' | 'beginning' | 'time' | 'offset'

/** What a request for records is made of, as text. */
export interface Filter {
  readonly start: Start
  /** As the browser's field of a date and a time has it; of the time zone of the browser. */
  readonly time: string
  readonly offset: string
  readonly partition: string
  readonly key: string
}

/** Records of a page. */
const PAGE = 100
/** Records before the end of each partition. */
const LAST = 25

/** Returns the path of a page of records, or of the events that follow it. */
export function recordsPath(topic: string, filter: Filter, cursor?: string): string {
  const query = new URLSearchParams(cursor === undefined ? { from: fromOf(filter) } : { cursor })
  query.set('limit', String(PAGE))
  addFilter(query, filter)
  return `v1/topics/${encodeURIComponent(topic)}/records?${query}`
}

/** Returns the path of all records from a cursor on, as they come. */
export function tailPath(topic: string, filter: Filter, cursor: string | undefined): string {
  const query = new URLSearchParams(cursor === undefined ? { from: 'end' } : { cursor })
  addFilter(query, filter)
  return `v1/topics/${encodeURIComponent(topic)}/records?${query}`
}

function addFilter(query: URLSearchParams, { partition, key }: Filter): void {
  if (partition !== '') query.set('partition', partition)
  if (key !== '') query.set('key', key)
}

function fromOf({ start, time, offset }: Filter): string {
  switch (start) {
    case 'beginning':
      return 'beginning'
    case 'offset':
      return offset === '' ? '0' : offset
    case 'time': {
      const ms = new Date(time).getTime()
      return Number.isNaN(ms) ? 'beginning' : `@${ms}`
    }
    default:
      return `-${LAST}`
  }
}

export function recordId({ partition, offset }: TopicRecord): string {
  return `${partition} ${offset}`
}
