import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `selectKey` of a stream. */
export class SelectKey extends SpecOperator<'selectKey'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(settled(this.#mapper(value, key), this.context) ?? null, value, timestamp, headers)
  }
}
