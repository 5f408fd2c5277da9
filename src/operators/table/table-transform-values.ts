import type { Headers } from '../../record/headers.ts'
import type { ValueTransformer } from '../../topology/processor-api.ts'
import { DerivedTableOperator, asChange } from './derived-table-operator.ts'
import { UserContext } from '../process/user-context.ts'
import { settled } from '../user-result.ts'

/** `transformValues` of a table. The transformer sees tombstones too, as null. */
export class TableTransformValues extends DerivedTableOperator<'tableTransformValues'> {
  #transformer: ValueTransformer<unknown, unknown, unknown> | null = null
  #userContext!: UserContext

  override init(): void {
    super.init()
    const context = new UserContext(this.context)
    const transformer = settled(this.spec.supplier(), this.context)
    this.#userContext = context
    this.#transformer = transformer
    context.run(() => transformer.init?.(context))
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    const newValue = this.#transformed(key, change.newValue)
    const oldValue = this.spec.sendOldValues ? this.#old(key, change.oldValue) : null
    this.emit(key, newValue, oldValue, change.isLatest, timestamp, headers)
  }

  override close(): void {
    this.#userContext.run(() => this.#transformer?.close?.())
  }

  #transformed(key: unknown, value: unknown): unknown {
    const outer = this.#userContext.begin()
    try {
      return settled(this.#transformer?.transform(value, key), this.context) ?? null
    } finally {
      this.#userContext.leave(outer)
    }
  }

  #old(key: unknown, parentOld: unknown): unknown {
    if (this.store === null) return this.#transformed(key, parentOld)
    return this.store.wantsOldValues ? (this.store.get(key)?.value ?? null) : null
  }
}
