import type { Headers } from '../../record/headers.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { DerivedTableOperator, asChange } from '../table/derived-table-operator.ts'

/** Where both sides of a table-table join meet. */
export class TableJoinMerge extends DerivedTableOperator {
  readonly #sendOldValues: boolean

  constructor(spec: SpecOf<'tableJoinMerge'>) {
    super(spec.store, spec.sendOldValues)
    this.#sendOldValues = spec.sendOldValues
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    const oldValue = this.#sendOldValues ? change.oldValue : null
    this.emit(key, change.newValue, oldValue, change.isLatest, timestamp, headers)
  }
}
