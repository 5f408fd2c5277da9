import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { copyBytes } from '../../platform/copy-bytes.ts'
import {
  ABSENT,
  ANSWERED,
  ASKED,
  CALLS,
  CONTROL_LENGTH,
  COUNTS,
  FREE,
  LENGTHS,
  READING,
  SLOT_BYTES,
  SLOTS,
  STATES,
} from './rocksdb-reader-protocol.ts'
import type { ReaderData } from './rocksdb-reader-protocol.ts'

/** MB of the reader's heap; it keeps nothing from one request to the next. */
const HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 }
/** ms between two looks at a request that holds up the closing of a database. */
const WAIT = 1

let shared: RocksdbReader | undefined
let users = 0

/** The reader of this thread, which ends with its last user; undefined where it would have no core of its own. */
export function useReader(): RocksdbReader | undefined {
  if (availableParallelism() < 2) return undefined
  users++
  return (shared ??= new RocksdbReader())
}

/** A thread that looks up rows for the engines of this one. What it cannot do, for whatever reason, is left to whoever asked. */
export class RocksdbReader {
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_LENGTH))
  readonly #databases = new BigInt64Array(new SharedArrayBuffer(8 * SLOTS))
  readonly #times = new Float64Array(new SharedArrayBuffer(8 * SLOTS))
  readonly #bytes = new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES))
  readonly #shared = Buffer.from(this.#bytes.buffer)
  /** Slots whose answers somebody will come for. */
  readonly #taken: boolean[] = Array.from({ length: SLOTS }, () => false)
  readonly #worker: Worker
  #isAlive = true
  #next = 0

  constructor() {
    const file = import.meta.url.endsWith('.ts') ? './rocksdb-reader-worker.ts' : './rocksdb-reader-worker.js'
    const workerData: ReaderData = {
      control: this.#control,
      databases: this.#databases,
      times: this.#times,
      bytes: this.#bytes,
    }
    const options = { workerData, name: 'millrace-reader', execArgv: [], resourceLimits: HEAP }
    this.#worker = new Worker(new URL(file, import.meta.url), options)
    this.#worker.unref()
    // Without it everything is looked up by the engines' own thread.
    this.#worker.on('error', () => (this.#isAlive = false))
  }

  /**
   * Asks for rows of a database by its native handle.
   *
   * @returns the slot of the answer, to be given back by `take` or `drop`; -1 if nothing can be asked for now
   */
  ask(database: bigint, keys: readonly Buffer[]): number {
    const slot = this.#isAlive ? this.#freeSlot() : -1
    if (slot < 0 || !this.#put(slot, keys)) return -1
    this.#taken[slot] = true
    this.#databases[slot] = database
    Atomics.store(this.#control, STATES + slot, ASKED)
    Atomics.add(this.#control, CALLS, 1)
    Atomics.notify(this.#control, CALLS)
    return slot
  }

  /** The rows that were asked for; undefined if there is no answer by now, and will not be one. */
  take(slot: number): (Buffer | undefined)[] | undefined {
    const answered = Atomics.load(this.#control, STATES + slot) === ANSWERED
    const rows = answered ? this.#rows(slot) : undefined
    this.drop(slot)
    return rows
  }

  /** ms that the look-ups of the answer last taken from this slot took. */
  timeOf(slot: number): number {
    return this.#times[slot]!
  }

  drop(slot: number): void {
    this.#taken[slot] = false
    Atomics.compareExchange(this.#control, STATES + slot, ASKED, FREE)
  }

  /** Drops what is asked of this database. When it resolves, nothing reads it any more. */
  async release(database: bigint): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#databases[slot] !== database) continue
      this.drop(slot)
      while (this.#isAlive && this.#isReading(slot)) await sleep(WAIT)
    }
    if (--users > 0) return
    shared = undefined
    this.#isAlive = false
    await this.#worker.terminate()
  }

  #isReading(slot: number): boolean {
    return Atomics.load(this.#control, STATES + slot) === READING
  }

  #freeSlot(): number {
    for (let i = 0; i < SLOTS; i++) {
      const slot = (this.#next + i) % SLOTS
      // One that was dropped too late is still written to.
      if (this.#taken[slot] || this.#isReading(slot)) continue
      this.#next = slot + 1
      return slot
    }
    return -1
  }

  #put(slot: number, keys: readonly Buffer[]): boolean {
    const bytes = this.#shared
    let at = slot * SLOT_BYTES
    const end = at + SLOT_BYTES
    for (const key of keys) {
      if (at + 4 + key.length > end) return false
      at = bytes.writeInt32LE(key.length, at)
      at = copyBytes(key, 0, key.length, bytes, at)
    }
    this.#control[COUNTS + slot] = keys.length
    return true
  }

  #rows(slot: number): (Buffer | undefined)[] {
    const start = slot * SLOT_BYTES
    // Serdes and stores may keep what they are given, and this room is used again.
    const bytes = Buffer.from(this.#shared.subarray(start, start + this.#control[LENGTHS + slot]!))
    const rows: (Buffer | undefined)[] = []
    let at = 0
    for (let left = this.#control[COUNTS + slot]!; left > 0; left--) {
      const length = bytes.readInt32LE(at)
      at += 4
      rows.push(length === ABSENT ? undefined : bytes.subarray(at, (at += length)))
    }
    return rows
  }
}
