import type { Headers } from '../../record/headers.ts'
import { asChange } from './derived-table-operator.ts'
import { Operator } from '../operator.ts'

/** `toStream`: the new value of each change. */
export class TableToStream extends Operator {
  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, asChange(value).newValue, timestamp, headers)
  }
}
