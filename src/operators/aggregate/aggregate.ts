import type { Headers } from '../../record/headers.ts'
import { createFold, type Fold } from './folding.ts'
import { SpecOperator } from '../operator.ts'
import { TableStore } from '../table/table-store.ts'

/** `count`, `reduce` and `aggregate` of a grouped stream, not windowed. Forwards Changes. */
export class Aggregate extends SpecOperator<'aggregate'> {
  #fold!: Fold
  #store!: TableStore
  #wantsOld = false
  /** The stored aggregate must survive the user function: it is the old value, or an error may be skipped. */
  #protects = false
  /** Kafka Streams takes the initial value for the old value of a key that had none. */
  #initialIsOld = false

  override init(): void {
    this.#fold = createFold(this.spec.folding, this.context)
    this.#store = new TableStore(this.context, this.output, this.spec.store, this.spec.sendOldValues)
    this.#wantsOld = this.#store.wantsOldValues
    this.#protects = this.#wantsOld || this.context.mayContinue
    this.#initialIsOld = this.#wantsOld && this.context.compatible
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null || value === null) return this.context.drop(key === null ? 'null-key' : 'null-value')
    const store = this.#store
    const entry = store.get(key)
    let aggregate: unknown = null
    let old: unknown = null
    let time = timestamp
    if (entry !== undefined) {
      aggregate = entry.value
      if (entry.timestamp > time) time = entry.timestamp
      if (this.#wantsOld) old = aggregate
      if (this.#protects && typeof aggregate === 'object') aggregate = store.copy(aggregate)
    } else if (this.#initialIsOld) {
      old = this.#fold.initial()
    }
    const result = this.#fold.add(aggregate, value, key)
    if (result === null && store.nullsInRecordTime) time = timestamp
    store.update(key, result, old, time, headers)
  }
}
