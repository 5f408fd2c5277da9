import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { copyBytes } from '../../platform/copy-bytes.ts'
import type { PendingRows } from '../engine.ts'
import {
  ABSENT,
  ANSWERED,
  ASKED,
  ASLEEP,
  CONTROL_LENGTH,
  COUNTS,
  FREE,
  LENGTHS,
  READING,
  SLOT_BYTES,
  SLOTS,
  STATES,
  type ReaderData,
} from './rocksdb-reader-protocol.ts'

/** The reader's heap. It keeps nothing from one request to the next. */
const HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 }
/** Time between two looks at a request that holds up the closing of a database, ms. */
const WAIT = 1

let shared: RocksdbReader | undefined
let users = 0
let isPossible = availableParallelism() > 1

/** Returns false if a reader has no core of its own, could not be started, or died: this thread does without then. */
export function readerIsPossible(): boolean {
  return isPossible
}

/** Returns this thread's reader, which ends with its last user's `release`; undefined if there cannot be one. */
export function useReader(): RocksdbReader | undefined {
  if (!isPossible) return undefined
  try {
    shared ??= new RocksdbReader()
  } catch {
    isPossible = false
    return undefined
  }
  users++
  return shared
}

/** A thread that looks up rows for the engines of this one. What it cannot do, the asking thread does. */
export class RocksdbReader {
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_LENGTH))
  readonly #databases = new BigInt64Array(new SharedArrayBuffer(8 * SLOTS))
  readonly #bytes = new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES))
  readonly #shared = Buffer.from(this.#bytes.buffer)
  /** The request in each slot that will be taken or dropped. */
  readonly #awaited: (PendingRows | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  readonly #worker: Worker
  #isAlive = true

  constructor() {
    const file = import.meta.url.endsWith('.ts') ? './rocksdb-reader-worker.ts' : './rocksdb-reader-worker.js'
    const workerData: ReaderData = { control: this.#control, databases: this.#databases, bytes: this.#bytes }
    const options = { workerData, name: 'millrace-reader', execArgv: [], resourceLimits: HEAP }
    this.#worker = new Worker(new URL(file, import.meta.url), options)
    this.#worker.unref()
    // Not an error: the thread of the engines looks up everything itself then.
    for (const end of ['error', 'exit']) this.#worker.on(end, () => this.#died())
  }

  /** Asks for rows of a database by its native handle. Returns undefined if nothing can be asked for now. */
  ask(database: bigint, keys: readonly Buffer[]): PendingRows | undefined {
    const slot = this.#isAlive ? this.#freeSlot() : -1
    if (slot < 0 || !this.#put(slot, keys)) return undefined
    this.#databases[slot] = database
    Atomics.store(this.#control, STATES + slot, ASKED)
    if (Atomics.exchange(this.#control, ASLEEP, 0) === 1) Atomics.notify(this.#control, ASLEEP)
    // Once the database is released the slot may belong to another request.
    const isMine = (): boolean => this.#awaited[slot] === pending
    const pending: PendingRows = {
      take: () => (isMine() ? this.#take(slot) : undefined),
      drop: () => {
        if (isMine()) this.#drop(slot)
      },
    }
    this.#awaited[slot] = pending
    return pending
  }

  #take(slot: number): (Buffer | undefined)[] | undefined {
    const isAnswered = Atomics.load(this.#control, STATES + slot) === ANSWERED
    const rows = isAnswered ? this.#rows(slot) : undefined
    this.#drop(slot)
    return rows
  }

  #drop(slot: number): void {
    this.#awaited[slot] = undefined
    Atomics.compareExchange(this.#control, STATES + slot, ASKED, FREE)
  }

  /** Drops the requests to this database, to which its user makes no more. Resolves when nothing reads it any more. */
  async release(database: bigint): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#databases[slot] === database) this.#drop(slot)
      while (this.#isAlive && this.#databases[slot] === database && this.#isReading(slot)) await sleep(WAIT)
    }
    if (--users > 0) return
    if (shared === this) shared = undefined
    this.#isAlive = false
    await this.#worker.terminate()
  }

  #died(): void {
    // That a worker was terminated does not mean that the next one will die.
    if (this.#isAlive) isPossible = false
    this.#isAlive = false
  }

  #isReading(slot: number): boolean {
    return Atomics.load(this.#control, STATES + slot) === READING
  }

  #freeSlot(): number {
    // The first slots are preferred: those never used take no memory. One dropped too late is still written.
    for (let slot = 0; slot < SLOTS; slot++)
      if (this.#awaited[slot] === undefined && !this.#isReading(slot)) return slot
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
    // Serdes and stores may keep what they are given, and the slot is used again.
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
