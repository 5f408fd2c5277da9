import type { RecordCursor } from '../log/log.ts'
import type { KeyReader } from '../record/key-reader.ts'
import type { Serde } from '../serde/serde.ts'

/** Records looked at together. Sixteen look-ups in one call cost RocksDB half of what they cost one by one, and more hardly less. */
const WINDOW = 64
/** A part of the records of a window, at least, must make a store ask its engine: else looking ahead costs more than it saves. */
const WORTHWHILE = 1 / 4

interface Reader {
  readonly store: KeyReader
  /** Records of this window for which the store asked its engine. */
  missed: number
  looksAhead: boolean
  /** What was read for this window. */
  read: ReturnType<KeyReader['prefetch']>
}

/**
 * The keys of a partition's records, and the look-ups that they will lead to. A store that keeps asking its engine for the very keys with
 * which records come in is given the keys of the next records all at once. While everything that is asked for is in memory, or is asked
 * for under other keys, nothing is looked up ahead, and nothing is decoded before its turn.
 */
export class LookAhead {
  readonly #keySerde: Serde<unknown>
  readonly #readers: Reader[] = []
  /** Keys of the window, from the record at which it began; `UNREADABLE` where its serde failed. */
  readonly #keys: unknown[] = []
  #next = 0
  #size = WINDOW
  #left = WINDOW
  #buffer: Buffer = NOTHING

  constructor(keySerde: Serde<unknown>) {
    this.#keySerde = keySerde
  }

  /** The key of the record at which the cursor stands; to be asked for once a record. @throws what its serde throws */
  keyOf(cursor: RecordCursor): unknown {
    if (this.#left === 0) this.#beginWindow(cursor)
    this.#left--
    const key = this.#next < this.#keys.length ? this.#keys[this.#next++] : UNREADABLE
    return key === UNREADABLE ? decode(this.#keySerde, cursor.buffer, cursor.keyStart, cursor.keyEnd) : key
  }

  /** These stores had to ask their engines for the key of the record that has been processed. */
  missed(stores: readonly KeyReader[]): void {
    for (const store of stores) {
      let reader = this.#readers.find((known) => known.store === store)
      if (reader === undefined) this.#readers.push((reader = { store, missed: 0, looksAhead: false, read: [] }))
      reader.missed++
    }
  }

  #beginWindow(cursor: RecordCursor): void {
    this.#keys.length = 0
    this.#next = 0
    const worthwhile = this.#size * WORTHWHILE
    let looksAhead = false
    for (const reader of this.#readers) {
      const used = reader.read.reduce((sum, { referenced }) => sum + (referenced ? 1 : 0), 0)
      reader.looksAhead = reader.missed + used >= worthwhile
      reader.missed = 0
      reader.read = []
      looksAhead ||= reader.looksAhead
    }
    if (looksAhead) this.#lookAhead(cursor)
    this.#size = this.#left = looksAhead ? this.#keys.length : WINDOW
  }

  #lookAhead(cursor: RecordCursor): void {
    this.#buffer = cursor.buffer
    try {
      this.#see(cursor.keyStart, cursor.keyEnd)
      cursor.peekKeys(WINDOW - 1, this.#see)
      const keys = this.#keys.filter((key) => key !== UNREADABLE && key !== null)
      for (const reader of this.#readers) if (reader.looksAhead) reader.read = reader.store.prefetch(keys)
    } catch {
      // Whatever is wrong with a record or an engine is met again, and told with its place, when it is that record's turn.
    } finally {
      this.#buffer = NOTHING
    }
  }

  readonly #see = (keyStart: number, keyEnd: number): void => {
    let key: unknown = UNREADABLE
    try {
      key = decode(this.#keySerde, this.#buffer, keyStart, keyEnd)
    } catch {
      // It is decoded again, and the error handled, when it is its turn.
    }
    this.#keys.push(key)
  }
}

export function decode(serde: Serde<unknown>, buffer: Buffer, start: number, end: number): unknown {
  if (start < 0) return null
  return serde.read === undefined ? serde.deserialize(buffer.subarray(start, end)) : serde.read(buffer, start, end)
}

const UNREADABLE = Symbol('unreadable')
const NOTHING = Buffer.alloc(0)
