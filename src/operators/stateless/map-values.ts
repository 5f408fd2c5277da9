import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `mapValues` of a stream. */
export class MapValues extends SpecOperator<'mapValues'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, settled(this.#mapper(value, key), this.context) ?? null, timestamp, headers)
  }
}
