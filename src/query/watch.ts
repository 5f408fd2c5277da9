import { isMillraceError } from '../errors/millrace-error.ts'
import { ask, inTime, type Opened, type Patience, type RowOwners } from './ask.ts'
import { readEvents, type WatchEvent } from './change-page.ts'
import { LIFE_INTERVAL } from './open-watches.ts'
import type { Position, RowRequest, RowSource } from './row-request.ts'

/** A part of what a watch shows, and where it is from. */
export interface FoundEvent {
  readonly event: WatchEvent
  readonly source: RowSource
}

/** Codes of a watch that can be opened again: its task has moved, or its thread or its reader was slow. */
const reopened: ReadonlySet<string> = new Set([
  'MR_QUERY_MOVED',
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_RESTORING',
  'MR_QUERY_SLOW_READER',
  'MR_QUERY_TIMEOUT',
  'MR_STATE_CLOSED',
])

/**
 * Watches one partition, wherever its task is. When it moves, the watch goes on there as soon as the task has what was
 * shown: from `begin`, with the rows as they are. An error ends it if the task cannot be read in time.
 */
export async function* watchPartition(
  owners: RowOwners,
  request: RowRequest,
  patience: Patience,
): AsyncGenerator<FoundEvent, void> {
  let { at } = request
  for (;;) {
    const { page: first, scans }: Opened = await ask(owners, { ...request, at }, patience)
    let more = first.more
    try {
      for (let page = first; ;) {
        const { source } = page
        for (const event of readEvents(page.rows)) yield { event, source }
        // A standby has no position.
        if (Object.keys(source.position).length > 0) at = source.position
        if (more === undefined) break
        patience.signal?.throwIfAborted()
        const deadline = patience.clock.monotonic() + 2 * LIFE_INTERVAL + patience.timeout
        page = await inTime(scans.next(more), request, patience, deadline)
        more = page.more
      }
    } catch (error) {
      if (!isMillraceError(error) || !reopened.has(error.code)) throw error
    } finally {
      if (more !== undefined) scans.cancel(more)
    }
  }
}

/** What several sources yield, as it comes. Reads no source further before what it gave was taken. */
export async function* merged<T>(sources: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void> {
  const arrived: { readonly source: AsyncGenerator<T, void>; readonly result: IteratorResult<T, void> }[] = []
  let failure: { readonly error: unknown } | undefined
  let wake = (): void => {}
  const read = (source: AsyncGenerator<T, void>): void => {
    source.next().then(
      (result) => {
        arrived.push({ source, result })
        wake()
      },
      (error: unknown) => {
        failure ??= { error }
        wake()
      },
    )
  }
  sources.forEach(read)
  try {
    for (let left = sources.length; left > 0;) {
      if (failure !== undefined) throw failure.error
      const next = arrived.shift()
      if (next === undefined) await new Promise<void>((resolve) => (wake = resolve))
      else if (next.result.done === true) left--
      else {
        yield next.result.value
        read(next.source)
      }
    }
  } finally {
    // Those that wait end when they are aborted, which is the caller's to do.
    for (const source of sources) void source.return().catch(() => {})
  }
}

/** Adds what one partition has reached to what all have. */
export function addPosition(all: Position, added: Position): Position {
  const sum: Record<string, Readonly<Record<number, number>>> = { ...all }
  for (const [topic, offsets] of Object.entries(added)) sum[topic] = { ...sum[topic], ...offsets }
  return sum
}

/** Events that can be ended while one is waited for. */
export class Watch<T> implements AsyncIterableIterator<T> {
  readonly #items: AsyncGenerator<T, void>
  readonly #abort: AbortController

  /** @param abort ends `items`, wherever they wait */
  constructor(items: AsyncGenerator<T, void>, abort: AbortController) {
    this.#items = items
    this.#abort = abort
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    try {
      const result = await this.#items.next()
      return result.done === true ? ENDED : result
    } catch (error) {
      if (error === ENDED) return ENDED
      throw error
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#abort.abort(ENDED)
    await this.#items.return()
    return ENDED
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

const ENDED: { readonly done: true; readonly value: undefined } = { done: true, value: undefined }
