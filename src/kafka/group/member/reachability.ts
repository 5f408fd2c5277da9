import type { GroupOptions } from '../../../group/group.ts'
import { isUnreachable } from '../../protocol/transaction-errors.ts'

/** Attempts that fail before it is spoken of: a single one passes with every restart of a broker. */
const patience = 3

/** Tells once that no broker answers, and once that one does again, however often it is tried in between. */
export class Reachability {
  readonly #tell: GroupOptions['onUnreachable']
  #failures = 0

  constructor(tell: GroupOptions['onUnreachable']) {
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
