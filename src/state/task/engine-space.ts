import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import type { KeyValueEngine } from '../../engine/engine.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import { LatestRows } from '../rows/latest-rows.ts'
import { layoutOf } from './store-layout.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'

/** Where a store's changelog stood when the rows in the engine were written. */
export interface Checkpoint {
  /** The offset of the first changelog record that the store does not hold. */
  readonly offset: number
  /** The id of the changelog topic. A topic deleted and created again has another. */
  readonly topicId: string
  /** The wall-clock time of the write, ms since the epoch. */
  readonly time: number
}

/** Rows under prefix 0 describe the others: `0 0 ‖ kind ‖ name`. */
const FORMAT = 0
const STORE = 1
const CHECKPOINT = 2
const KEPT = 3
const OWNER = 4
const HEADER = 3
const FORMAT_VERSION = '1'
const MAX_PREFIX = 0xfffe

interface Allocation {
  readonly prefix: number
  readonly layout: string
}

/** One engine of a task, divided among stores. Each store has its own prefix, kept under its name. */
export class EngineSpace {
  readonly engine: KeyValueEngine
  /** Restored rows for the next `write`. */
  readonly restored = new LatestRows()
  readonly #batch = new WriteBatch()
  readonly #task: string
  readonly #stores = new Map<string, Allocation>()
  readonly #checkpoints = new Map<string, Checkpoint>()
  readonly #kept = new Map<string, Buffer>()

  /** @throws MR_STATE_FOREIGN if the engine holds rows in a form that this version does not know */
  constructor(engine: KeyValueEngine, task: string) {
    this.engine = engine
    this.#task = task
    const iterator = engine.iterate({ gte: metaKey(FORMAT, ''), lt: metaKey(KEPT + 1, '') })
    try {
      while (iterator.next()) this.#take(iterator.key, iterator.value)
    } finally {
      iterator.close()
    }
  }

  /** The batch of the next `write`: what was restored, then what is added now. */
  get batch(): WriteBatch {
    this.restored.moveTo(this.#batch)
    return this.#batch
  }

  /** Returns the store's prefix, or gives it one. The next `write` empties a store of another layout. */
  allocate(spec: StoreSpec): number {
    const layout = layoutOf(spec)
    const known = this.#stores.get(spec.name)
    if (known?.layout === layout) return known.prefix
    const prefix = known?.prefix ?? this.#freePrefix()
    const allocation: Allocation = { prefix, layout }
    if (known !== undefined) this.empty(spec.name)
    this.#stores.set(spec.name, allocation)
    this.batch.put(metaKey(FORMAT, ''), Buffer.from(FORMAT_VERSION))
    this.batch.put(metaKey(STORE, spec.name), json(allocation))
    return prefix
  }

  /** Lets the next `write` delete the store's rows and what was kept about them. */
  empty(store: string): void {
    const allocation = this.#stores.get(store)
    if (allocation === undefined) return
    const { prefix } = allocation
    this.batch.deleteRange(prefixKey(prefix), prefixKey(prefix + 1))
    this.batch.delete(metaKey(CHECKPOINT, store))
    this.batch.delete(metaKey(KEPT, store))
    this.#checkpoints.delete(store)
    this.#kept.delete(store)
  }

  kept(store: string): Buffer | null {
    return this.#kept.get(store) ?? null
  }

  keptKey(store: string): Buffer {
    return metaKey(KEPT, store)
  }

  checkpoint(name: string): Checkpoint | undefined {
    return this.#checkpoints.get(name)
  }

  setCheckpoint(name: string, checkpoint: Checkpoint): void {
    this.#checkpoints.set(name, checkpoint)
    this.batch.put(metaKey(CHECKPOINT, name), json(checkpoint))
  }

  /** Does the part of `write` that can be done beforehand. */
  prepare(): void {
    const { batch } = this
    if (batch.length > 0) this.engine.prepare?.(batch)
  }

  write(): MaybePromise<void> {
    const { batch } = this
    if (batch.length === 0) return
    try {
      const written = this.engine.write(batch)
      if (isPromise(written)) return written
    } finally {
      // The engine is done with the bytes when it has returned, if only a promise.
      this.discard()
    }
  }

  /** Drops what the next `write` would write. */
  discard(): void {
    this.#batch.clear()
    this.restored.release()
  }

  #take(key: Buffer, value: Buffer): void {
    const name = key.toString('utf8', HEADER)
    switch (key[HEADER - 1]) {
      case FORMAT:
        if (value.toString() !== FORMAT_VERSION) throw this.#foreign(value.toString())
        break
      case STORE: {
        const allocation: Allocation = JSON.parse(value.toString())
        this.#stores.set(name, allocation)
        break
      }
      case CHECKPOINT: {
        const checkpoint: Checkpoint = JSON.parse(value.toString())
        this.#checkpoints.set(name, checkpoint)
        break
      }
      case KEPT:
        this.#kept.set(name, value)
    }
  }

  #freePrefix(): number {
    let highest = 0
    for (const { prefix } of this.#stores.values()) highest = Math.max(highest, prefix)
    if (highest >= MAX_PREFIX) {
      throw new MillraceError('MR_STATE_FULL', 'the task has had too many stores', {
        task: this.#task,
        hint: 'Delete the task directory; its stores are restored from their changelogs.',
      })
    }
    return highest + 1
  }

  #foreign(version: string): MillraceError {
    return new MillraceError('MR_STATE_FOREIGN', `the state has format "${version}", this version knows "1"`, {
      task: this.#task,
      hint:
        'Run the version of Millrace that wrote it, or delete the task directory: ' +
        'stores are restored from their changelogs.',
    })
  }
}

/** The key under which `claimState` keeps the owner of the engine. */
export const OWNER_KEY = metaKey(OWNER, '')

function metaKey(kind: number, name: string): Buffer {
  return Buffer.concat([Buffer.of(0, 0, kind), Buffer.from(name, 'utf8')])
}

function prefixKey(prefix: number): Buffer {
  return Buffer.of(prefix >>> 8, prefix & 0xff)
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8')
}
