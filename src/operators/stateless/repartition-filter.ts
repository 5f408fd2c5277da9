import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'

/** Before a repartition sink: a record without key has no partition to go to. */
export class RepartitionFilter extends SpecOperator<'repartitionFilter'> {
  readonly #dropNullKeys = this.spec.dropNullKeys

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null && this.#dropNullKeys) this.context.drop('repartition-null-key')
    else this.output.forward(key, value, timestamp, headers)
  }
}
