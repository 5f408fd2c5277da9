import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `filter` and `filterNot` of a stream. */
export class Filter extends SpecOperator<'filter'> {
  readonly #predicate = this.spec.predicate
  readonly #keep = !this.spec.not

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (Boolean(settled(this.#predicate(value, key), this.context)) === this.#keep)
      this.output.forward(key, value, timestamp, headers)
  }
}
