import type { Headers } from './headers.ts'

/** A row of a store that may have been written by a traced record. */
export interface TraceableRow {
  /** True if it was. */
  traced: boolean
}

/** What the traces of a task want to know of the rows that it keeps and of the functions that it calls. */
export interface RecordTraces {
  /** The current record has written a row. */
  wrote(row: TraceableRow): void
  /** The current record has read a row that is traced. */
  read(row: TraceableRow): void
  /** Calls a function in the context of the record with these headers. */
  within<T>(headers: Headers, act: () => T): T
}
