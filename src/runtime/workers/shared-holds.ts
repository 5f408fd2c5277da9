import { MillraceError } from '../../errors/millrace-error.ts'
import type { Holds } from '../state-directory/holds.ts'

/** Most tasks that a process can have over its whole life. */
const SLOTS = 65_536
const PARTITION_BITS = 18
const MOST_SUBTOPOLOGIES = 2047
/** Stands in place of a sub-topology for the copies of the global tables, which have no task. */
const GLOBAL = 2047

/** Memory for the holds of all threads of one application. */
export function holdsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * SLOTS * Int32Array.BYTES_PER_ELEMENT)
}

/**
 * Holds in memory that all threads share. A task's slot has its number and that of the thread that has it (or 0). It is
 * taken and given back in one atomic step: no thread waits for another. The main thread gives back what a dead thread
 * held. `tell` notifies the other threads.
 */
export class SharedHolds implements Holds {
  readonly #slots: Int32Array
  readonly #owner: number
  readonly #tell: (task: string) => void
  readonly #listeners = new Set<(task: string) => void>()

  /** @param owner number of this thread, from 1 on, which no other thread has or had */
  constructor(memory: SharedArrayBuffer, owner: number, tell: (task: string) => void) {
    this.#slots = new Int32Array(memory)
    this.#owner = owner
    this.#tell = tell
  }

  has(task: string): boolean {
    return Atomics.load(this.#slots, this.#ownerSlot(task)) !== 0
  }

  take(task: string): boolean {
    return Atomics.compareExchange(this.#slots, this.#ownerSlot(task), 0, this.#owner) === 0
  }

  free(task: string): void {
    const slot = this.#ownerSlot(task)
    if (Atomics.compareExchange(this.#slots, slot, this.#owner, 0) !== this.#owner) return
    this.heard(task)
    this.#tell(task)
  }

  onFree(freed: (task: string) => void): () => void {
    this.#listeners.add(freed)
    return () => void this.#listeners.delete(freed)
  }

  /** Notes that another thread gave the task back. */
  heard(task: string): void {
    for (const freed of this.#listeners) freed(task)
  }

  /** Gives back what an ended thread held: its end has closed its engines. */
  freeAllOf(owner: number): void {
    for (let at = 0; at < this.#slots.length; at += 2) {
      if (Atomics.compareExchange(this.#slots, at + 1, owner, 0) !== owner) continue
      const task = taskOf(Atomics.load(this.#slots, at))
      this.heard(task)
      this.#tell(task)
    }
  }

  /** Finds the slot's half for the owner. The half for the task's number is written once, and stays. */
  #ownerSlot(task: string): number {
    const number = numberOf(task)
    const first = Math.imul(number, 0x9e37_79b1) >>> 16
    for (let step = 0; step < SLOTS; step++) {
      const at = 2 * ((first + step) % SLOTS)
      const found = Atomics.compareExchange(this.#slots, at, 0, number)
      if (found === 0 || found === number) return at + 1
    }
    throw tooMany(task)
  }
}

/** Returns a number other than 0 for `2_7`, and another for `2_7.deleted`, the remains of a cut-short deletion. */
function numberOf(task: string): number {
  const [, global, copy = '1', subtopology, partition, deleted] =
    /^(?:(global)(?:-(\d+))?|(\d+)_(\d+))(\.deleted)?$/.exec(task) ?? []
  const high = global === undefined ? Number(subtopology) : GLOBAL
  const low = global === undefined ? Number(partition) : Number(copy)
  const isKnown = low < 2 ** PARTITION_BITS && (global !== undefined || high < MOST_SUBTOPOLOGIES)
  if (!isKnown) throw tooMany(task)
  return (((high << PARTITION_BITS) | low) << 1) + (deleted === undefined ? 1 : 2)
}

function taskOf(number: number): string {
  const deleted = number % 2 === 0 ? '.deleted' : ''
  const both = (number - 1) >> 1
  const high = both >> PARTITION_BITS
  const low = both & (2 ** PARTITION_BITS - 1)
  if (high === GLOBAL) return `global${low === 1 ? '' : `-${low}`}${deleted}`
  return `${high}_${low}${deleted}`
}

function tooMany(task: string): MillraceError {
  return new MillraceError(
    'MR_THREAD_TASKS',
    `threads of one process share up to ${SLOTS} tasks of ${MOST_SUBTOPOLOGIES} sub-topologies`,
    { task, hint: 'Run several processes with `threads: 1`.' },
  )
}
