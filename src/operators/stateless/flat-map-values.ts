import type { Headers } from '../../record/headers.ts'
import { checkIterable } from '../mapped-result.ts'
import { SpecOperator } from '../operator.ts'

/** `flatMapValues` of a stream: any number of values for each record, under its key. */
export class FlatMapValues extends SpecOperator<'flatMapValues'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    for (const element of checkIterable(this.#mapper(value, key), 'flatMapValues', this.context)) {
      this.output.forward(key, element ?? null, timestamp, headers)
    }
  }
}
