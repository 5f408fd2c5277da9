import { settled } from '../user-result.ts'
import { GroupedTableOperator } from './grouped-table-operator.ts'

/** `aggregate` and `count` of a grouped table. */
export class TableAggregate extends GroupedTableOperator<'tableAggregate'> {
  protected override add(aggregate: unknown, value: unknown, key: unknown): unknown {
    const before = aggregate === null ? (settled(this.spec.initializer(), this.context) ?? null) : aggregate
    return settled(this.spec.adder(before, value, key), this.context) ?? null
  }

  protected override subtract(aggregate: unknown, value: unknown, key: unknown): unknown {
    return settled(this.spec.subtractor(aggregate, value, key), this.context) ?? null
  }
}
