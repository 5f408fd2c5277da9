/** Shortest segment, ms: as Kafka Streams. */
const MIN_SEGMENT_INTERVAL = 60_000

/** Which rows of a store with retention are seen, taken and kept, from the greatest time ever put. */
export class Retention {
  /** Greatest time ever put, those of deletions and of rejected puts included; -1 before the first. */
  observed = -1
  readonly segmentInterval: number
  readonly #retention: number
  readonly #keepsSegments: boolean
  readonly #inclusive: boolean

  /**
   * @param keepsSegments true: takes what is too old to be seen as long as its segment is there, as Kafka Streams'
   * persistent stores; false: as its in-memory stores
   * @param inclusive true: a row exactly as old as the retention is seen; false: not even the newest, if the retention is 0
   */
  constructor(retention: number, keepsSegments: boolean, inclusive: boolean) {
    this.#retention = retention
    this.#keepsSegments = keepsSegments
    this.#inclusive = inclusive
    this.segmentInterval = Math.max(Math.floor(retention / 2), MIN_SEGMENT_INTERVAL)
  }

  /** Smallest time that look-ups see. */
  get firstVisible(): number {
    return this.firstVisibleAt(this.observed)
  }

  /** The same, had this been the greatest time put. */
  firstVisibleAt(observed: number): number {
    const oldest = observed - this.#retention
    return this.#inclusive ? oldest : oldest + 1
  }

  /** Takes note of a put; false if it is too old to be taken. */
  accept(time: number): boolean {
    if (time > this.observed) this.observed = time
    return this.#keepsSegments ? this.segment(time) >= this.firstLiveSegment : time >= this.firstVisible
  }

  segment(time: number): number {
    return Math.floor(time / this.segmentInterval)
  }

  /** Segments before this one hold nothing that will be seen again. */
  get firstLiveSegment(): number {
    return Math.max(0, this.segment(this.observed - this.#retention))
  }
}
