import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `peek` of a stream: a side effect, then the record goes on. */
export class Peek extends SpecOperator<'peek'> {
  readonly #action = this.spec.action

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    settled(this.#action(value, key), this.context)
    this.output.forward(key, value, timestamp, headers)
  }
}
