import type { RecordCursor } from '../log/log.ts'
import type { KeyReader } from '../record/key-reader.ts'
import type { Serde } from '../serde/serde.ts'
import { decode } from './decode.ts'

/** Records looked at together. Sixteen look-ups in one call cost RocksDB half of what they cost one by one, and more hardly less. */
const WINDOW = 64
/** So many of a window's records, at least, must make a store ask its engine. */
const WORTHWHILE = 1 / 4
/** So many of the rows read ahead, at least, must be asked for: a look-up among many costs about half of one by itself. */
const PAYS = 0.6
/** Windows after which what did not pay is tried again, at most. */
const LONGEST_REST = 1024

interface Reader {
  readonly store: KeyReader
  /** Records of this window for which the store asked its engine. */
  missed: number
  /** What was read for this window. */
  read: ReturnType<KeyReader['prefetch']>
  /** Windows for which it still does without, since it did not pay; twice as many each time. */
  resting: number
  nextRest: number
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
    for (const store of stores) this.#readerOf(store).missed++
  }

  #readerOf(store: KeyReader): Reader {
    for (const reader of this.#readers) if (reader.store === store) return reader
    const reader: Reader = { store, missed: 0, read: [], resting: 0, nextRest: 1 }
    this.#readers.push(reader)
    return reader
  }

  #beginWindow(cursor: RecordCursor): void {
    this.#keys.length = 0
    this.#next = 0
    const ahead: Reader[] = []
    for (const reader of this.#readers) {
      if (isWorthwhile(reader, this.#size)) ahead.push(reader)
      reader.missed = 0
      reader.read = []
    }
    if (ahead.length > 0) this.#lookAhead(cursor, ahead)
    this.#size = this.#left = ahead.length > 0 ? this.#keys.length : WINDOW
  }

  #lookAhead(cursor: RecordCursor, readers: readonly Reader[]): void {
    this.#buffer = cursor.buffer
    this.#see(cursor.keyStart, cursor.keyEnd)
    try {
      cursor.peekKeys(WINDOW - 1, this.#see)
    } catch {
      // A batch that cannot be read is told of, with its place, when it is the turn of that record.
    }
    this.#buffer = NOTHING
    if (this.#keys.length === 1) return
    const keys = this.#keys.filter((key) => key !== UNREADABLE && key !== null)
    for (const reader of readers) {
      try {
        reader.read = reader.store.prefetch(keys)
      } catch {
        // The store is asked again when it is the turn of each record, and what is wrong is told with its place.
      }
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

/** Judges a window that is over, of so many records. */
function isWorthwhile(reader: Reader, records: number): boolean {
  if (reader.resting > 0) {
    reader.resting--
    return false
  }
  const { read } = reader
  let used = 0
  for (const { referenced } of read) if (referenced) used++
  if (used < PAYS * read.length) {
    reader.resting = reader.nextRest
    reader.nextRest = Math.min(2 * reader.nextRest, LONGEST_REST)
    return false
  }
  if (read.length > 0) reader.nextRest = 1
  return reader.missed + used >= WORTHWHILE * records
}

const UNREADABLE = Symbol('unreadable')
const NOTHING = Buffer.alloc(0)
