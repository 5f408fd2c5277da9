import { ResponseMessage, SubscriptionInstruction } from '../../record/foreign-key.ts'
import type { Headers } from '../../record/headers.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { asSubscription } from './foreign-key-receive.ts'
import { SpecOperator } from '../operator.ts'
import { openTableView, type TableLookup } from '../table/table-view.ts'

/** Right side of a foreign-key join: answers a subscription with the right row as it is now. */
export class ForeignKeyAnswer extends SpecOperator<'foreignKeyAnswer'> {
  #right!: TableLookup

  override init(): void {
    this.#right = openTableView(this.spec.right, this.context)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const { instruction, hash, primaryKey, partition } = asSubscription(asChange(value).newValue)
    if (instruction === SubscriptionInstruction.forget) return
    const row = key === null ? undefined : this.#right.get(key)
    if (row === undefined && instruction === SubscriptionInstruction.answerIfPresent) return
    const time = row !== undefined && row.timestamp > timestamp ? row.timestamp : timestamp
    const answersNull = row === undefined || instruction === SubscriptionInstruction.forgetAndAnswer
    this.output.forward(primaryKey, new ResponseMessage(hash, answersNull ? null : row.value, partition), time, headers)
  }

  override close(): void {
    this.#right.close()
  }
}
