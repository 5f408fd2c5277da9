import type { Headers } from '../../record/headers.ts'
import { Operator } from '../operator.ts'

/** Where streams meet: `merge`, the ends of branches, the merge of a cogroup (whose values are Changes). */
export class PassThrough extends Operator {
  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, value, timestamp, headers)
  }
}
