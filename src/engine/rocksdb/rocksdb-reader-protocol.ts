/** Requests that can be under way at once. */
export const SLOTS = 128
/** Bytes for the keys of a request, then for its rows. Pages that are never used take no memory. */
export const SLOT_BYTES = 512 * 1024

/**
 * Place in `control`: 1 if the reader sleeps or is about to. The asking thread sets it to 0, and wakes the reader only
 * if it was 1, because that costs more than the request itself.
 */
export const ASLEEP = 0
/** Place in `control` where the states of the slots begin. */
export const STATES = 1
/** Place in `control` where the numbers of keys in the slots begin. */
export const COUNTS = STATES + SLOTS
/** Place in `control` where the byte counts of the rows in the slots begin. */
export const LENGTHS = COUNTS + SLOTS
export const CONTROL_LENGTH = LENGTHS + SLOTS

/** States of a slot. The asking thread sets `ASKED` and `FREE`; the reader takes what is `ASKED`, by one exchange. */
export const FREE = 0
export const ASKED = 1
export const READING = 2
export const ANSWERED = 3
export const FAILED = 4

/** Stands for the length of a row that does not exist. */
export const ABSENT = -1

/** What the thread of the engines shares with the thread that reads for it. */
export interface ReaderData {
  readonly control: Int32Array
  /** The native handle of each slot's database. */
  readonly databases: BigInt64Array
  /** `SLOT_BYTES` for each slot: keys, then rows, as `length i32 | bytes`, little-endian. */
  readonly bytes: Uint8Array
}
