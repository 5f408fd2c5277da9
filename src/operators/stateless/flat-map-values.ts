import type { Headers } from '../../record/headers.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { checkIterable } from '../mapped-result.ts'
import { Operator } from '../operator.ts'

/** `flatMapValues` of a stream: any number of values for each record, under its key. */
export class FlatMapValues extends Operator {
  readonly #mapper: SpecOf<'flatMapValues'>['mapper']

  constructor(spec: SpecOf<'flatMapValues'>) {
    super()
    this.#mapper = spec.mapper
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    for (const element of checkIterable(this.#mapper(value, key), 'flatMapValues', this.context)) {
      this.output.forward(key, element ?? null, timestamp, headers)
    }
  }
}
