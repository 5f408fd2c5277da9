import type { ChangedRow } from './change-page.ts'
import type { Position } from './row-request.ts'
import { printOf, ShownRows } from './shown-rows.ts'
import type { AskedStore, CheckedQuery, Watched } from './store-queries.ts'
import { addPosition } from './watch.ts'

/** A row that differs from what was shown of its key. */
export interface ShownChange extends Pick<ChangedRow, 'key' | 'value' | 'timestamp'> {
  readonly partition: number
  /** What was shown up to here, of all partitions. */
  readonly position: Position
}

/**
 * The rows of a watch, each once as long as it does not change, although its parts may begin again: what has come again
 * is left out, and what has not is gone.
 */
export async function* watchRows(
  store: AskedStore,
  watched: Watched,
  options: CheckedQuery,
): AsyncGenerator<ShownChange, void> {
  const partitions = new Map<number, ShownRows>()
  const reached = new Map<number, Position>()
  let position = options.at ?? {}
  /** A key that is watched alone is shown although it has no row. */
  let isAwaited = watched.key !== undefined
  for await (const { event, source } of store.watch(watched, options)) {
    const { partition } = source
    if (reached.get(partition) !== source.position) position = addPosition(position, source.position)
    reached.set(partition, source.position)
    const shown = partitions.get(partition) ?? new ShownRows()
    partitions.set(partition, shown)
    switch (event.kind) {
      case 'begin':
        shown.begin()
        break
      case 'current':
        for (const key of shown.gone()) {
          yield { key: Buffer.from(key, 'latin1'), value: undefined, timestamp: -1, partition, position }
        }
        break
      default: {
        const { key, value, timestamp } = event
        const print = value === undefined ? undefined : printOf(value, timestamp)
        const isNew = shown.take(key.toString('latin1'), print)
        if (isNew || isAwaited) yield { key, value, timestamp, partition, position }
        isAwaited = false
      }
    }
  }
}
