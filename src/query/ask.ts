import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import type { Clock } from '../platform/clock.ts'
import { isPromise, type MaybePromise } from '../platform/maybe-promise.ts'
import type { StoredRow } from '../state/reads.ts'
import { readRows } from './row-page.ts'
import type { RowPage, RowRequest, RowScans, RowSource } from './row-request.ts'

/** The first page of a request, and who has the others. */
export interface Opened {
  readonly page: RowPage
  readonly scans: RowScans
}

/** Those who can be asked. */
export interface RowOwners {
  /**
   * Asks the owner of a partition.
   *
   * @param deadline by the monotonic clock: after it nobody waits for the answer
   * @throws what `RowOwner.open` throws
   */
  open(request: RowRequest, deadline: number): Promise<Opened>
}

/** For how long each answer is waited for. */
export interface Patience {
  readonly clock: Clock
  /** ms */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

/** Codes of states that pass: the task moves, is restored or behind, its engine or its instance is being started. */
const passing: ReadonlySet<string> = new Set([
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_RESTORING',
  'MR_QUERY_COMMITTING',
  'MR_QUERY_BEHIND',
  'MR_QUERY_STALE',
  'MR_STATE_CLOSED',
])
/** ms between two tries: short at first, and longer for what takes long, which is asked by many. */
const FIRST_PAUSE = 5
const LONG_PAUSE = 100
const LONGEST_PAUSE = 500

/** Opens a request, and waits for as long as its task cannot be read. */
export async function ask(owners: RowOwners, request: RowRequest, patience: Patience): Promise<Opened> {
  const { clock, timeout, signal } = patience
  const begin = clock.monotonic()
  const deadline = begin + timeout
  const longest = (): number => Math.min(Math.max(LONG_PAUSE, (clock.monotonic() - begin) / 8), LONGEST_PAUSE)
  let refusal: MillraceError | undefined
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, longest())) {
    signal?.throwIfAborted()
    const opening = owners.open(request, deadline)
    try {
      return await inTime(opening, request, patience, deadline)
    } catch (error) {
      opening.then(giveUp, () => {})
      // Why there was no answer all the time says more than that the last try took too long.
      if (refusal !== undefined && isMillraceError(error) && error.code === 'MR_QUERY_TIMEOUT') throw refusal
      if (!isMillraceError(error) || !passing.has(error.code) || clock.monotonic() + pause >= deadline) throw error
      refusal = error
    }
    await rest(pause, patience)
  }
}

/** Ends what was opened too late. */
function giveUp({ page, scans }: Opened): void {
  if (page.more !== undefined) scans.cancel(page.more)
}

/** The rows of one partition, page by page. */
export class PartitionRows {
  readonly source: RowSource
  readonly #scans: RowScans
  readonly #request: RowRequest
  readonly #patience: Patience
  #rows: readonly StoredRow[]
  #at = 0
  #more: number | undefined

  constructor({ page, scans }: Opened, request: RowRequest, patience: Patience) {
    this.source = page.source
    this.#scans = scans
    this.#request = request
    this.#patience = patience
    this.#rows = readRows(page.rows)
    this.#more = page.more
  }

  /** The next row, if it has been read. */
  get head(): StoredRow | undefined {
    return this.#rows[this.#at]
  }

  take(): void {
    this.#at++
  }

  /** Reads on unless there is a head. Resolves to false at the end. */
  async fill(): Promise<boolean> {
    while (this.#at === this.#rows.length) {
      if (this.#more === undefined) return false
      this.#patience.signal?.throwIfAborted()
      const { clock, timeout } = this.#patience
      const deadline = clock.monotonic() + timeout
      const page = await inTime(this.#scans.next(this.#more), this.#request, this.#patience, deadline)
      this.#rows = readRows(page.rows)
      this.#at = 0
      this.#more = page.more
    }
    return true
  }

  close(): void {
    if (this.#more !== undefined) this.#scans.cancel(this.#more)
    this.#more = undefined
    this.#rows = []
    this.#at = 0
  }
}

/** Waits for so many ms. @throws the reason of the signal */
export async function rest(ms: number, patience: Patience): Promise<void> {
  // A promise of its own: one that is shared would keep what waits for it for ever.
  await unlessLater(new Promise<never>(() => {}), ms, patience, undefined)
}

/** Waits for an answer until the deadline (monotonic clock). @throws MR_QUERY_TIMEOUT, the reason of the signal */
export async function inTime<T>(
  answer: MaybePromise<T>,
  { store, partition }: { readonly store: string; readonly partition?: number },
  patience: Patience,
  deadline: number,
): Promise<T> {
  if (!isPromise(answer)) return answer
  const first = await unlessLater(answer, Math.max(0, deadline - patience.clock.monotonic()), patience, LATE)
  if (first !== LATE) return first
  throw new MillraceError('MR_QUERY_TIMEOUT', 'there was no answer in time', {
    store,
    partition,
    hint: 'Ask again, or give the query a longer `timeout`.',
  })
}

const LATE = Symbol('late')

/** Resolves to the answer, or to `late` after so many ms. */
async function unlessLater<T, L>(answer: Promise<T>, ms: number, { clock, signal }: Patience, late: L): Promise<T | L> {
  const end = Promise.withResolvers<L>()
  const timer = clock.schedule(ms, () => end.resolve(late))
  const abort = (): void => end.reject(signal?.reason)
  signal?.addEventListener('abort', abort)
  try {
    return await Promise.race([answer, end.promise])
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', abort)
  }
}
