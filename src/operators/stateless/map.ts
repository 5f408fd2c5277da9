import type { Headers } from '../../record/headers.ts'
import type { PairMapper, SpecOf } from '../../topology/operator-spec.ts'
import { checkPair } from '../mapped-result.ts'
import { Operator } from '../operator.ts'

/** `map` of a stream: a new key and value for each record. */
export class MapRecord extends Operator {
  readonly #mapper: PairMapper

  constructor(spec: SpecOf<'map'>) {
    super()
    this.#mapper = spec.mapper
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const pair = checkPair(this.#mapper(value, key), 'map', this.context)
    this.output.forward(pair[0] ?? null, pair[1] ?? null, timestamp, headers)
  }
}
