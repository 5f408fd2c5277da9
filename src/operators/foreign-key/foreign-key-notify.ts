import { ResponseMessage, type SubscriptionMessage } from '../../record/foreign-key.ts'
import type { Headers } from '../../record/headers.ts'
import { serialized } from '../../serde/call-serde.ts'
import type { KeyValueState } from '../../state/states.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { subscriptionPrefix } from './foreign-key-bytes.ts'
import { SpecOperator } from '../operator.ts'

/** Right side of a foreign-key join: a changed row answers every subscription to it, by primary key bytes. */
export class ForeignKeyNotify extends SpecOperator<'foreignKeyNotify'> {
  readonly #foreignKeys = this.spec.foreignKeySerde.internal ?? this.spec.foreignKeySerde
  #state!: KeyValueState<Buffer, SubscriptionMessage<unknown>>

  override init(): void {
    this.#state = this.context.state(this.spec.store)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) return this.context.drop('null-key')
    const change = asChange(value)
    if (this.spec.rightVersioned && !change.isLatest) return this.context.drop('out-of-order-version')
    const cursor = this.#state.prefix(subscriptionPrefix(serialized(this.#foreignKeys, key)))
    try {
      while (cursor.next()) {
        const { hash, primaryKey, partition } = cursor.value
        this.output.forward(primaryKey, new ResponseMessage(hash, change.newValue, partition), timestamp, headers)
      }
    } finally {
      cursor.close()
    }
  }
}
