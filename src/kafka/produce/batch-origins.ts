import type { AppendOrigin } from '../../log/refusal.ts'

/** Origins of a batch's records, and the numbers by which they know them: 8 bytes each, as origins come in runs. */
export class BatchOrigins {
  #places: Float64Array
  readonly #origins: (AppendOrigin | undefined)[] = []
  /** Index of the first record of each origin's run. */
  readonly #starts: number[] = []
  #last: AppendOrigin | undefined
  #count = 0

  /** @param capacity records to begin with; grows as needed */
  constructor(capacity: number) {
    this.#places = new Float64Array(capacity)
  }

  add(origin: AppendOrigin | undefined, place: number): void {
    const index = this.#count++
    if (index === this.#places.length) this.#grow()
    if (origin !== this.#last || index === 0) {
      this.#last = origin
      this.#origins.push(origin)
      this.#starts.push(index)
    }
    this.#places[index] = place
  }

  originOf(index: number): AppendOrigin | undefined {
    return this.#origins[this.#starts.findLastIndex((start) => start <= index)]
  }

  placeOf(index: number): number {
    return this.#places[index]!
  }

  /** Notifies the origins that listen. @param base offset of the first record */
  notifyWritten(base: number): void {
    for (let run = 0; run < this.#origins.length; run++) {
      const origin = this.#origins[run]
      if (origin?.written === undefined) continue
      const end = this.#starts[run + 1] ?? this.#count
      for (let index = this.#starts[run]!; index < end; index++) origin.written(base + index, this.#places[index]!)
    }
  }

  #grow(): void {
    const larger = new Float64Array(Math.max(16, this.#places.length * 2))
    larger.set(this.#places)
    this.#places = larger
  }
}
