import type { KeyValueState } from '../../state/states.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { Operator } from '../operator.ts'

/** Keeps the replica of a global table; nothing lies downstream of it. */
export class GlobalTableSource extends Operator {
  readonly #store: string
  #state!: KeyValueState<unknown, unknown>

  constructor(spec: SpecOf<'globalTableSource'>) {
    super()
    this.#store = spec.store
  }

  override init(): void {
    this.#state = this.context.state(this.#store)
  }

  override process(key: unknown, value: unknown, timestamp: number): void {
    if (key === null) this.context.drop('null-key')
    else this.#state.put(key, value, timestamp)
  }
}
