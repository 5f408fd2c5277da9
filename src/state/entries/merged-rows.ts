import type { EngineIterator, KeyValueEngine } from '../../engine/engine.ts'

/** A row that the engine lacks, or has as it was before; `row` null: it is deleted. */
export interface RowChange {
  readonly rowKey: Buffer
  readonly row: Buffer | null
}

export interface MergedRange {
  /** Row keys, the upper one exclusive. */
  readonly lower: Buffer
  readonly upper: Buffer
  readonly reverse: boolean
  /** In range, in ascending order. */
  readonly changes: readonly RowChange[]
}

/** The engine's rows and changes of them, which win, by row key, as they were when it was opened. */
export class MergedRows {
  rowKey: Buffer
  row: Buffer
  readonly #iterator: EngineIterator
  readonly #changes: readonly RowChange[]
  readonly #reverse: boolean
  #nextChange = 0
  /** The engine stands at a row that has not been shown. */
  #ahead = false
  #ended = false

  constructor(engine: KeyValueEngine, { lower, upper, reverse, changes }: MergedRange) {
    this.#changes = reverse ? changes.toReversed() : changes
    this.#reverse = reverse
    this.rowKey = lower
    this.row = lower
    this.#iterator = engine.iterate({ gte: lower, lt: upper, reverse })
  }

  next(): boolean {
    for (;;) {
      if (!this.#ahead && !this.#ended) {
        this.#ahead = this.#iterator.next()
        this.#ended = !this.#ahead
      }
      const change = this.#changes[this.#nextChange]
      const order = change === undefined ? 1 : this.#ahead ? this.#compare(change.rowKey) : -1
      if (change === undefined || order > 0) {
        if (!this.#ahead) return false
        this.#ahead = false
        this.rowKey = this.#iterator.key
        this.row = this.#iterator.value
        return true
      }
      this.#nextChange++
      if (order === 0) this.#ahead = false
      if (change.row === null) continue
      this.rowKey = change.rowKey
      this.row = change.row
      return true
    }
  }

  close(): void {
    this.#ended = true
    this.#ahead = false
    this.#nextChange = this.#changes.length
    this.#iterator.close()
  }

  #compare(rowKey: Buffer): number {
    const order = Buffer.compare(rowKey, this.#iterator.key)
    return this.#reverse ? -order : order
  }
}

/** Sorts changes by row key: as text, which is compared in a third of the time of bytes. */
export function sortedByRowKey(changes: readonly RowChange[]): RowChange[] {
  const texts = changes.map((change) => ({ change, text: change.rowKey.toString('latin1') }))
  texts.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
  return texts.map(({ change }) => change)
}
