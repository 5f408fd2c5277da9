import type { Headers } from '../../record/headers.ts'
import type { WindowState } from '../../state/states.ts'
import { SpecOperator } from '../operator.ts'

/** Keeps one side of a stream-stream join. A record is kept after it was joined, so that it never meets itself. */
export class JoinWindow extends SpecOperator<'joinWindow'> {
  #state!: WindowState<unknown, unknown>

  override init(): void {
    this.#state = this.context.state(this.spec.store)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, value, timestamp, headers)
    if (key !== null) this.#state.put(key, timestamp, value, timestamp)
  }
}
