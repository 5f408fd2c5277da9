import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import { Operator } from '../operator.ts'
import { TableStore } from './table-store.ts'

/** A table made of another one, with or without a store of its own. */
export abstract class DerivedTableOperator extends Operator {
  readonly #storeName: string | null
  readonly #sendOldValues: boolean
  protected store: TableStore | null = null

  constructor(store: string | null, sendOldValues: boolean) {
    super()
    this.#storeName = store
    this.#sendOldValues = sendOldValues
  }

  override init(): void {
    if (this.#storeName === null) return
    this.store = new TableStore(this.context, this.output, this.#storeName, this.#sendOldValues)
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
