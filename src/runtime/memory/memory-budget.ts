import { heapLimit } from '../../platform/machine-memory.ts'
import type { EngineOptions } from '../../engine/engine.ts'
import type { Settings } from '../../application/application.ts'
import type { Topology } from '../../topology/topology.ts'
import type { Task } from '../task/task.ts'

/** Bytes for each use of memory. Together they are at most the budget. */
export interface MemoryParts {
  /** Updates held back by caches. */
  readonly cache: number
  /** Changes that wait for the commit, beside those of caches. */
  readonly changes: number
  /** Rows kept as objects although the engine has them. */
  readonly entries: number
  /** Records read and not processed. */
  readonly input: number
  /** Writes of the engines that are in no file yet. */
  readonly writeBuffers: number
  /** Blocks that the engines have read from files. */
  readonly blockCache: number
}

/** Bytes that tasks use of the memory of their application. */
export interface MemoryUse {
  /** Updates held back by caches; they are part of `changes`, too. */
  readonly cache: number
  /** Changes that wait for the commit. */
  readonly changes: number
  /** Rows kept as objects although the engine has them. */
  readonly entries: number
  /** Records handed over to tasks and not processed. */
  readonly input: number
  /** What the engines may use, whether they use it or not. */
  readonly engines: number
}

/** Changes for which a thread commits early: more of them take memory, and hardly make a commit cheaper. */
const MAX_CHANGES = 16 * 1024 * 1024
/** Writes that an engine flushes at once: more make it slower to open, and no faster. */
const MAX_WRITE_BUFFER = 8 * 1024 * 1024
/** Engines do not work with less. */
const MIN_ENGINE_PART = 64 * 1024
/** Memory of the engine of a task without stores. */
export const LEAST_ENGINE: Required<EngineOptions> = {
  writeBufferBytes: MIN_ENGINE_PART,
  blockCacheBytes: MIN_ENGINE_PART,
}

/** Divides the memory of a process. Entries and changes lie in JavaScript's heap, the rest outside. */
export function divideMemory(settings: Settings, heap = heapLimit()): MemoryParts {
  const { memory, cacheBytes, threads } = settings
  const rest = memory - cacheBytes
  const input = Math.floor(rest / 8)
  const changes = Math.floor(Math.min(rest / 8, MAX_CHANGES * threads, heap / 8))
  const entries = Math.floor(Math.min(rest / 4, heap / 4))
  const writeBuffers = Math.floor(rest / 4)
  return {
    cache: cacheBytes,
    changes,
    entries,
    input,
    writeBuffers,
    blockCache: rest - input - changes - entries - writeBuffers,
  }
}

/**
 * The memory of one stream thread, or of the global tables, divided again over tasks when they come and go. The number
 * of tasks is rounded up to a power of two, so that few engines are opened again for one task more or less.
 */
export class MemoryShare {
  readonly parts: MemoryParts
  #tasks = 1

  constructor(settings: Settings, { subtopologies }: Topology) {
    // Every thread may have a copy of the global tables.
    const shares = settings.threads * (subtopologies.some(({ global }) => global) ? 2 : 1)
    const { cache, changes, entries, input, writeBuffers, blockCache } = divideMemory(settings)
    this.parts = {
      cache: Math.ceil(cache / settings.threads),
      changes: Math.floor(changes / shares),
      entries: Math.floor(entries / shares),
      input: Math.floor(input / shares),
      writeBuffers: Math.floor(writeBuffers / shares),
      blockCache: Math.floor(blockCache / shares),
    }
  }

  /** Divides the memory among so many tasks with stores. Returns true if that changes what each gets. */
  divideAmong(tasks: number): boolean {
    const rounded = 2 ** Math.ceil(Math.log2(Math.max(1, tasks)))
    const changed = rounded !== this.#tasks
    this.#tasks = rounded
    return changed
  }

  /** Changes, held back ones included, for which a commit is due. Records are still processed until it begins. */
  get maxChanges(): number {
    return Math.floor(this.parts.cache + 0.75 * this.parts.changes)
  }

  /** Bytes for one task's entries. */
  get entries(): number {
    return Math.floor(this.parts.entries / this.#tasks)
  }

  /** Memory of one task's engine. A buffer being flushed takes as much again as the one being filled. */
  get engine(): Required<EngineOptions> {
    const writeBuffer = Math.min(this.parts.writeBuffers / this.#tasks / 2, MAX_WRITE_BUFFER)
    return {
      writeBufferBytes: Math.max(MIN_ENGINE_PART, Math.floor(writeBuffer)),
      blockCacheBytes: Math.max(MIN_ENGINE_PART, Math.floor(this.parts.blockCache / this.#tasks)),
    }
  }

  /** Bytes fetched and not handed over to tasks. */
  get fetched(): number {
    return Math.floor(this.parts.input / 2)
  }

  /** Bytes handed over to tasks and not processed. */
  get queued(): number {
    return Math.floor(this.parts.input / 4)
  }

  /** Bytes fetched from changelogs and not applied to stores. */
  get restored(): number {
    return Math.floor(this.parts.input / 4)
  }
}

/** Adds up what the tasks of a thread use of its share. */
export function useOf({ parts }: MemoryShare, cache: number, running: Iterable<Task>): MemoryUse {
  let changes = 0
  let entries = 0
  let input = 0
  for (const { stores, processing } of running) {
    changes += stores.dirtyBytes
    entries += stores.cleanBytes
    for (const queue of processing.queues) input += queue.bytes
  }
  return { cache, changes, entries, input, engines: parts.writeBuffers + parts.blockCache }
}

export const NO_MEMORY: MemoryUse = { cache: 0, changes: 0, entries: 0, input: 0, engines: 0 }

export function addMemory(a: MemoryUse, b: MemoryUse): MemoryUse {
  return {
    cache: a.cache + b.cache,
    changes: a.changes + b.changes,
    entries: a.entries + b.entries,
    input: a.input + b.input,
    engines: a.engines + b.engines,
  }
}
