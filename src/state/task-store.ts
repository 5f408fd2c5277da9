import type { Prefetchable } from './prefetchable.ts'
import type { StateStore } from './states.ts'

/** What the task's state needs of a store beyond what the runtime does. */
export interface TaskStore extends StateStore {
  /** True if updates are held back until the cache is flushed. */
  readonly cached: boolean
  /** Emits the update that has been held back for longest; false if there is none. */
  emitOldest(): boolean
  /** Forgets entries that the engine has, about this many bytes, those not used for long first. */
  evict(bytes: number): void
  /** The store as prefetching sees it; absent where looking up many keys at once brings nothing. */
  readonly prefetchable?: Prefetchable | undefined
  /** Forgets everything that is not committed. */
  discard(): void
}
