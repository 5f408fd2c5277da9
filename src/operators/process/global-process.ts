import { MillraceError } from '../../errors/millrace-error.ts'
import type { Headers } from '../../record/headers.ts'
import type { Cancellable, Processor, ProcessorContext } from '../../topology/processor-api.ts'
import { SpecOperator } from '../operator.ts'
import { UserContext } from './user-context.ts'
import { settled } from '../user-result.ts'

/** The user's own processor that keeps a global store. */
export class GlobalProcess extends SpecOperator<'globalProcess'> {
  #processor: Processor<unknown, unknown, never, never> | null = null
  #userContext!: GlobalProcessorContext

  override init(): void {
    const context = new GlobalProcessorContext(this.context)
    const processor = settled(this.spec.supplier(), this.context)
    this.#userContext = context
    this.#processor = processor
    context.run(() => processor.init?.(context))
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const outer = this.#userContext.begin()
    try {
      settled(this.#processor?.process({ key, value, timestamp, headers: headers.copy() }), this.context)
    } finally {
      this.#userContext.leave(outer)
    }
  }

  override close(): void {
    this.#userContext.run(() => this.#processor?.close?.())
  }
}

/** Global stores are kept outside of tasks: there is nothing to forward to, and no time that instances share. */
class GlobalProcessorContext extends UserContext implements ProcessorContext<never, never> {
  forward(): never {
    throw this.#refused('forward')
  }

  override schedule(): Cancellable {
    throw this.#refused('schedule')
  }

  #refused(what: string): MillraceError {
    return new MillraceError('MR_GLOBAL_PROCESSOR', `${what}() was called by the processor of a global store`, {
      node: this.context.node,
      hint: 'It can do nothing but keep its store; use process() for all else.',
    })
  }
}
