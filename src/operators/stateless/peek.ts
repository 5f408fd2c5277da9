import type { Headers } from '../../record/headers.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `peek` of a stream: a side effect, then the record goes on. */
export class Peek extends Operator {
  readonly #action: SpecOf<'peek'>['action']

  constructor(spec: SpecOf<'peek'>) {
    super()
    this.#action = spec.action
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    settled(this.#action(value, key), this.context)
    this.output.forward(key, value, timestamp, headers)
  }
}
