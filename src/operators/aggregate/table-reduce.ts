import type { Headers } from '../../record/headers.ts'
import type { Reducer, SpecOf } from '../../topology/operator-spec.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { Operator } from '../operator.ts'
import { checkGroupKey } from './table-aggregate.ts'
import { TableStore } from '../table/table-store.ts'
import { settled } from '../user-result.ts'

/** `reduce` of a grouped table: takes the old value out, then the new one in. Forwards Changes. */
export class TableReduce extends Operator {
  readonly #spec: SpecOf<'tableReduce'>
  readonly #adder: Reducer
  readonly #subtractor: Reducer
  #store!: TableStore
  #protects = false

  constructor(spec: SpecOf<'tableReduce'>) {
    super()
    this.#spec = spec
    this.#adder = spec.adder
    this.#subtractor = spec.subtractor
  }

  override init(): void {
    this.#store = new TableStore(this.context, this.output, this.#spec.store, this.#spec.sendOldValues)
    this.#protects = this.#store.wantsOldValues || this.context.mayContinue
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    checkGroupKey(key, this.context)
    const change = asChange(value)
    const entry = this.#store.get(key)
    let time = timestamp
    let old: unknown = null
    let aggregate: unknown = null
    if (entry !== undefined) {
      old = entry.value
      if (entry.timestamp > time) time = entry.timestamp
      aggregate = this.#protects && typeof old === 'object' ? this.#store.copy(old) : old
      if (change.oldValue !== null)
        aggregate = settled(this.#subtractor(aggregate, change.oldValue), this.context) ?? null
    }
    if (change.newValue !== null) {
      aggregate =
        aggregate === null ? change.newValue : (settled(this.#adder(aggregate, change.newValue), this.context) ?? null)
    }
    if (aggregate === null && this.#store.nullsInRecordTime) time = timestamp
    this.#store.update(key, aggregate, old, time, headers)
  }
}
