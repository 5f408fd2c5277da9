import type { Headers } from '../../record/headers.ts'
import { checkIterable, checkPair } from '../mapped-result.ts'
import { SpecOperator } from '../operator.ts'

/** `flatMap` of a stream: any number of records for each. */
export class FlatMap extends SpecOperator<'flatMap'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const pairs = checkIterable(this.#mapper(value, key), 'flatMap', this.context)
    for (const pair of pairs) checkPair(pair, 'flatMap', this.context)
    for (const pair of pairs) this.output.forward(pair[0] ?? null, pair[1] ?? null, timestamp, headers)
  }
}
