import type { Headers } from '../../record/headers.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'

/** Before a repartition sink: a record without key has no partition to go to. */
export class RepartitionFilter extends Operator {
  readonly #dropNullKeys: boolean

  constructor(spec: SpecOf<'repartitionFilter'>) {
    super()
    this.#dropNullKeys = spec.dropNullKeys
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null && this.#dropNullKeys) this.context.drop('repartition-null-key')
    else this.output.forward(key, value, timestamp, headers)
  }
}
