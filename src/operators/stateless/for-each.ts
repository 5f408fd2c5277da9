import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `foreach` of a stream: a side effect that ends it. */
export class ForEach extends SpecOperator<'forEach'> {
  readonly #action = this.spec.action

  override process(key: unknown, value: unknown): void {
    settled(this.#action(value, key), this.context)
  }
}
