import type { Headers } from '../record/headers.ts'
import type { SpecOf } from '../topology/operator-spec.ts'
import type { FixedKeyProcessor } from '../topology/processor-api.ts'
import { Operator } from './operator.ts'
import { ValueProcessorContext } from './user-context.ts'

/** `processValues`: the user's own processor, one per task, which cannot change keys. */
export class ProcessValues extends Operator {
  readonly #spec: SpecOf<'processValues'>
  #processor: FixedKeyProcessor<unknown, unknown, unknown> | null = null
  #userContext!: ValueProcessorContext

  constructor(spec: SpecOf<'processValues'>) {
    super()
    this.#spec = spec
  }

  override init(): void {
    this.#userContext = new ValueProcessorContext(this.context, this.output)
    this.#processor = this.#spec.supplier()
    this.#processor.init?.(this.#userContext)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.#userContext.enter(key, timestamp, headers)
    this.#processor?.process({ key, value, timestamp, headers })
  }

  override close(): void {
    this.#processor?.close?.()
  }
}
