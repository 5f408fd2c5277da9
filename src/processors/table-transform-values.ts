import type { Headers } from '../record/headers.ts'
import type { SpecOf } from '../topology/operator-spec.ts'
import type { ValueTransformer } from '../topology/processor-api.ts'
import { DerivedTableOperator, asChange } from './derived-table-operator.ts'
import { UserContext } from './user-context.ts'

/** `transformValues` of a table. The transformer sees tombstones too, as null. */
export class TableTransformValues extends DerivedTableOperator {
  readonly #spec: SpecOf<'tableTransformValues'>
  #transformer: ValueTransformer<unknown, unknown, unknown> | null = null

  constructor(spec: SpecOf<'tableTransformValues'>) {
    super(spec.store, spec.sendOldValues)
    this.#spec = spec
  }

  override init(): void {
    super.init()
    this.#transformer = this.#spec.supplier()
    this.#transformer.init?.(new UserContext(this.context))
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    const newValue = this.#transformed(key, change.newValue)
    const oldValue = this.#spec.sendOldValues ? this.#old(key, change.oldValue) : null
    this.emit(key, newValue, oldValue, change.isLatest, timestamp, headers)
  }

  override close(): void {
    this.#transformer?.close?.()
  }

  #transformed(key: unknown, value: unknown): unknown {
    return this.#transformer?.transform(value, key) ?? null
  }

  #old(key: unknown, parentOld: unknown): unknown {
    if (this.store === null) return this.#transformed(key, parentOld)
    return this.store.wantsOldValues ? (this.store.get(key)?.value ?? null) : null
  }
}
