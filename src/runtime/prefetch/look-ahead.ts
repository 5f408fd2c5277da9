import type { RecordCursor, SeeKey } from '../../log/log.ts'
import type { KeyReader, PendingReads, ReadAhead } from '../../record/key-reader.ts'
import type { Serde } from '../../serde/serde.ts'
import { decode } from '../../serde/decode.ts'
import { KeyWindow, UNKNOWN_KEY } from './key-window.ts'

/** Records looked at together. Sixteen look-ups in one call cost RocksDB half of what they cost one by one, and more hardly less. */
const WINDOW = 128
/** Windows behind the one whose records are being taken that are read beside this thread, at most. */
const AHEAD = 3
/** With fewer when a window begins they are made up to `AHEAD`: so long an answer may be on its way, at least, and requests come in pairs. */
const LEAST_AHEAD = 2
/** So many of a window's records, at least, must make a store ask its engine. */
const WORTHWHILE = 1 / 4
/** So many of the rows read ahead, at least, must be asked for: a look-up among many costs about half of one by itself. */
const PAYS = 0.6
/** Windows after which what did not pay is tried again, at most. */
const LONGEST_REST = 1024

/** The records of a partition that wait. */
export interface WaitingRecords {
  /** An upper bound of how many they are, the current one included. */
  readonly size: number
  /** Shows the keys of records behind the current one, as `RecordCursor.peekKeys`; less where more cannot be seen yet. */
  peekKeys(from: number, to: number, see: SeeKey): void
}

interface Reader {
  readonly store: KeyReader
  /** Records of this window for which the store asked its engine. */
  missed: number
  /** What was read for this window. */
  read: readonly ReadAhead[]
  /** What is being read for each of the windows that follow. */
  readonly pending: (PendingReads | undefined)[]
  /** Windows for which it still does without, since it did not pay; twice as many each time. */
  resting: number
  nextRest: number
}

/**
 * The keys of a partition's records, and the look-ups that they will lead to. A store that keeps asking its engine for the very keys with
 * which records come in is given the keys of the next records all at once, and where its engine reads beside this thread, those of the
 * records behind them as well. While everything that is asked for is in memory, or is asked for under other keys, nothing is looked up
 * ahead, and nothing is decoded before its turn.
 */
export class LookAhead {
  readonly #keySerde: Serde<unknown>
  readonly #records: WaitingRecords
  readonly #readers: Reader[] = []
  /** The window whose records are being taken. */
  #window: KeyWindow
  /** Those behind it, all of them full. */
  readonly #following: KeyWindow[] = []
  #size = WINDOW
  #left = WINDOW

  constructor(keySerde: Serde<unknown>, records: WaitingRecords) {
    this.#keySerde = keySerde
    this.#records = records
    this.#window = new KeyWindow(keySerde)
  }

  /** The key of the record at which the cursor stands; to be asked for once a record. @throws what its serde throws */
  keyOf(cursor: RecordCursor): unknown {
    if (this.#left === 0) this.#beginWindow(cursor)
    this.#left--
    const key = this.#window.take(cursor)
    return key === UNKNOWN_KEY ? decode(this.#keySerde, cursor.buffer, cursor.keyStart, cursor.keyEnd) : key
  }

  /** These stores had to ask their engines for the key of the record that has been processed. */
  missed(stores: readonly KeyReader[]): void {
    for (const store of stores) this.#readerOf(store).missed++
  }

  #readerOf(store: KeyReader): Reader {
    for (const reader of this.#readers) if (reader.store === store) return reader
    const reader: Reader = { store, missed: 0, read: [], pending: [], resting: 0, nextRest: 1 }
    this.#readers.push(reader)
    return reader
  }

  #beginWindow(cursor: RecordCursor): void {
    const ahead: Reader[] = []
    for (const reader of this.#readers) {
      if (isWorthwhile(reader, this.#size)) ahead.push(reader)
      else dropPending(reader)
      reader.missed = 0
      reader.read = []
    }
    const used = this.#window
    used.clear()
    this.#window = this.#following.shift() ?? used
    this.#size = WINDOW
    if (ahead.length > 0) this.#lookAhead(cursor, ahead)
    this.#left = this.#size
  }

  #lookAhead(cursor: RecordCursor, readers: readonly Reader[]): void {
    const window = this.#window
    if (window.size === 0) {
      window.add(cursor.buffer, cursor.keyStart, cursor.keyEnd)
      this.#peek(0, WINDOW - 1, window)
    }
    this.#size = window.size
    if (window.size > 1) {
      const keys = window.readable
      for (const reader of readers) read(reader, keys)
    }
    if (window.size === WINDOW) this.#lookBeyond(readers.filter(({ store }) => store.readsBeside))
  }

  /** Begins with the windows that follow a full one. */
  #lookBeyond(readers: readonly Reader[]): void {
    if (readers.length === 0) return
    const following = this.#following
    if (following.length >= LEAST_AHEAD) return
    // Too few to wait for: when it is their turn, more may have come.
    while (following.length < AHEAD && this.#records.size >= (following.length + 2) * WINDOW) {
      const window = new KeyWindow(this.#keySerde)
      this.#peek((following.length + 1) * WINDOW - 1, WINDOW, window)
      if (window.size < WINDOW) return
      const keys = window.readable
      for (const reader of readers) reader.pending[following.length] = beginToRead(reader, keys)
      following.push(window)
    }
  }

  /** Adds the keys of `count` waiting records, or of less, behind the first `skipped`. */
  #peek(skipped: number, count: number, window: KeyWindow): void {
    try {
      this.#records.peekKeys(skipped, skipped + count, window.add)
    } catch {
      // A batch that cannot be read is told of, with its place, when it is the turn of that record.
    }
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

function read(reader: Reader, keys: readonly unknown[]): void {
  const pending = reader.pending.shift()
  try {
    reader.read = pending?.take() ?? reader.store.prefetch(keys)
  } catch {
    // The store is asked again when it is the turn of each record, and what is wrong is told with its place.
  }
}

function beginToRead(reader: Reader, keys: readonly unknown[]): PendingReads | undefined {
  try {
    return reader.store.beginPrefetch(keys)
  } catch {
    // As above.
    return undefined
  }
}

function dropPending(reader: Reader): void {
  for (const pending of reader.pending) pending?.drop()
  reader.pending.length = 0
}
