import type { EngineIterator, KeyValueEngine } from '../../engine/engine.ts'
import { SnapshotLost, type LogContent, type LogSnapshot } from '../local/log-snapshot.ts'

/** Bytes before each row: the lengths of its key and its value. */
export const ROW_HEAD = 8

/** All rows of an engine at one moment. */
export class StorageSnapshot implements LogSnapshot {
  readonly content: LogContent
  readonly #rows: EngineIterator
  readonly #isOpen: () => boolean
  #isDone = false

  /** @param isOpen false once the engine is being closed: its iterators then look as if they had ended */
  constructor(engine: KeyValueEngine, content: LogContent, isOpen: () => boolean) {
    this.content = content
    this.#rows = engine.iterate({})
    this.#isOpen = isOpen
  }

  read(bytes: number): readonly Buffer[] | undefined {
    const parts: Buffer[] = []
    for (let left = bytes; left > 0 && !this.#isDone;) {
      if (!this.#isOpen()) throw new SnapshotLost('the log was closed')
      if (!this.#rows.next()) {
        this.close()
        break
      }
      const { key, value } = this.#rows
      const head = Buffer.allocUnsafe(ROW_HEAD)
      head.writeUInt32BE(key.length, 0)
      head.writeUInt32BE(value.length, 4)
      parts.push(head, key, value)
      left -= ROW_HEAD + key.length + value.length
    }
    return parts.length === 0 ? undefined : parts
  }

  close(): void {
    this.#isDone = true
    this.#rows.close()
  }
}
