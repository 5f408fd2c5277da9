import { MillraceError } from '../errors/millrace-error.ts'
import type { Clock } from '../platform/clock.ts'
import type { WatchQuery } from '../state/reads.ts'
import { ChangeWriter } from './change-page.ts'
import type { OwnedStore } from './owned-store.ts'
import type { RowPage, RowRequest, RowSource } from './row-request.ts'
import { WatchedRows } from './watched-rows.ts'

export interface OpenWatchesOptions {
  readonly clock: Clock
  /** @throws what `OpenScansOptions.find` throws */
  readonly find: (request: RowRequest) => OwnedStore
  /** Returns the source of rows that are read now. */
  readonly sourceOf: (owned: OwnedStore, request: RowRequest) => RowSource
}

interface Watch {
  readonly request: RowRequest
  readonly owned: OwnedStore
  readonly rows: WatchedRows
  /** When the last page was given, or asked for. */
  usedAt: number
  /** When it was looked at what has expired. */
  lookedAt: number
  /** True while a page is waited for. */
  isAwaited: boolean
  /** Ends the waiting. */
  wake: () => void
}

/** Rows are added to a page until it has so many bytes, or they have taken so many ms: the thread has other work. */
const PAGE_BYTES = 64 * 1024
const PAGE_TIME = 2
const FIRST_PAGE_BYTES = 512
/** ms between two looks for changes of latest rows, and for watches whose task has gone or whose reader has. */
const LOOK_INTERVAL = 250
/** ms between two looks at what has expired. */
const EXPIRY_INTERVAL = 1000
/** ms after which a page comes although there is nothing in it, as a sign of life. */
export const LIFE_INTERVAL = 3000
/** ms after which a watch whose reader asks for nothing is closed. */
const READER_TIMEOUT = 30_000
const MOST_WATCHES = 10_000

/** The watches of the tasks of one thread. */
export class OpenWatches {
  readonly #options: OpenWatchesOptions
  readonly #watches = new Map<number, Watch>()
  /** True while watches are looked at. */
  #isLooking = false

  constructor(options: OpenWatchesOptions) {
    this.#options = options
  }

  has(number: number): boolean {
    return this.#watches.has(number)
  }

  /** @throws MR_QUERY_KIND, MR_QUERY_LIMIT, and what the store throws */
  open(number: number, request: RowRequest, query: WatchQuery, owned: OwnedStore): RowPage {
    const { store, consistency } = request
    const { watched } = owned.reads
    if (watched === undefined) throw notWatchable(store)
    if (this.#watches.size >= MOST_WATCHES) throw tooMany(store)
    const rows = new WatchedRows({ store: watched, query, consistency, wake: () => watch.wake() })
    const watch: Watch = { request, owned, rows, usedAt: 0, lookedAt: 0, isAwaited: false, wake() {} }
    this.#watches.set(number, watch)
    if (!this.#isLooking) this.#lookLater()
    return this.#page(number, watch, owned, FIRST_PAGE_BYTES)
  }

  /** Resolves when there is something to read, or after `LIFE_INTERVAL`. */
  async next(number: number): Promise<RowPage> {
    const watch = this.#watches.get(number)
    if (watch === undefined) throw notOpen()
    watch.usedAt = this.#options.clock.monotonic()
    if (!watch.rows.hasNews) {
      watch.isAwaited = true
      await new Promise<void>((resolve) => (watch.wake = resolve))
      watch.isAwaited = false
      watch.wake = nothing
    }
    // A commit wakes it on its own stack.
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#watches.get(number) !== watch) throw notOpen()
    try {
      if (!watch.owned.isOpen()) throw moved(watch)
      // A standby may have fallen behind since it was opened. What it shows comes later then.
      return this.#page(number, watch, this.#options.find({ ...watch.request, maxLag: Infinity }), PAGE_BYTES)
    } catch (error) {
      this.cancel(number)
      throw error
    }
  }

  cancel(number: number): void {
    const watch = this.#watches.get(number)
    if (watch === undefined) return
    this.#watches.delete(number)
    watch.rows.close()
    watch.wake()
  }

  #page(number: number, watch: Watch, owned: OwnedStore, size: number): RowPage {
    const { clock, sourceOf } = this.#options
    const page = new ChangeWriter(watch.rows.hasNews ? size : 0)
    const begin = clock.monotonic()
    try {
      watch.rows.write(
        page,
        (share) => page.length >= share * PAGE_BYTES || clock.monotonic() - begin >= share * PAGE_TIME,
      )
    } catch (error) {
      this.cancel(number)
      throw error
    }
    watch.usedAt = clock.monotonic()
    return { rows: page.finish(), source: sourceOf(owned, watch.request), more: number }
  }

  #lookLater(): void {
    this.#isLooking = true
    this.#options.clock.schedule(LOOK_INTERVAL, () => {
      this.#isLooking = false
      this.#look()
      if (this.#watches.size > 0) this.#lookLater()
    })
  }

  #look(): void {
    const now = this.#options.clock.monotonic()
    for (const [number, watch] of this.#watches) {
      const { owned, usedAt, isAwaited, request } = watch
      const isOpen = owned.isOpen()
      if (isOpen && request.consistency === 'latest') owned.reads.watched?.changes.look()
      if (isOpen && now - watch.lookedAt >= EXPIRY_INTERVAL) {
        watch.lookedAt = now
        watch.rows.lookAtTime()
      }
      if (isOpen && now - usedAt < (isAwaited ? LIFE_INTERVAL : READER_TIMEOUT)) continue
      // One who waits gets an empty page, or learns why there are no more.
      if (isAwaited) watch.wake()
      else this.cancel(number)
    }
  }
}

function nothing(): void {}

function notWatchable(store: string): MillraceError {
  return new MillraceError('MR_QUERY_KIND', 'a store that keeps duplicates cannot be watched', {
    store,
    hint: 'Its rows of one key and time cannot be told apart. Watch the store of a table or of an aggregation.',
  })
}

function tooMany(store: string): MillraceError {
  return new MillraceError('MR_QUERY_LIMIT', `${MOST_WATCHES} watches are open in this thread`, {
    store,
    hint: 'End watches before more are begun.',
  })
}

function notOpen(): MillraceError {
  return new MillraceError('MR_QUERY_SLOW_READER', 'the watch is not open any more', {
    hint: `A watch is closed when nothing was read of it for ${READER_TIMEOUT / 1000} s. Begin it again.`,
  })
}

function moved({ request }: Watch): MillraceError {
  return new MillraceError('MR_QUERY_MOVED', 'the task moved away while its store was being watched', {
    store: request.store,
    partition: request.partition,
    hint: 'Begin the watch again: it goes on where the task is now.',
  })
}
