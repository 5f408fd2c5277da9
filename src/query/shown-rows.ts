import { murmur2 } from '../record/murmur2.ts'

/** A row that was shown, by what distinguishes it from other rows of its key: see `printOf`. */
type Print = number

/**
 * The rows that somebody was shown, so that rows that come again after a watch was opened again are not shown again,
 * and that those which are gone by then are.
 */
export class ShownRows {
  /** By key. */
  #shown = new Map<string, Print>()
  /** Rows shown before the last `begin` that have not come again since. */
  #before = new Map<string, Print>()

  /** All rows that there are follow. */
  begin(): void {
    for (const [key, print] of this.#shown) this.#before.set(key, print)
    this.#shown = new Map()
  }

  /** Takes a row, or (undefined) that a key has none. Returns false if that is what was shown last. */
  take(key: string, print: Print | undefined): boolean {
    const last = this.#shown.get(key) ?? this.#before.get(key)
    this.#before.delete(key)
    if (print === undefined) this.#shown.delete(key)
    else this.#shown.set(key, print)
    return print !== last
  }

  /** All rows that there are have come. Returns the keys of the others that were shown. */
  gone(): Iterable<string> {
    const gone = this.#before
    this.#before = new Map()
    return gone.keys()
  }
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
