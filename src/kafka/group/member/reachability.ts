import type { MemberOptions } from '../../../group/group.ts'
import { isUnreachable } from '../../protocol/transaction-errors.ts'

/** Failed attempts before the listener is called. A single one happens with every restart of a broker. */
const patience = 3

/** Notifies its listener once that no broker responds, and once that one does again, however many attempts it takes. */
export class Reachability {
  readonly #tell: MemberOptions['onUnreachable']
  #failures = 0

  constructor(tell: MemberOptions['onUnreachable']) {
    this.#tell = tell
  }

  failed(error: unknown): void {
    if (!isUnreachable(error)) return
    this.#failures++
    if (this.#failures === patience) this.#tell?.(error instanceof Error ? error.message : String(error))
  }

  answered(): void {
    if (this.#failures >= patience) this.#tell?.(undefined)
    this.#failures = 0
  }
}
