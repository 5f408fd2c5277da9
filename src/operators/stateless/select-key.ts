import type { Headers } from '../../record/headers.ts'
import type { SpecOf, ValueMapper } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `selectKey` of a stream. */
export class SelectKey extends Operator {
  readonly #mapper: ValueMapper

  constructor(spec: SpecOf<'selectKey'>) {
    super()
    this.#mapper = spec.mapper
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(settled(this.#mapper(value, key), this.context) ?? null, value, timestamp, headers)
  }
}
