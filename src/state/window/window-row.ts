import type { KeyValueEngine } from '../../engine/engine.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { RowChange } from '../entries/merged-rows.ts'
import type { Consistency, RowChanges, StoredRow } from '../reads.ts'
import type { Retention } from '../segment-retention.ts'
import type { TimedLayout } from './changelog-key.ts'

/** What the reads of a window, session or period store need of it. */
export interface TimedSource {
  readonly engine: KeyValueEngine
  readonly layout: TimedLayout
  readonly retention: Retention
  /** Length of every window, ms; undefined where rows have both bounds. */
  readonly windowSize: number | undefined
  readonly timestamped: boolean
  /** Absent: several rows of a key may have the same time, and nobody could tell one from the other. */
  readonly watchable: RowChanges | undefined
  observe(): boolean
  /** Returns the row with this row key; null if it is deleted, undefined if the engine has it. */
  seen(rowKey: Buffer, consistency: Consistency): Buffer | null | undefined
  /** Returns what the engine lacks of this time, of one key or of all, in the order of row keys. */
  changes(key: Buffer | undefined, from: number, to: number, consistency: Consistency): readonly RowChange[]
}

/** A row as the engine has it. */
export interface WindowBytes {
  readonly rowKey: Buffer
  readonly row: Buffer
}

/** What the bytes of a row say. */
export abstract class WindowRow implements StoredRow {
  protected readonly source: TimedSource

  constructor(source: TimedSource) {
    this.source = source
  }

  protected abstract get shown(): WindowBytes

  get key(): Buffer {
    const { layout } = this.source
    const { rowKey } = this.shown
    return rowKey.subarray(layout.headerLength, layout.keyEnd(rowKey))
  }

  get value(): Buffer {
    return this.shown.row.subarray(this.source.timestamped ? 8 : 0)
  }

  /** A session's end is its time. */
  get timestamp(): number {
    const { timestamped, windowSize } = this.source
    return timestamped ? readLong(this.shown.row, 0) : windowSize === undefined ? this.end : -1
  }

  get start(): number {
    const { layout, windowSize } = this.source
    const { rowKey } = this.shown
    return windowSize === undefined ? layout.subOf(rowKey) : layout.timeOf(rowKey)
  }

  get end(): number {
    const { layout, windowSize } = this.source
    return layout.timeOf(this.shown.rowKey) + (windowSize ?? 0)
  }
}
