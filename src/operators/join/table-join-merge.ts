import type { Headers } from '../../record/headers.ts'
import { DerivedTableOperator, asChange } from '../table/derived-table-operator.ts'

/** Where both sides of a table-table join meet. */
export class TableJoinMerge extends DerivedTableOperator<'tableJoinMerge'> {
  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    const oldValue = this.spec.sendOldValues ? change.oldValue : null
    this.emit(key, change.newValue, oldValue, change.isLatest, timestamp, headers)
  }
}
