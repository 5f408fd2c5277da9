import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { OperatorName } from '../../topology/operator-spec.ts'
import { SpecOperator } from '../operator.ts'
import { TableStore } from './table-store.ts'

type DerivedTable = Extract<OperatorName, 'tableFilter' | 'tableMapValues' | 'tableTransformValues' | 'tableJoinMerge'>

/** A table made of another one, with or without a store of its own. */
export abstract class DerivedTableOperator<Name extends DerivedTable> extends SpecOperator<Name> {
  protected store: TableStore | null = null

  override init(): void {
    const { store, sendOldValues } = this.spec
    if (store !== null) this.store = new TableStore(this.context, this.output, store, sendOldValues)
  }

  /** Hands the result on. */
  protected emit(
    key: unknown,
    newValue: unknown,
    oldValue: unknown,
    latest: boolean,
    timestamp: number,
    headers: Headers,
  ): void {
    if (this.store !== null) this.store.update(key, newValue, oldValue, timestamp, headers)
    else this.output.forward(key, new Change(newValue, oldValue, latest), timestamp, headers)
  }
}

/** The value of a record between table operators. */
export function asChange(value: unknown): Change<unknown> {
  if (value instanceof Change) return value
  throw new TypeError('a table operator got a record that is not a Change')
}
