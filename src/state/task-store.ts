import type { Prefetchable } from './prefetchable.ts'
import type { StoreReads } from './reads.ts'
import type { StateStore } from './states.ts'

/** What the task's state needs of a store beyond what the runtime does. */
export interface TaskStore extends StateStore {
  /** True if updates are held back until the cache is flushed. */
  readonly cached: boolean
  /** Emits the update that has been held back longest. Returns false if there is none. */
  emitOldest(): boolean
  /** Forgets about this many bytes of entries that the engine has, least recently used first. */
  evict(bytes: number): void
  /** The store as prefetching sees it. Absent where looking up many keys at once gains nothing. */
  readonly prefetchable?: Prefetchable | undefined
  /** Forgets everything that is not committed. */
  discard(): void
  /** The commit for which changes were logged last has succeeded. Called before `written`. */
  committed?(): void
  /** True if somebody wants to know of changes. Absent where rows cannot be watched. */
  readonly isWatched?: boolean
  /** The engine has these rows from the changelog. Called while `isWatched`, with rows of other stores as well. */
  restoredRows?(rowKeys: readonly Buffer[]): void
  /** The store as queries read it. Absent in the buffers of operators, which are internal. */
  readonly reads?: StoreReads
}
