import type { KeyValueState } from '../../state/states.ts'
import { SpecOperator } from '../operator.ts'

/** Keeps the replica of a global table; nothing lies downstream of it. */
export class GlobalTableSource extends SpecOperator<'globalTableSource'> {
  #state!: KeyValueState<unknown, unknown>

  override init(): void {
    this.#state = this.context.state(this.spec.store)
  }

  override process(key: unknown, value: unknown, timestamp: number): void {
    if (key === null) this.context.drop('null-key')
    else this.#state.put(key, value, timestamp)
  }
}
