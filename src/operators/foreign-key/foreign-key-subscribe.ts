import type { Change } from '../../record/change.ts'
import { SubscriptionInstruction, SubscriptionMessage } from '../../record/foreign-key.ts'
import type { Headers } from '../../record/headers.ts'
import { murmur3 } from '../../record/murmur3.ts'
import { serialized } from '../../serde/call-serde.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { sameBytes } from './foreign-key-bytes.ts'
import { SpecOperator } from '../operator.ts'
import { settled } from '../user-result.ts'

/** Left side of a foreign-key join: tells the right side which row each left row refers to. */
export class ForeignKeySubscribe extends SpecOperator<'foreignKeySubscribe'> {
  readonly #foreignKeys = this.spec.foreignKeySerde.internal ?? this.spec.foreignKeySerde
  readonly #values = this.spec.valueSerde.internal ?? this.spec.valueSerde

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const change = asChange(value)
    if (this.spec.leftVersioned && !change.isLatest) return this.context.drop('out-of-order-version')
    if (change.newValue === null && change.oldValue === null) return
    if (this.spec.join === 'left') this.#leftJoin(key, change, timestamp, headers)
    else this.#innerJoin(key, change, timestamp, headers)
  }

  #leftJoin(key: unknown, change: Change<unknown>, timestamp: number, headers: Headers): void {
    const oldReference = this.#reference(key, change.oldValue)
    const reference = this.#reference(key, change.newValue)
    const hash = this.#hash(change.newValue)
    if (oldReference !== null && !this.#same(oldReference, reference)) {
      this.#send(oldReference, SubscriptionInstruction.forget, key, hash, timestamp, headers)
    }
    this.#send(reference, SubscriptionInstruction.answer, key, hash, timestamp, headers)
  }

  #innerJoin(key: unknown, change: Change<unknown>, timestamp: number, headers: Headers): void {
    const oldReference = this.#reference(key, change.oldValue)
    const reference = this.#reference(key, change.newValue)
    const hash = this.#hash(change.newValue)
    if (reference === null) {
      if (change.newValue !== null) this.context.drop('null-foreign-key')
      if (oldReference !== null) {
        this.#send(oldReference, SubscriptionInstruction.forgetAndAnswer, key, hash, timestamp, headers)
      }
    } else if (oldReference !== null && !this.#same(oldReference, reference)) {
      this.#send(oldReference, SubscriptionInstruction.forget, key, hash, timestamp, headers)
      // Answered even if there is nothing to join with: the result with the former row has to go.
      this.#send(reference, SubscriptionInstruction.answer, key, hash, timestamp, headers)
    } else {
      this.#send(reference, SubscriptionInstruction.answerIfPresent, key, hash, timestamp, headers)
    }
  }

  #reference(key: unknown, value: unknown): unknown {
    return value === null ? null : (settled(this.spec.extractor(value, key), this.context) ?? null)
  }

  #same(oldReference: unknown, reference: unknown): boolean {
    return reference !== null && sameBytes(this.#foreignKeys, oldReference, reference)
  }

  #hash(value: unknown): Buffer | null {
    return value === null ? null : murmur3(serialized(this.#values, value))
  }

  #send(
    reference: unknown,
    instruction: SubscriptionInstruction,
    key: unknown,
    hash: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void {
    const message = new SubscriptionMessage(hash, instruction, key, this.context.partition)
    this.output.forward(reference, message, timestamp, headers)
  }
}
