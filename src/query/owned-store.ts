import type { StoreReads } from '../state/reads.ts'
import type { RowSource } from './row-request.ts'

/** A store of a task in this thread that can be read now. */
export interface OwnedStore {
  readonly reads: StoreReads
  readonly source: Omit<RowSource, 'consistency'>
  /** False once the task was closed, or became something else: its engine may be closed. */
  isOpen(): boolean
}
