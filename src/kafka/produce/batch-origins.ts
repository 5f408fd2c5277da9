import type { RecordOrigin } from '../../log/refusal.ts'

/** Origins of a batch's records, and the numbers by which they know them: 8 bytes each, as origins come in runs. */
export class BatchOrigins {
  #places: Float64Array
  readonly #origins: (RecordOrigin | undefined)[] = []
  /** Index of the first record of each origin's run. */
  readonly #starts: number[] = []
  #last: RecordOrigin | undefined
  #count = 0

  /** @param capacity records to begin with; grows as needed */
  constructor(capacity: number) {
    this.#places = new Float64Array(capacity)
  }

  add(origin: RecordOrigin | undefined, place: number): void {
    const index = this.#count++
    if (index === this.#places.length) this.#grow()
    if (origin !== this.#last || index === 0) {
      this.#last = origin
      this.#origins.push(origin)
      this.#starts.push(index)
    }
    this.#places[index] = place
  }

  originOf(index: number): RecordOrigin | undefined {
    return this.#origins[this.#starts.findLastIndex((start) => start <= index)]
  }

  placeOf(index: number): number {
    return this.#places[index]!
  }

  #grow(): void {
    const larger = new Float64Array(Math.max(16, this.#places.length * 2))
    larger.set(this.#places)
    this.#places = larger
  }
}
