import { murmur2 } from '../../src/record/murmur2.ts'
import type { JoinKind } from '../../src/topology/operator-spec.ts'

export interface JoinBounds {
  readonly before: number
  readonly after: number
  readonly grace: number
}

export type Side = 'left' | 'right'

export interface Arrival {
  readonly side: Side
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

interface Row {
  readonly side: Side
  readonly key: string
  readonly value: string
  readonly timestamp: number
  /** It is neither joined nor emitted with null. */
  waits: boolean
}

interface Result {
  readonly left: string | null
  readonly right: string | null
  readonly key: string | null
  readonly timestamp: number
}

/**
 * A model of a join of two streams, which keeps all records and has no stores. The window of a record ends at its
 * timestamp plus `after` (`before` for the right side) plus grace. A record that comes before that end joins every
 * record of the other side in the window, both bounds included. One without a partner comes out when stream time is
 * greater than that end, or at once if it comes later still.
 */
export class JoinModel {
  readonly #kind: JoinKind
  readonly #bounds: JoinBounds
  readonly #rows: Row[] = []
  #streamTime = -1
  readonly #newest = { left: -1, right: -1 }

  constructor(kind: JoinKind, bounds: JoinBounds) {
    this.#kind = kind
    this.#bounds = bounds
  }

  /** Returns the results of a record, in order. */
  take({ side, key, value, timestamp }: Arrival): Result[] {
    this.#streamTime = Math.max(this.#streamTime, timestamp)
    const results = this.#closed()
    const unmatched = side === 'left' ? { left: value, right: null } : { left: null, right: value }
    if (key === null || value === null) {
      if (value !== null && this.#comesAlone(side)) results.push({ ...unmatched, key, timestamp })
      return results
    }
    const partners = this.#partners(side, key, timestamp)
    for (const partner of partners) {
      partner.waits = false
      const time = Math.max(timestamp, partner.timestamp)
      const pair = side === 'left' ? { left: value, right: partner.value } : { left: partner.value, right: value }
      results.push({ ...pair, key, timestamp: time })
    }
    const alone = partners.length === 0 && this.#comesAlone(side)
    const late = this.#end(side, timestamp) < this.#streamTime
    if (alone && late) results.push({ ...unmatched, key, timestamp })
    this.#newest[side] = Math.max(this.#newest[side], timestamp)
    this.#rows.push({ side, key, value, timestamp, waits: alone && !late })
    return results
  }

  #comesAlone(side: Side): boolean {
    return this.#kind === 'outer' || (this.#kind === 'left' && side === 'left')
  }

  /** Returns the end of a record's window. A greater stream time closes it. */
  #end(side: Side, timestamp: number): number {
    const { before, after, grace } = this.#bounds
    return timestamp + (side === 'left' ? after : before) + grace
  }

  #closed(): Result[] {
    const closed = this.#rows.filter((row) => row.waits && this.#end(row.side, row.timestamp) < this.#streamTime)
    closed.sort(
      (one, other) =>
        one.timestamp - other.timestamp ||
        (one.side === other.side ? compare(one.key, other.key) : one.side === 'right' ? -1 : 1),
    )
    return closed.map((row) => {
      row.waits = false
      const { side, key, value, timestamp } = row
      return { left: side === 'left' ? value : null, right: side === 'right' ? value : null, key, timestamp }
    })
  }

  #partners(side: Side, key: string, timestamp: number): Row[] {
    const { before, after, grace } = this.#bounds
    const other = side === 'left' ? 'right' : 'left'
    const [earlier, later] = side === 'left' ? [before, after] : [after, before]
    const onTime = timestamp + Math.max(0, later) + grace >= this.#streamTime
    // A record that comes too late joins the records that the other side still holds, by that side's own time.
    const held = this.#newest[other] - Math.max(0, before) - Math.max(0, after) - grace
    return this.#rows
      .filter((row) => row.side === other && row.key === key && (onTime || row.timestamp >= held))
      .filter((row) => row.timestamp >= timestamp - earlier && row.timestamp <= timestamp + later)
      .sort((one, another) => one.timestamp - another.timestamp)
  }
}

/** Each partition has its own time and rows. With `self` every record is one of the left side, then of the right. */
export function modelResults(
  kind: JoinKind,
  bounds: JoinBounds,
  self: boolean,
  partitions: number,
  arrivals: readonly Arrival[],
): string[][] {
  const models = Array.from({ length: partitions }, () => new JoinModel(kind, bounds))
  return arrivals.map((arrival) => {
    const model = models[partitionOf(arrival.key, partitions)] ?? models[0]!
    const results = model.take(arrival)
    if (self) results.push(...model.take({ ...arrival, side: 'right' }))
    return results.map(({ left, right, key, timestamp }) => `${key}: ${left}+${right} @${timestamp}`)
  })
}

function partitionOf(key: string | null, partitions: number): number {
  if (key === null) return 0
  const bytes = Buffer.from(key)
  return (murmur2(bytes, 0, bytes.length) & 0x7fffffff) % partitions
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
