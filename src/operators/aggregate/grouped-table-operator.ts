import { MillraceError } from '../../errors/millrace-error.ts'
import type { Headers } from '../../record/headers.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { SpecOperator } from '../operator.ts'
import { TableStore } from '../table/table-store.ts'

/** The aggregations of a grouped table: the old value is taken out, then the new one in. Forwards Changes. */
export abstract class GroupedTableOperator<Name extends 'tableAggregate' | 'tableReduce'> extends SpecOperator<Name> {
  #store!: TableStore
  #protects = false

  /** The aggregate with one more value; `aggregate` null: there is none yet. */
  protected abstract add(aggregate: unknown, value: unknown, key: unknown): unknown
  protected abstract subtract(aggregate: unknown, value: unknown, key: unknown): unknown

  override init(): void {
    this.#store = new TableStore(this.context, this.output, this.spec.store, this.spec.sendOldValues)
    this.#protects = this.#store.wantsOldValues || this.context.mayContinue
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) throw this.#nullKey()
    const change = asChange(value)
    const entry = this.#store.get(key)
    let time = timestamp
    let old: unknown = null
    let aggregate: unknown = null
    if (entry !== undefined) {
      old = entry.value
      if (entry.timestamp > time) time = entry.timestamp
      aggregate = this.#protects && typeof old === 'object' ? this.#store.copy(old) : old
      if (change.oldValue !== null) aggregate = this.subtract(aggregate, change.oldValue, key)
    }
    if (change.newValue !== null) aggregate = this.add(aggregate, change.newValue, key)
    if (aggregate === null && this.#store.nullsInRecordTime) time = timestamp
    this.#store.update(key, aggregate, old, time, headers)
  }

  #nullKey(): MillraceError {
    const { node, taskId: task } = this.context
    return new MillraceError('MR_NULL_KEY', 'the aggregation of a grouped table got a record without key', {
      node,
      task,
      hint: 'Records of its repartition topic always have one: was something else written there?',
    })
  }
}
