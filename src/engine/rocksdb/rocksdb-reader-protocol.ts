/** Requests that can be under way at once. */
export const SLOTS = 128
/** Room for the keys of a request, then for its rows, bytes. Pages that are never used take no memory. */
export const SLOT_BYTES = 512 * 1024

/**
 * Place in `control`: 1 if the reader sleeps, or is about to. The asking thread makes it 0, and wakes the reader if it
 * was 1: that costs more than the request itself.
 */
export const ASLEEP = 0
/** Place in `control` from which on the states of the slots lie. */
export const STATES = 1
/** Place in `control` from which on the numbers of keys in the slots lie. */
export const COUNTS = STATES + SLOTS
/** Place in `control` from which on the bytes of the rows in the slots are counted. */
export const LENGTHS = COUNTS + SLOTS
export const CONTROL_LENGTH = LENGTHS + SLOTS

/** States of a slot. The asking thread sets `ASKED` and `FREE`; the reader takes what is `ASKED`, by one exchange. */
export const FREE = 0
export const ASKED = 1
export const READING = 2
export const ANSWERED = 3
export const FAILED = 4

/** In place of the length of a row that does not exist. */
export const ABSENT = -1

/** What the thread that engines live in shares with the thread that reads for it. */
export interface ReaderData {
  readonly control: Int32Array
  /** For each slot the native handle of its database. */
  readonly databases: BigInt64Array
  /** For each slot `SLOT_BYTES`: keys, then rows, as `length i32 | bytes`, little-endian. */
  readonly bytes: Uint8Array
}
