import { workerData } from 'node:worker_threads'
import { ShortView } from '../short-view.ts'
import { loadRocksdbBinding } from './rocksdb-binding.ts'
import {
  ABSENT,
  ANSWERED,
  ASKED,
  ASLEEP,
  COUNTS,
  FAILED,
  LENGTHS,
  READING,
  SLOT_BYTES,
  SLOTS,
  STATES,
  type ReaderData,
} from './rocksdb-reader-protocol.ts'

/** Runs in a thread of its own. It looks up rows for the thread of the engines, which goes on with other work. */
const { control, databases, bytes }: ReaderData = workerData
const shared = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const binding = loadRocksdbBinding()
const views: ShortView[] = []
const keys: Buffer[] = []

/** The slot to look at first, so that none waits for ever. */
let next = 0
for (;;) {
  while (answerOne());
  Atomics.store(control, ASLEEP, 1)
  // A request made before that store has woken nobody.
  if (answerOne()) Atomics.store(control, ASLEEP, 0)
  else Atomics.wait(control, ASLEEP, 1)
}

function answerOne(): boolean {
  for (let i = 0; i < SLOTS; i++) {
    const slot = (next + i) % SLOTS
    if (Atomics.compareExchange(control, STATES + slot, ASKED, READING) !== ASKED) continue
    next = slot + 1
    Atomics.store(control, STATES + slot, answer(slot))
    return true
  }
  return false
}

function answer(slot: number): number {
  try {
    takeKeys(slot)
    const rows = binding.db_get_many_sync(binding.db_init(databases[slot]!), keys, undefined)
    return giveRows(slot, rows) ? ANSWERED : FAILED
  } catch {
    // The asking thread looks these keys up itself, and finds out what is wrong with the database.
    return FAILED
  }
}

function takeKeys(slot: number): void {
  keys.length = 0
  let at = slot * SLOT_BYTES
  for (let left = control[COUNTS + slot]!; left > 0; left--) {
    const start = at + 4
    at = start + shared.readInt32LE(at)
    // The binding takes buffers, and to make one costs more than to copy a key.
    const view = (views[keys.length] ??= new ShortView())
    keys.push(view.copyOf(shared, start, at))
  }
}

/** Returns false if there is no room for the rows. */
function giveRows(slot: number, rows: readonly (Buffer | undefined)[]): boolean {
  let length = 0
  for (const row of rows) length += 4 + (row?.length ?? 0)
  if (length > SLOT_BYTES) return false
  control[LENGTHS + slot] = length
  let at = slot * SLOT_BYTES
  for (const row of rows) {
    at = shared.writeInt32LE(row?.length ?? ABSENT, at)
    if (row !== undefined) at += row.copy(shared, at)
  }
  return true
}
