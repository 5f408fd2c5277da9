import { Change } from '../../record/change.ts'
import { SubscriptionInstruction, SubscriptionMessage } from '../../record/foreign-key.ts'
import type { Headers } from '../../record/headers.ts'
import { serialized } from '../../serde/call-serde.ts'
import type { KeyValueState } from '../../state/states.ts'
import { subscriptionKey } from './foreign-key-bytes.ts'
import { SpecOperator } from '../operator.ts'

/** Right side of a foreign-key join: keeps who refers to which right row. */
export class ForeignKeyReceive extends SpecOperator<'foreignKeyReceive'> {
  readonly #foreignKeys = this.spec.foreignKeySerde.internal ?? this.spec.foreignKeySerde
  readonly #primaryKeys = this.spec.primaryKeySerde.internal ?? this.spec.primaryKeySerde
  #state!: KeyValueState<Buffer, SubscriptionMessage<unknown>>

  override init(): void {
    this.#state = this.context.state(this.spec.store)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const message = asSubscription(value)
    const { instruction, primaryKey } = message
    if (key !== null) {
      const bytes = subscriptionKey(serialized(this.#foreignKeys, key), serialized(this.#primaryKeys, primaryKey))
      const forgets =
        instruction === SubscriptionInstruction.forget || instruction === SubscriptionInstruction.forgetAndAnswer
      this.#state.put(bytes, forgets ? null : message, timestamp)
    } else if (instruction !== SubscriptionInstruction.answer) {
      this.context.drop('null-foreign-key')
      return
    }
    this.output.forward(key, new Change(message, null), timestamp, headers)
  }
}

export function asSubscription(value: unknown): SubscriptionMessage<unknown> {
  if (value instanceof SubscriptionMessage) return value
  throw new TypeError('a foreign-key join got a record that is not a subscription')
}
