import { settled } from '../user-result.ts'
import { GroupedTableOperator } from './grouped-table-operator.ts'

/** `reduce` of a grouped table. */
export class TableReduce extends GroupedTableOperator<'tableReduce'> {
  protected override add(aggregate: unknown, value: unknown): unknown {
    return aggregate === null ? value : (settled(this.spec.adder(aggregate, value), this.context) ?? null)
  }

  protected override subtract(aggregate: unknown, value: unknown): unknown {
    return settled(this.spec.subtractor(aggregate, value), this.context) ?? null
  }
}
