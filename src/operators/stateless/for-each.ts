import type { SpecOf } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `foreach` of a stream: a side effect that ends it. */
export class ForEach extends Operator {
  readonly #action: SpecOf<'forEach'>['action']

  constructor(spec: SpecOf<'forEach'>) {
    super()
    this.#action = spec.action
  }

  override process(key: unknown, value: unknown): void {
    settled(this.#action(value, key), this.context)
  }
}
