import type { Consistency, RowQuery, WatchQuery } from '../state/reads.ts'

/** The rows of some keys, those that there are, in the order of the keys. */
export interface KeysQuery {
  readonly op: 'keys'
  readonly keys: readonly Buffer[]
}

/** A query of one partition of a store, as data that another thread or process can get. */
export interface RowRequest {
  readonly store: string
  /** -1: of a global table. */
  readonly partition: number
  readonly query: RowQuery | KeysQuery | WatchQuery
  readonly consistency: Consistency
  /** `active`: the task that processes. `any`: a standby, too. */
  readonly role: 'active' | 'any'
  /** Offsets that a standby may be behind its changelog. */
  readonly maxLag: number
  /** What the rows must have in them. */
  readonly at: Position | undefined
}

/** Offsets of inputs, by topic and partition: the next record of each, which the rows do not have in them. */
export type Position = Readonly<Record<string, Readonly<Record<number, number>>>>

/** Where rows were read, and as of when. */
export interface RowSource {
  readonly partition: number
  readonly role: 'active' | 'standby' | 'global'
  readonly consistency: Consistency
  /** Offsets that a standby is behind its changelog; 0 of an active task. */
  readonly lag: number
  /** ms since the commit that `committed` rows are of; 0 for the latest ones. */
  readonly age: number
  /** What the rows of an active task have in them; empty of a standby. */
  readonly position: Position
}

/** Some of the rows of a request, encoded as `readRows` reads them; of a watch, as `readEvents` does. */
export interface RowPage {
  readonly rows: Buffer
  readonly source: RowSource
  /** The number by which more rows are asked for; undefined: there are none. A watch always has more. */
  readonly more: number | undefined
}

/** Scans that are open, by number. */
export interface RowScans {
  /**
   * Resolves to the next page. That of a watch comes when there is something to show; after some seconds it comes
   * empty, as a sign of life.
   *
   * @throws MR_QUERY_SLOW_READER if the last page was asked for long ago, MR_QUERY_MOVED if the task was closed; of a
   * watch also what `open` throws
   */
  next(scan: number): Promise<RowPage>
  /** Ends a scan before its last page. */
  cancel(scan: number): void
}

/** The part of a thread that answers queries of the tasks in it. */
export interface RowOwner extends RowScans {
  /**
   * @throws MR_QUERY_NOT_OWNER, MR_QUERY_RESTORING, MR_QUERY_COMMITTING, MR_QUERY_STALE, MR_QUERY_BEHIND,
   * MR_QUERY_POSITION, MR_QUERY_LIMIT, and what the store throws
   */
  open(request: RowRequest): Promise<RowPage>
}
