import type { Headers } from '../../record/headers.ts'
import type { Predicate, SpecOf } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `filter` and `filterNot` of a stream. */
export class Filter extends Operator {
  readonly #predicate: Predicate
  readonly #keep: boolean

  constructor(spec: SpecOf<'filter'>) {
    super()
    this.#predicate = spec.predicate
    this.#keep = !spec.not
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (Boolean(settled(this.#predicate(value, key), this.context)) === this.#keep)
      this.output.forward(key, value, timestamp, headers)
  }
}
