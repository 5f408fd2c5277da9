import type { Headers } from '../../record/headers.ts'
import type { SpecOf, ValueMapper } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `mapValues` of a stream. */
export class MapValues extends Operator {
  readonly #mapper: ValueMapper

  constructor(spec: SpecOf<'mapValues'>) {
    super()
    this.#mapper = spec.mapper
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, settled(this.#mapper(value, key), this.context) ?? null, timestamp, headers)
  }
}
