import type { Headers } from '../record/headers.ts'
import type { SpecOf } from '../topology/operator-spec.ts'
import type { Processor } from '../topology/processor-api.ts'
import { Operator } from './operator.ts'
import { RecordProcessorContext } from './user-context.ts'

/** `process`: the user's own processor, one per task. */
export class Process extends Operator {
  readonly #spec: SpecOf<'process'>
  #processor: Processor<unknown, unknown, unknown, unknown> | null = null
  #userContext!: RecordProcessorContext

  constructor(spec: SpecOf<'process'>) {
    super()
    this.#spec = spec
  }

  override init(): void {
    this.#userContext = new RecordProcessorContext(this.context, this.output)
    this.#processor = this.#spec.supplier()
    this.#processor.init?.(this.#userContext)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.#userContext.enter(timestamp, headers)
    this.#processor?.process({ key, value, timestamp, headers })
  }

  override close(): void {
    this.#processor?.close?.()
  }
}
