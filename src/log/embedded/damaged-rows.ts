import { isMillraceError } from '../../errors/millrace-error.ts'
import type { EngineRange, KeyValueEngine } from '../../engine/engine.ts'

/** Stands for a row that cannot be read, whether it is there or not. */
export const UNREADABLE = Symbol('unreadable')

export interface Row {
  readonly key: Buffer
  readonly value: Buffer
}

/** True for errors of engines and stored runs about bytes that are not as they were written. */
export function isDamage(error: unknown): boolean {
  return isMillraceError(error) && (error.code === 'MR_STATE_CORRUPT' || error.code === 'MR_CORRUPT_BATCH')
}

/** Reads an engine in which some rows cannot be read. */
export class DamagedRows {
  readonly #engine: KeyValueEngine

  constructor(engine: KeyValueEngine) {
    this.#engine = engine
  }

  get(key: Buffer): Buffer | undefined | typeof UNREADABLE {
    return this.#attempt(() => this.#engine.get(key))
  }

  /** Returns the first row of the range, in its direction. */
  first(range: EngineRange): Row | undefined | typeof UNREADABLE {
    return this.#attempt(() => {
      const rows = this.#engine.iterate({ ...range, limit: 1 })
      try {
        return rows.next() ? { key: rows.key, value: rows.value } : undefined
      } finally {
        rows.close()
      }
    })
  }

  /** Visits rows in the range's direction until one is unreadable or `visit` returns false. @returns true at the end */
  each(range: EngineRange, visit: (row: Row) => boolean): boolean {
    const isWhole = this.#attempt(() => {
      const rows = this.#engine.iterate(range)
      try {
        while (rows.next()) if (!visit({ key: rows.key, value: rows.value })) return false
        return true
      } finally {
        rows.close()
      }
    })
    return isWhole === true
  }

  #attempt<T>(read: () => T): T | typeof UNREADABLE {
    try {
      return read()
    } catch (error) {
      if (isDamage(error)) return UNREADABLE
      throw error
    }
  }
}
