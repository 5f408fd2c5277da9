import { MillraceError } from '../../errors/millrace-error.ts'
import type { Headers } from '../../record/headers.ts'
import type { Aggregator, Initializer, SpecOf } from '../../topology/operator-spec.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { Operator } from '../operator.ts'
import type { OperatorContext } from '../operator.ts'
import { TableStore } from '../table/table-store.ts'
import { settled } from '../user-result.ts'

/** `aggregate` and `count` of a grouped table: takes the old value out, then the new one in. Forwards Changes. */
export class TableAggregate extends Operator {
  readonly #spec: SpecOf<'tableAggregate'>
  readonly #initializer: Initializer
  readonly #adder: Aggregator
  readonly #subtractor: Aggregator
  #store!: TableStore
  #protects = false

  constructor(spec: SpecOf<'tableAggregate'>) {
    super()
    this.#spec = spec
    this.#initializer = spec.initializer
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
        aggregate = settled(this.#subtractor(aggregate, change.oldValue, key), this.context) ?? null
    }
    if (change.newValue !== null) {
      if (aggregate === null) aggregate = settled(this.#initializer(), this.context) ?? null
      aggregate = settled(this.#adder(aggregate, change.newValue, key), this.context) ?? null
    }
    if (aggregate === null && this.#store.nullsInRecordTime) time = timestamp
    this.#store.update(key, aggregate, old, time, headers)
  }
}

/** @throws MR_NULL_KEY */
export function checkGroupKey(key: unknown, context: OperatorContext): void {
  if (key !== null) return
  throw new MillraceError('MR_NULL_KEY', 'the aggregation of a grouped table got a record without key', {
    node: context.node,
    task: context.taskId,
    hint: 'records of its repartition topic always have one: was something else written there?',
  })
}
