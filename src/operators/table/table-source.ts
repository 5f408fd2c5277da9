import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { TableStore } from './table-store.ts'

/** `table`, `toTable`, and the result of a foreign-key join: a stream of upserts becomes a table. Forwards Changes. */
export class TableSource extends SpecOperator<'tableSource'> {
  #store: TableStore | null = null
  #wantsOld = false

  override init(): void {
    if (this.spec.store === null) return
    this.#store = new TableStore(this.context, this.output, this.spec.store, this.spec.sendOldValues)
    this.#wantsOld = this.#store.wantsOldValues
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) return this.context.drop('null-key')
    const store = this.#store
    if (store === null) return this.output.forward(key, new Change(value, null), timestamp, headers)
    const old = this.#wantsOld ? (store.get(key)?.value ?? null) : null
    store.update(key, value, old, timestamp, headers)
  }
}
