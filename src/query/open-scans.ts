import { MillraceError } from '../errors/millrace-error.ts'
import type { Clock } from '../platform/clock.ts'
import type { Consistency, StoredRows } from '../state/reads.ts'
import { KeyRows } from './key-rows.ts'
import { OpenWatches } from './open-watches.ts'
import type { OwnedStore } from './owned-store.ts'
import { PageWriter } from './row-page.ts'
import type { RowOwner, RowPage, RowRequest, RowSource } from './row-request.ts'

export type { OwnedStore } from './owned-store.ts'

export interface OpenScansOptions {
  readonly clock: Clock
  /** @throws MR_QUERY_NOT_OWNER, MR_QUERY_RESTORING, MR_QUERY_STALE */
  readonly find: (request: RowRequest) => OwnedStore
}

interface Scan {
  readonly rows: StoredRows
  readonly source: RowSource
  readonly owned: OwnedStore
  readonly store: string
  readonly openedAt: number
  /** When the last page was asked for. */
  usedAt: number
}

/** Rows are added to a page until it has so many bytes, or they have taken so many ms: the thread has other work. */
const PAGE_BYTES = 64 * 1024
const PAGE_TIME = 2
const FIRST_PAGE_BYTES = 512
/** The number of rows between two looks at the clock. */
const ROWS_A_LOOK = 64
/** ms after which a scan whose reader asks for nothing is closed: its snapshot keeps old files of the engine. */
const READER_TIMEOUT = 30_000
const MOST_SCANS = 250

/** The queries of the tasks of one thread. A page is read between two steps of the thread, never within one. */
export class OpenScans implements RowOwner {
  readonly #options: OpenScansOptions
  readonly #scans = new Map<number, Scan>()
  readonly #watches: OpenWatches
  #last = 0
  /** When the first query came since the event loop turned last; Infinity: none has. */
  #since = Infinity
  /** True while unused scans are looked for. */
  #isWatching = false

  constructor(options: OpenScansOptions) {
    this.#options = options
    const { clock, find } = options
    this.#watches = new OpenWatches({ clock, find, sourceOf: (owned, { consistency }) => sourceOf(owned, consistency) })
  }

  async open(request: RowRequest): Promise<RowPage> {
    // Behind everything that is on the stack, but before the next slice of the thread.
    if (this.#mayGoOn()) await undefined
    else await turn()
    const owned = this.#options.find(request)
    const { consistency, store, query } = request
    if (consistency === 'committed' && !owned.reads.observe()) throw committing(request)
    if (query.op === 'watch') return this.#watches.open(++this.#last, request, query, owned)
    const rows =
      query.op === 'keys' ? new KeyRows(owned.reads, query.keys, consistency) : owned.reads.open(query, consistency)
    const openedAt = this.#options.clock.monotonic()
    const scan = { rows, source: sourceOf(owned, consistency), owned, store, openedAt, usedAt: openedAt }
    return this.#page(scan, undefined)
  }

  async next(number: number): Promise<RowPage> {
    if (this.#watches.has(number)) return this.#watches.next(number)
    await turn()
    const scan = this.#scans.get(number)
    if (scan === undefined) {
      throw new MillraceError('MR_QUERY_SLOW_READER', 'the scan is not open any more', {
        hint: `A scan is closed when nothing was read of it for ${READER_TIMEOUT / 1000} s. Begin it again.`,
      })
    }
    if (!scan.owned.isOpen()) {
      this.cancel(number)
      throw new MillraceError('MR_QUERY_MOVED', 'the task moved away while its store was being read', {
        store: scan.store,
        partition: scan.source.partition,
        hint: 'Begin the scan again: the rows read so far are those of one moment, the rest is elsewhere.',
      })
    }
    return this.#page(scan, number)
  }

  cancel(number: number): void {
    this.#watches.cancel(number)
    this.#scans.get(number)?.rows.close()
    this.#scans.delete(number)
  }

  /** Scans that are open, and when the oldest of them was opened, by the monotonic clock; Infinity if there is none. */
  get scans(): { readonly count: number; readonly since: number } {
    let since = Infinity
    for (const { openedAt } of this.#scans.values()) since = Math.min(since, openedAt)
    return { count: this.#scans.size, since }
  }

  /** False when the event loop must turn first: queries that follow one another must not hold it. */
  #mayGoOn(): boolean {
    const now = this.#options.clock.monotonic()
    if (this.#since === Infinity) {
      this.#since = now
      setImmediate(() => (this.#since = Infinity))
    }
    return now - this.#since < PAGE_TIME
  }

  #page(scan: Scan, number: number | undefined): RowPage {
    const { clock } = this.#options
    const begin = clock.monotonic()
    const writer = new PageWriter(number === undefined ? FIRST_PAGE_BYTES : PAGE_BYTES)
    const { rows, source } = scan
    try {
      for (let read = 1; rows.next(); read++) {
        if (rows.isRow) writer.add(rows)
        const isLong = read % ROWS_A_LOOK === 0 && clock.monotonic() - begin >= PAGE_TIME
        if (isLong || writer.length >= PAGE_BYTES)
          return { rows: writer.finish(), source, more: this.#keep(scan, number) }
      }
    } catch (error) {
      if (number !== undefined) this.#scans.delete(number)
      rows.close()
      throw error
    }
    if (number !== undefined) this.#scans.delete(number)
    rows.close()
    return { rows: writer.finish(), source, more: undefined }
  }

  #keep(scan: Scan, number: number | undefined): number {
    scan.usedAt = this.#options.clock.monotonic()
    if (number !== undefined) return number
    if (this.#scans.size >= MOST_SCANS) {
      throw new MillraceError('MR_QUERY_LIMIT', `${MOST_SCANS} scans are open in this thread`, {
        store: scan.store,
        hint: 'Read scans to their end, or end them, before more are begun.',
      })
    }
    this.#scans.set(++this.#last, scan)
    if (!this.#isWatching) this.#watch()
    return this.#last
  }

  #watch(): void {
    this.#isWatching = true
    this.#options.clock.schedule(READER_TIMEOUT, () => this.#closeUnused())
  }

  #closeUnused(): void {
    const since = this.#options.clock.monotonic() - READER_TIMEOUT
    for (const [number, { usedAt, owned }] of this.#scans) if (usedAt <= since || !owned.isOpen()) this.cancel(number)
    this.#isWatching = false
    if (this.#scans.size > 0) this.#watch()
  }
}

function sourceOf({ source }: OwnedStore, consistency: Consistency): RowSource {
  return { ...source, consistency, age: consistency === 'latest' ? 0 : source.age }
}

function committing({ store, partition }: RowRequest): MillraceError {
  return new MillraceError('MR_QUERY_COMMITTING', 'a commit is under way, and its outcome is not known', {
    store,
    partition,
    hint: 'Ask again: only the first queries of a store have to wait for a commit.',
  })
}

/** Resolves in the next turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
