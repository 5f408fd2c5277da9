import type { Headers } from '../../record/headers.ts'
import type { FixedKeyProcessor } from '../../topology/processor-api.ts'
import { SpecOperator } from '../operator.ts'
import { ValueProcessorContext } from './user-context.ts'
import { settled } from '../user-result.ts'

/** `processValues`: the user's own processor, one per task, which cannot change keys. */
export class ProcessValues extends SpecOperator<'processValues'> {
  #processor: FixedKeyProcessor<unknown, unknown, unknown> | null = null
  #userContext!: ValueProcessorContext

  override init(): void {
    this.#userContext = new ValueProcessorContext(this.context, this.output)
    const processor = settled(this.spec.supplier(), this.context)
    this.#processor = processor
    this.#userContext.run(() => processor.init?.(this.#userContext))
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const context = this.#userContext
    const own = headers.copy()
    context.key = key
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
