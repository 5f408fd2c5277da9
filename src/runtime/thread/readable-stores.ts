import { MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import { heldBefore, type HeldBefore } from '../../query/held-before.ts'
import type { OwnedStore } from '../../query/open-scans.ts'
import type { RowRequest } from '../../query/row-request.ts'
import type { Task } from '../task/task.ts'

export interface ReadableStoresOptions {
  readonly clock: Clock
  /** Returns a global table. */
  readonly global: (store: string) => OwnedStore | undefined
  /** All tasks of the thread that are not closed. */
  readonly tasks: () => Iterable<Task>
  /** Offsets that a task's stores are behind their changelogs; undefined: not known yet. */
  readonly lag: (task: string) => number | undefined
  /** When the last commit that succeeded was begun, by the monotonic clock. */
  readonly committedAt: () => number
  /** False: the group may have given the tasks of this thread to another one without its knowing. */
  readonly isMember: () => boolean
}

/** ms for which a query lets the thread take short slices: the next one is likely to come. */
const RECENTLY = 100

/** The stores of a thread's tasks, as queries find them. */
export class ReadableStores {
  readonly #options: ReadableStoresOptions
  #askedAt = -Infinity
  /** By store. */
  readonly #held = new Map<string, HeldBefore>()

  constructor(options: ReadableStoresOptions) {
    this.#options = options
  }

  /** True if queries come now, one after the other. */
  get areAsked(): boolean {
    return this.#options.clock.monotonic() - this.#askedAt < RECENTLY
  }

  /** @throws MR_QUERY_NOT_OWNER, MR_QUERY_RESTORING, MR_QUERY_STALE, MR_QUERY_BEHIND, MR_QUERY_POSITION */
  find(request: RowRequest): OwnedStore {
    const { store, partition } = request
    this.#askedAt = this.#options.clock.monotonic()
    const table = this.#options.global(store)
    if (table !== undefined) {
      requireReached(new Map(), request, table.source.role)
      return table
    }
    for (const task of this.#options.tasks()) {
      if (task.partition !== partition) continue
      if (task.subtopologies.some(({ stores }) => stores.includes(store))) return this.#read(task, request)
    }
    throw notOwner(store, partition)
  }

  #read(task: Task, request: RowRequest): OwnedStore {
    const { clock, committedAt, isMember } = this.#options
    const { store, partition } = request
    const { state } = task
    // Another one may have committed since.
    if (task.isActive && !isMember()) throw notOwner(store, partition)
    const lag = state === 'running' ? 0 : this.#behind(task, request)
    const { stores } = task
    const reads = stores.reads(store)
    if (!stores.isReadable || reads === undefined) throw notReady(task, store)
    const { readEdition } = stores
    const isChanged = state === 'running' && (task.processing.commitNeeded || task.processing.uncommitted.length > 0)
    const position = state === 'running' ? this.#position(task, request) : undefined
    if (position !== undefined) requireReached(position, request, task.id)
    const source = {
      partition,
      role: state === 'running' ? ('active' as const) : ('standby' as const),
      lag,
      age: isChanged ? clock.monotonic() - committedAt() : 0,
      position: Object.fromEntries([...(position ?? [])].map(([topic, next]) => [topic, { [partition]: next }])),
    }
    return { reads, source, isOpen: () => task.state === state && stores.readEdition === readEdition }
  }

  /** Returns the offsets of the next records of the task's inputs, all before which are in the store. */
  #position({ processing, stores, subtopologies }: Task, { store, consistency }: RowRequest): Map<string, number> {
    let held = this.#held.get(store)
    if (held === undefined) {
      const subtopology = subtopologies.find((each) => each.stores.includes(store))
      held = subtopology === undefined ? 'nothing' : heldBefore(subtopology, store, (name) => stores.isCached(name))
      this.#held.set(store, held)
    }
    if (held === 'calls') return new Map()
    return processing.position(consistency === 'committed' || held === 'cache')
  }

  /** Returns how far a task that does not process is behind. */
  #behind(task: Task, { store, partition, role, maxLag, at }: RowRequest): number {
    // A standby knows how far its changelog is, not how far the inputs are.
    const mayStandIn = role === 'any' && at === undefined
    if (!mayStandIn && !task.isActive) throw notOwner(store, partition)
    if (!mayStandIn || !task.isOpen) throw notReady(task, store)
    // One that the group does not hear of may not hear of new records either. One whose restore is still to begin lacks
    // nothing that is known, and may lack everything.
    const isKnown = this.#options.isMember() && task.state !== 'created'
    const lag = isKnown ? this.#options.lag(task.id) : undefined
    if (lag !== undefined && lag <= maxLag) return lag
    const behind = lag === undefined ? 'an unknown number of' : `${lag}`
    throw new MillraceError('MR_QUERY_STALE', `the standby is ${behind} offsets behind its changelog`, {
      task: task.id,
      store,
      partition,
      hint: 'Ask the active task, or allow for a greater lag with `maxLag`.',
    })
  }
}

function notOwner(store: string, partition: number): MillraceError {
  return new MillraceError('MR_QUERY_NOT_OWNER', 'the task of this partition is not in this thread', {
    store,
    partition,
    hint: 'Ask again: the task may be on its way to another instance.',
  })
}

function notReady({ id, state, partition }: Task, store: string): MillraceError {
  return new MillraceError('MR_QUERY_RESTORING', `the task is ${state}, and cannot be read yet`, {
    task: id,
    store,
    partition,
    hint: "Ask again later, or read what is there with `role: 'any'` and `maxLag`.",
  })
}

/** @param position offsets of the next records of the task's inputs, by topic */
function requireReached(position: ReadonlyMap<string, number>, request: RowRequest, task: string): void {
  const { store, partition, at = {} } = request
  for (const [topic, offsets] of Object.entries(at)) {
    const wanted = offsets[partition]
    const reached = position.get(topic)
    if (reached === undefined) {
      const topics = [...position.keys()].join(', ')
      throw new MillraceError('MR_QUERY_POSITION', `the store has no position in the topic "${topic}"`, {
        task,
        store,
        hint: topics === '' ? 'Global tables have none, nor what calls lead to.' : `It has positions in: ${topics}.`,
      })
    }
    if (wanted === undefined || reached >= wanted) continue
    throw new MillraceError('MR_QUERY_BEHIND', `the task is at offset ${reached}, not yet at ${wanted}`, {
      task,
      store,
      topic,
      partition,
      hint: 'Ask again, with a longer `timeout`, or without `at`.',
    })
  }
}
