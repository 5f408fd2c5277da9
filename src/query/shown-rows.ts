import { murmur2 } from '../record/murmur2.ts'

/** A row that was shown, by what distinguishes it from other rows of its key: see `printOf`. */
type Print = number

/**
 * The rows that somebody was shown, so that rows that come again after a watch was opened again are not shown again,
 * and that those which are gone by then are. A row has a name: text by which it is known.
 */
export class ShownRows {
  /** By name. */
  #shown = new Map<string, Print>()
  /** Rows shown before the last `begin` that have not come again since. */
  #before = new Map<string, Print>()
  /** None has a name that comes before this one. */
  #least = MOST

  /** All rows that there are follow. */
  begin(): void {
    for (const [name, print] of this.#shown) this.#before.set(name, print)
    this.#shown = new Map()
  }

  /** Takes a row, or (undefined) that it is not there. Returns false if that is what was shown last. */
  take(name: string, print: Print | undefined): boolean {
    const last = this.#shown.get(name) ?? this.#before.get(name)
    this.#before.delete(name)
    if (print === undefined) this.#shown.delete(name)
    else {
      this.#shown.set(name, print)
      if (name < this.#least) this.#least = name
    }
    return print !== last
  }

  /** Rows whose names come before this one are not there any more. Returns the names of those that were shown. */
  expire(before: string): string[] {
    const gone: string[] = []
    if (before <= this.#least) return gone
    this.#least = MOST
    for (const rows of [this.#before, this.#shown]) {
      for (const name of rows.keys()) {
        if (name < before) {
          rows.delete(name)
          gone.push(name)
        } else if (name < this.#least) this.#least = name
      }
    }
    return gone
  }

  /** All rows that there are have come. Returns the names of the others that were shown. */
  gone(): Iterable<string> {
    const gone = this.#before
    this.#before = new Map()
    return gone.keys()
  }
}

/** Comes behind every name that begins with digits. */
const MOST = ':'
const LONGEST_TIME = 16

/** Returns the beginning of the names of windows and sessions with this end. Those that end earlier come before it. */
export function nameOfEnd(end: number): string {
  return `${String(Math.max(0, end)).padStart(LONGEST_TIME, '0')} `
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** Returns 53 bits that two rows of a key hardly ever have in common. */
export function printOf(value: Uint8Array, timestamp: number): Print {
  let hash = FNV_OFFSET ^ timestamp
  for (const byte of value) hash = Math.imul(hash ^ byte, FNV_PRIME)
  hash = Math.imul(hash ^ (timestamp / 0x1_0000_0000), FNV_PRIME)
  return (hash >>> 0) * 0x20_0000 + (murmur2(value, 0, value.length) >>> 11)
}
