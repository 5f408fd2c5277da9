import type { FileMode } from '../platform/file-mode.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { WriteBatch } from './write-batch.ts'

/**
 * The KeyValueEngine port: an ordered map from bytes to bytes (unsigned lexicographic order). Reads are synchronous;
 * open, write and close may be asynchronous. One conformance suite holds every engine to it.
 *
 * The caller may change keys and values that it passes once the call has returned. Returned ones belong to the caller.
 */
export interface KeyValueEngine {
  readonly name: EngineName
  get(key: Buffer): Buffer | undefined
  /** Returns what `get` returns for each key. Absent in engines where many keys at once cost as much as one by one. */
  getMany?(keys: readonly Buffer[]): readonly (Buffer | undefined)[]
  /** Begins to look these keys up in another thread, in engines that have one; undefined if that cannot be done now. */
  beginGetMany?(keys: readonly Buffer[]): PendingRows | undefined
  /** Iterates over the engine's rows at the time of the call. The caller must close the iterator on every path. */
  iterate(range: EngineRange): EngineIterator
  /**
   * Does the part of `write` that comes before any of these writes takes effect. Absent in engines without such a part.
   * The batch may be written later, with more writes after these, or be cleared. Until then the bytes must stay
   * unchanged.
   */
  prepare?(batch: WriteBatch): void
  /** Writes all of the batch or nothing, even if the process dies; with `sync`, even if the machine does. */
  write(batch: WriteBatch, options?: { readonly sync?: boolean }): MaybePromise<void>
  /** Returns what the engine knows of its size without reading a row; undefined once it is closed. */
  estimate?(): EngineEstimate | undefined
  close(): MaybePromise<void>
}

/** The size of an engine. What it does not know is absent. */
export interface EngineEstimate {
  readonly rows?: number
  /** Bytes of its table files. */
  readonly disk?: number
  /** Bytes of memory that it takes now. */
  readonly memory?: number
}

/** Rows that are being looked up. Either `take` or `drop` must be called, once: a thread has few look-ups at a time. */
export interface PendingRows {
  /**
   * Returns what `getMany` returned at some moment since these keys were requested; undefined if they have not been
   * looked up yet, or could not be. Never waits. Each row holds the memory of all of them: copy a row that is kept for
   * long.
   */
  take(): readonly (Buffer | undefined)[] | undefined
  drop(): void
}

/** RocksDB, LevelDB, or memory alone. */
export type EngineName = 'rocksdb' | 'level' | 'memory'
export const ENGINE_NAMES: readonly EngineName[] = ['rocksdb', 'level', 'memory']

export interface EngineRange {
  /** Inclusive; absent: from the first key. */
  readonly gte?: Buffer
  /** Exclusive; absent: to the last key. */
  readonly lt?: Buffer
  readonly reverse?: boolean
  /** Greatest number of rows. Nothing after them, which may be damaged, is read. Absent: all. */
  readonly limit?: number
}

export interface EngineIterator {
  /** Moves to the next entry; false at the end. No entry is current before the first call. */
  next(): boolean
  readonly key: Buffer
  readonly value: Buffer
  close(): void
}

/** Bounds of an engine's memory. */
export interface EngineOptions {
  /** Bytes of cache for blocks read from disk. */
  readonly blockCacheBytes?: number
  /** Bytes of writes held in memory before they are flushed to a file. */
  readonly writeBufferBytes?: number
}

/** Options of opening an engine. */
export interface EngineOpenOptions extends EngineOptions {
  /** True: opens what is left of damaged files, as far as the engine can. The engine may delete the rest. */
  readonly acceptDamage?: boolean
  /** The users who may read the files that the engine makes; `'owner'` if not given. */
  readonly fileMode?: FileMode
}

/** Opens engines of one kind. */
export interface EngineFactory {
  readonly name: EngineName
  /** True if the engine's data outlives the process. */
  readonly persistent: boolean
  /**
   * Opens the directory, and makes it if it is missing. The memory engine ignores it.
   * @throws MR_STATE_LOCKED if another process holds it, MR_STATE_CORRUPT if its files cannot be read
   */
  open(directory: string, options?: EngineOpenOptions): MaybePromise<KeyValueEngine>
  /**
   * Checks that nobody has the directory open, and changes none of its data. Absent in engines without files.
   * @throws MR_STATE_LOCKED
   */
  requireUnlocked?(directory: string): Promise<void>
  /** Deletes the directory with its files. */
  destroy(directory: string): MaybePromise<void>
}

/** Returns a factory of the same engine with this mode for its files. */
export function withFileMode(factory: EngineFactory, fileMode: FileMode): EngineFactory {
  const { name, persistent } = factory
  if (!persistent) return factory
  return {
    name,
    persistent,
    open: (directory, options) => factory.open(directory, { ...options, fileMode }),
    requireUnlocked: async (directory) => factory.requireUnlocked?.(directory),
    destroy: (directory) => factory.destroy(directory),
  }
}
