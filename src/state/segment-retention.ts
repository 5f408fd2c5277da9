import type { Consistency } from './reads.ts'

/** The shortest segment, ms, as in Kafka Streams. */
const MIN_SEGMENT_INTERVAL = 60_000

/** Decides by the greatest time ever put which rows of a store with retention are seen, accepted and kept. */
export class Retention {
  /** The greatest time ever put, by deletions and rejected puts, too; -1 before the first. */
  observed = -1
  /** What it was at the last commit, at the one under way, and when the engine was written last. */
  #committed = -1
  #logged = -1
  #kept = -1
  readonly segmentInterval: number
  readonly #retention: number
  readonly #keepsSegments: boolean
  readonly #inclusive: boolean

  /**
   * @param keepsSegments true: accepts rows too old to be seen while their segment is there, as the persistent stores
   * of Kafka Streams do; false: refuses them, as its stores in memory do
   * @param inclusive whether a row exactly as old as the retention is seen; if not, retention 0 shows not even the
   * newest
   */
  constructor(retention: number, keepsSegments: boolean, inclusive: boolean) {
    this.#retention = retention
    this.#keepsSegments = keepsSegments
    this.#inclusive = inclusive
    this.segmentInterval = Math.max(Math.floor(retention / 2), MIN_SEGMENT_INTERVAL)
  }

  /** Begins with the greatest time that the engine has kept. */
  begin(kept: number): void {
    this.observed = this.#committed = this.#logged = this.#kept = kept
  }

  /** Returns the greatest time put, as a reader sees it. */
  observedBy(consistency: Consistency): number {
    return consistency === 'latest' ? this.observed : this.#committed
  }

  /** True if the engine has an earlier one. */
  get isUnwritten(): boolean {
    return this.observed !== this.#kept
  }

  /** Changes were logged for a commit. */
  logged(): void {
    this.#logged = this.observed
  }

  /** That commit has succeeded. */
  committed(): void {
    this.#committed = this.#logged
  }

  /** The engine has everything. */
  written(): void {
    this.#kept = this.#committed = this.observed
  }

  /** Goes back to what the engine has. */
  discard(): void {
    this.observed = this.#committed = this.#kept
  }

  /** The smallest time that look-ups see. */
  get firstVisible(): number {
    return this.firstVisibleAt(this.observed)
  }

  /** Returns the smallest time that look-ups would see if this were the greatest time put. */
  firstVisibleAt(observed: number): number {
    const oldest = observed - this.#retention
    return this.#inclusive ? oldest : oldest + 1
  }

  /** Notes the time of a put. Returns false if it is too old to be accepted. */
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
