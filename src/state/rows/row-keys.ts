import type { ByteWriter } from './byte-writer.ts'
import { ShortView } from '../../engine/short-view.ts'

/** Keys of rows that are looked up together, in buffers that are filled again for each look-up. */
export class RowKeys {
  readonly #views: ShortView[] = []
  readonly #keys: Buffer[] = []

  /** Empties the list. What is added now overwrites what it handed out before. */
  begin(): this {
    this.#keys.length = 0
    return this
  }

  /** Adds the row that the writer holds. */
  add({ buffer, rowStart, position }: ByteWriter): Buffer {
    const view = (this.#views[this.#keys.length] ??= new ShortView())
    const key = view.copyOf(buffer, rowStart, position)
    this.#keys.push(key)
    return key
  }

  get all(): readonly Buffer[] {
    return this.#keys
  }
}
