import type { RowNow, WindowPlace } from '../state/reads.ts'
import type { Position } from './row-request.ts'
import { nameOfEnd, printOf, ShownRows } from './shown-rows.ts'
import type { AskedStore, CheckedQuery, Watched } from './store-queries.ts'
import { addPosition } from './watch.ts'

/** A row that differs from what was shown of it. */
export interface ShownChange extends RowNow {
  readonly partition: number
  /** What was shown up to here, of all partitions. */
  readonly position: Position
}

/**
 * The rows of a watch, each once as long as it does not change, although its parts may begin again: what has come again
 * is left out, and what has not, or has expired, is gone.
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
  let isAwaited = watched.key !== undefined && watched.times === undefined
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
      case 'expired': {
        const gone = event.kind === 'current' ? shown.gone() : shown.expire(nameOfEnd(event.before))
        for (const name of gone) yield { ...placeOf(name, watched), ...NO_ROW, partition, position }
        break
      }
      default: {
        const { key, value, timestamp, start, end } = event
        const print = value === undefined ? undefined : printOf(value, timestamp)
        const isNew = shown.take(nameOf(event, watched), print)
        if (isNew || isAwaited) yield { key, value, timestamp, start, end, partition, position }
        isAwaited = false
      }
    }
  }
}

const NO_ROW = { value: undefined, timestamp: -1 }

/** Names a row by its key; a window or session by its end, its start and its key. */
function nameOf({ key, start, end }: WindowPlace, { times }: Watched): string {
  const text = key.toString('latin1')
  return times === undefined ? text : `${nameOfEnd(end)}${start} ${text}`
}

function placeOf(name: string, { times }: Watched): WindowPlace {
  if (times === undefined) return { key: Buffer.from(name, 'latin1'), start: -1, end: -1 }
  const keyAt = name.indexOf(' ', START) + 1
  const [end, start, key] = [name.slice(0, START), name.slice(START, keyAt), name.slice(keyAt)]
  return { key: Buffer.from(key, 'latin1'), start: Number(start), end: Number(end) }
}

const START = nameOfEnd(0).length
