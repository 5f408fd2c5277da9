import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { SpecOperator } from '../operator.ts'
import { openTableView, type TableLookup } from '../table/table-view.ts'
import { settled } from '../user-result.ts'

/**
 * One side of a table-table join by equal keys: a change of this side is joined with the current row of the other one.
 * Forwards Changes to the node where both sides meet.
 */
export class TableJoin extends SpecOperator<'tableJoin'> {
  readonly #joiner = this.spec.joiner
  readonly #isLeft = this.spec.side === 'left'
  /** Without a row on the other side there is no result at all: nothing to retract either. */
  readonly #needsOther = this.spec.join === 'inner' || (this.spec.join === 'left' && !this.#isLeft)
  /** Without a value on this side the result is a tombstone, whatever the other side has. */
  readonly #needsThis = this.spec.join === 'inner' || (this.spec.join === 'left' && this.#isLeft)
  #other!: TableLookup

  override init(): void {
    this.#other = openTableView(this.spec.other, this.context)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) return this.context.drop('null-key')
    const change = asChange(value)
    if (this.spec.versioned && !change.isLatest) return this.context.drop('out-of-order-version')
    const entry = this.#other.get(key)
    let other: unknown = null
    let time = timestamp
    if (entry !== undefined) {
      other = entry.value
      if (entry.timestamp > time) time = entry.timestamp
    } else if (this.#needsOther || (change.newValue === null && change.oldValue === null)) {
      return
    }
    const newValue = this.#joined(key, change.newValue, other)
    const oldValue = this.spec.sendOldValues ? this.#joined(key, change.oldValue, other) : null
    this.output.forward(key, new Change(newValue, oldValue, change.isLatest), time, headers)
  }

  override close(): void {
    this.#other.close()
  }

  #joined(key: unknown, value: unknown, other: unknown): unknown {
    if (value === null && (this.#needsThis || other === null)) return null
    const result = this.#isLeft ? this.#joiner(value, other, key) : this.#joiner(other, value, key)
    return settled(result, this.context) ?? null
  }
}
