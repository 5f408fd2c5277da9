import type { Headers } from '../../record/headers.ts'
import type { Processor } from '../../topology/processor-api.ts'
import { SpecOperator } from '../operator.ts'
import { RecordProcessorContext } from './user-context.ts'
import { settled } from '../user-result.ts'

/** `process`: the user's own processor, one per task. */
export class Process extends SpecOperator<'process'> {
  #processor: Processor<unknown, unknown, unknown, unknown> | null = null
  #userContext!: RecordProcessorContext

  override init(): void {
    this.#userContext = new RecordProcessorContext(this.context, this.output)
    const processor = settled(this.spec.supplier(), this.context)
    this.#processor = processor
    this.#userContext.run(() => processor.init?.(this.#userContext))
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const context = this.#userContext
    // Kafka Streams hands the record itself on: what is changed in place is seen by the siblings that come later.
    const own = this.context.compatible ? headers : headers.copy()
    const outer = context.enter(timestamp, headers, own)
    try {
      settled(this.#processor?.process({ key, value, timestamp, headers: own }), this.context)
    } finally {
      context.leave(outer)
    }
  }

  override close(): void {
    this.#userContext.run(() => this.#processor?.close?.())
  }
}
