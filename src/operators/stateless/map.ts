import type { Headers } from '../../record/headers.ts'
import { checkPair } from '../mapped-result.ts'
import { SpecOperator } from '../operator.ts'

/** `map` of a stream: a new key and value for each record. */
export class MapRecord extends SpecOperator<'map'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const pair = checkPair(this.#mapper(value, key), 'map', this.context)
    this.output.forward(pair[0] ?? null, pair[1] ?? null, timestamp, headers)
  }
}
