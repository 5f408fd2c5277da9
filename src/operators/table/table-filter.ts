import type { Headers } from '../../record/headers.ts'
import { DerivedTableOperator, asChange } from './derived-table-operator.ts'
import { settled } from '../user-result.ts'

/**
 * `filter` and `filterNot` of a table: what is filtered out becomes a tombstone, which is spared where it is known that
 * there was nothing before.
 */
export class TableFilter extends DerivedTableOperator<'tableFilter'> {
  readonly #predicate = this.spec.predicate
  readonly #keep = !this.spec.not
  readonly #knowsOld = this.spec.sendOldValues || this.spec.parentSendsOldValues

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    const newValue = this.#filtered(key, change.newValue)
    const oldValue = this.#knowsOld ? this.#old(key, change.oldValue) : null
    if (this.#knowsOld && !this.spec.versioned && newValue === null && oldValue === null) return
    this.emit(key, newValue, oldValue, change.isLatest, timestamp, headers)
  }

  #filtered(key: unknown, value: unknown): unknown {
    return value !== null && Boolean(settled(this.#predicate(value, key), this.context)) === this.#keep ? value : null
  }

  #old(key: unknown, parentOld: unknown): unknown {
    return this.store === null ? this.#filtered(key, parentOld) : (this.store.get(key)?.value ?? null)
  }
}
