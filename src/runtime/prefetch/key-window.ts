import type { RecordCursor } from '../../log/log.ts'
import type { Serde } from '../../serde/serde.ts'
import { decode } from '../../serde/decode.ts'

/** The key of a record is not known ahead. */
export const UNKNOWN_KEY = Symbol('unknown key')

/** Keys of records that follow each other, decoded before it is their turn. */
export class KeyWindow {
  readonly #serde: Serde<unknown>
  /** `UNKNOWN_KEY` where the serde failed. */
  readonly #keys: unknown[] = []
  /** Where they lie: what is taken must be the key of that very record. */
  readonly #buffers: Buffer[] = []
  readonly #starts: number[] = []
  #next = 0

  constructor(serde: Serde<unknown>) {
    this.#serde = serde
  }

  get size(): number {
    return this.#keys.length
  }

  /** Those that can be looked up. */
  get readable(): readonly unknown[] {
    return this.#keys.filter((key) => key !== UNKNOWN_KEY && key !== null)
  }

  readonly add = (buffer: Buffer, keyStart: number, keyEnd: number): void => {
    let key: unknown = UNKNOWN_KEY
    try {
      key = decode(this.#serde, buffer, keyStart, keyEnd)
    } catch {
      // It is decoded again, and the error handled, when it is its turn.
    }
    this.#keys.push(key)
    this.#buffers.push(buffer)
    this.#starts.push(keyStart)
  }

  /** The key of the record at which the cursor stands, if that is the next one. */
  take(cursor: RecordCursor): unknown {
    const i = this.#next
    if (this.#starts[i] !== cursor.keyStart || this.#buffers[i] !== cursor.buffer) return UNKNOWN_KEY
    const key = this.#keys[i]
    this.#next++
    // Whoever waits for records must not keep those that are done with in memory.
    if (this.#next === this.#keys.length) this.clear()
    return key
  }

  clear(): void {
    this.#keys.length = 0
    this.#buffers.length = 0
    this.#starts.length = 0
    this.#next = 0
  }
}
