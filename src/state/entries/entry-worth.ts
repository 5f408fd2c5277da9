/** Keys that are looked for until it is judged anew. */
const SAMPLE = 8192
/** So many of them must be in memory for what is kept to be worth its place: it has to be found among more, moved by the collector, and evicted. */
const PAYS = 1 / 8
/** One in so many bytes is used at least, to see whether more would be worth it. */
const MOST = 8

/**
 * Which part of the memory for entries that the engine has too is worth using. With keys in no order, and many more of them than there is memory for,
 * hardly any entry is asked for again before it has to make room: then it is halved. It is doubled when what is left, were it the whole, would find
 * twice what pays, and when nothing was looked for in the engine for as long as it takes from one write to the next: what pays is not known then.
 */
export class EntryWorth {
  #divisor = 1
  #found = 0
  #sought = 0
  #wasAsked = false

  /** One in so many bytes is worth using. */
  get divisor(): number {
    return this.#divisor
  }

  /** Of so many keys that no change in memory had the answer to, so many were found all the same. */
  count(found: number, sought: number): void {
    this.#wasAsked = true
    this.#found += found
    this.#sought += sought
    if (this.#sought < SAMPLE) return
    const ofAll = (this.#found / this.#sought) * this.#divisor
    if (ofAll < PAYS) this.#divisor = Math.min(MOST, 2 * this.#divisor)
    else if (ofAll > 2 * PAYS) this.#divisor = Math.max(1, this.#divisor / 2)
    this.#found = 0
    this.#sought = 0
  }

  /** The engine has been written to. */
  written(): void {
    if (!this.#wasAsked) this.#divisor = Math.max(1, this.#divisor / 2)
    this.#wasAsked = false
  }
}
