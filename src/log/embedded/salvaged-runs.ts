import type { Run } from '../local/run.ts'
import { isDamage, UNREADABLE, type DamagedRows, type Row } from './damaged-rows.ts'
import { baseOf, runKey } from './log-keys.ts'
import { openRun } from './stored-run.ts'

/** The share of itself by which the distance from an unreadable offset grows: runs in between may be missed. */
const GALLOP = 1 / 64
/** Offsets that are looked up one by one where reading in order fails, at most. */
const LOOK_UPS = 100_000

/** A run that can be read, in its stored form. */
export interface ReadableRun extends Row {
  readonly base: number
  /** Exclusive. */
  readonly end: number
}

/**
 * The readable runs of one partition, in the order of their offsets. An iterator reads a block of every table to find
 * its place, and so fails far away from the damage, where a look-up by key does not. The key is known if a run begins
 * at the end of the one before.
 */
export class SalvagedRuns {
  readonly #rows: DamagedRows
  readonly #topic: number
  readonly #partition: number

  constructor(rows: DamagedRows, topic: number, partition: number) {
    this.#rows = rows
    this.#topic = topic
    this.#partition = partition
  }

  /** Returns the run that begins before an offset and holds it. */
  holderOf(offset: number): ReadableRun | undefined {
    const row = this.#rows.first({ gte: this.#key(0), lt: this.#key(offset + 1), reverse: true })
    const run = row === undefined || row === UNREADABLE ? undefined : readable(row)
    return run !== undefined && run.end > offset ? run : undefined
  }

  /** Visits runs from an offset on, one after the other without a gap. @returns the end of the last */
  follow(offset: number, visit: (run: ReadableRun) => boolean): number {
    let at = offset
    this.#rows.each({ gte: this.#key(at), lt: this.#key(Number.MAX_SAFE_INTEGER) }, (row) => {
      const run = readable(row)
      if (run === undefined || run.base !== at) return false
      at = run.end
      return visit(run)
    })
    return at
  }

  /**
   * Finds the first run at an offset or after it.
   *
   * @param end the partition's, as far as it is known
   * @returns `wasUnreadable` true if there may have been others in between
   */
  next(offset: number, end: number): { readonly run: ReadableRun | undefined; readonly wasUnreadable: boolean } {
    let at = offset
    let wasUnreadable = false
    for (;;) {
      const own = this.#rows.get(this.#key(at))
      let run = Buffer.isBuffer(own) ? readable({ key: this.#key(at), value: own }) : undefined
      if (run !== undefined) return { run, wasUnreadable }
      if (own !== undefined) wasUnreadable = true
      let row = this.#firstFrom(own === undefined ? at : at + 1)
      if (row === UNREADABLE) {
        wasUnreadable = true
        row = this.#gallop(at)
        run = this.#lookUp(at + 1, Math.min(row === undefined ? end : baseOf(row.key), at + LOOK_UPS))
      }
      if (run === undefined && row !== undefined) run = readable(row)
      if (run !== undefined || row === undefined) return { run, wasUnreadable }
      wasUnreadable = true
      at = baseOf(row.key) + 1
    }
  }

  /** Returns the first readable run that begins at one of these offsets. */
  #lookUp(from: number, to: number): ReadableRun | undefined {
    for (let offset = from; offset < to; offset++) {
      const key = this.#key(offset)
      const value = this.#rows.get(key)
      const run = Buffer.isBuffer(value) ? readable({ key, value }) : undefined
      if (run !== undefined) return run
    }
    return undefined
  }

  /** Seeks on from an offset at which seeking fails, then back to the first at which it does not. */
  #gallop(from: number): Row | undefined {
    let failed = from
    let reached = from
    let row: Row | undefined | typeof UNREADABLE = UNREADABLE
    for (let distance = 1; row === UNREADABLE; distance += Math.max(1, Math.floor(distance * GALLOP))) {
      if (from + distance >= Number.MAX_SAFE_INTEGER) return undefined
      failed = reached
      reached = from + distance
      row = this.#firstFrom(reached)
    }
    while (reached - failed > 1) {
      const middle = failed + Math.floor((reached - failed) / 2)
      const found = this.#firstFrom(middle)
      if (found === UNREADABLE) failed = middle
      else [reached, row] = [middle, found]
    }
    return row
  }

  #firstFrom(offset: number): Row | undefined | typeof UNREADABLE {
    return this.#rows.first({ gte: this.#key(offset), lt: this.#key(Number.MAX_SAFE_INTEGER) })
  }

  #key(offset: number): Buffer {
    return runKey(this.#topic, this.#partition, offset)
  }
}

function readable({ key, value }: Row): ReadableRun | undefined {
  const base = baseOf(key)
  let run: Run
  try {
    run = openRun(value, base)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
  return { key, value, base, end: base + run.span }
}
