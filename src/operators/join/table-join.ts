import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { Joiner, SpecOf } from '../../topology/operator-spec.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { Operator } from '../operator.ts'
import { openTableView, type TableLookup } from '../table/table-view.ts'
import { settled } from '../user-result.ts'

/**
 * One side of a table-table join by equal keys: a change of this side is joined with the current row of the other one.
 * Forwards Changes to the node where both sides meet.
 */
export class TableJoin extends Operator {
  readonly #spec: SpecOf<'tableJoin'>
  readonly #joiner: Joiner
  readonly #isLeft: boolean
  /** Without a row on the other side there is no result at all: nothing to retract either. */
  readonly #needsOther: boolean
  /** Without a value on this side the result is a tombstone, whatever the other side has. */
  readonly #needsThis: boolean
  #other!: TableLookup

  constructor(spec: SpecOf<'tableJoin'>) {
    super()
    this.#spec = spec
    this.#joiner = spec.joiner
    this.#isLeft = spec.side === 'left'
    this.#needsOther = spec.join === 'inner' || (spec.join === 'left' && !this.#isLeft)
    this.#needsThis = spec.join === 'inner' || (spec.join === 'left' && this.#isLeft)
  }

  override init(): void {
    this.#other = openTableView(this.#spec.other, this.context)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    const change = asChange(value)
    if (this.#spec.versioned && !change.isLatest) {
      this.context.drop('out-of-order-version')
      return
    }
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
    const oldValue = this.#spec.sendOldValues ? this.#joined(key, change.oldValue, other) : null
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
