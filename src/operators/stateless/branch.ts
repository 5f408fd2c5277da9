import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** `split`: each record goes to the first branch that takes it. */
export class Branch extends SpecOperator<'branch'> {
  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const { predicates, children, defaultChild } = this.spec
    for (let i = 0; i < predicates.length; i++) {
      if (settled(predicates[i]!(value, key), this.context)) {
        this.output.forwardTo(children[i]!, key, value, timestamp, headers)
        return
      }
    }
    if (defaultChild !== null) this.output.forwardTo(defaultChild, key, value, timestamp, headers)
  }
}
