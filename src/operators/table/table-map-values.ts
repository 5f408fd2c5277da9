import type { Headers } from '../../record/headers.ts'
import { DerivedTableOperator, asChange } from './derived-table-operator.ts'
import { settled } from '../user-result.ts'

/** `mapValues` of a table. The function never sees a tombstone. */
export class TableMapValues extends DerivedTableOperator<'tableMapValues'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    const newValue = this.#mapped(key, change.newValue)
    const oldValue = this.spec.sendOldValues ? this.#old(key, change.oldValue) : null
    this.emit(key, newValue, oldValue, change.isLatest, timestamp, headers)
  }

  #mapped(key: unknown, value: unknown): unknown {
    return value === null ? null : (settled(this.#mapper(value, key), this.context) ?? null)
  }

  #old(key: unknown, parentOld: unknown): unknown {
    if (this.store === null) return this.#mapped(key, parentOld)
    return this.store.wantsOldValues ? (this.store.get(key)?.value ?? null) : null
  }
}
