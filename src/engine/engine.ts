import type { FileMode } from '../platform/file-mode.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { WriteBatch } from './write-batch.ts'

/**
 * The KeyValueEngine port: an ordered map from bytes to bytes (unsigned lexicographic order). Reads are synchronous; open,
 * write and close may be asynchronous. One conformance suite holds every engine to it.
 *
 * Keys and values handed in belong to the caller again when the call returns; those handed out belong to the caller.
 */
export interface KeyValueEngine {
  readonly name: EngineName
  get(key: Buffer): Buffer | undefined
  /** As `get` of each key, in engines to which many at once cost less than one by one. */
  getMany?(keys: readonly Buffer[]): readonly (Buffer | undefined)[]
  /** Begins to look these keys up in another thread, in engines that have one; undefined if that cannot be done now. */
  beginGetMany?(keys: readonly Buffer[]): PendingRows | undefined
  /** Iterates over the engine as it is at this call, whatever is written later. The caller closes the iterator on every path. */
  iterate(range: EngineRange): EngineIterator
  /**
   * Does what `write` would have to do with these writes before any of them may take effect. The batch may be written later, with more writes behind
   * these, or be cleared; until then the bytes must stay as they are. In engines in which that is a part of the work.
   */
  prepare?(batch: WriteBatch): void
  /** All of the batch or nothing, even if the process dies; with `sync`, even if the machine does. */
  write(batch: WriteBatch, options?: { readonly sync?: boolean }): MaybePromise<void>
  close(): MaybePromise<void>
}

/** Rows that are being looked up. One of the two must be called, once: only so many look-ups can be under way in a thread. */
export interface PendingRows {
  /**
   * What `getMany` returned at some moment since these keys were asked for; undefined if they have not been looked up yet, or could
   * not be. Never waits. Each row keeps the memory of all of them: what is kept for long should be copied.
   */
  take(): readonly (Buffer | undefined)[] | undefined
  drop(): void
}

/** RocksDB, LevelDB, or nothing but memory. */
export type EngineName = 'rocksdb' | 'level' | 'memory'
export const ENGINE_NAMES: readonly EngineName[] = ['rocksdb', 'level', 'memory']

export interface EngineRange {
  /** Inclusive; absent: from the first key. */
  readonly gte?: Buffer
  /** Exclusive; absent: to the last key. */
  readonly lt?: Buffer
  readonly reverse?: boolean
  /** At most so many rows: nothing behind them is read, which may be damaged. Absent: all. */
  readonly limit?: number
}

export interface EngineIterator {
  /** Moves to the next entry; false at the end. No entry is current before the first call. */
  next(): boolean
  readonly key: Buffer
  readonly value: Buffer
  close(): void
}

/** How much memory an engine may take. */
export interface EngineOptions {
  /** Bytes of cache for blocks read from disk. */
  readonly blockCacheBytes?: number
  /** Bytes of writes held in memory before they are flushed to a file. */
  readonly writeBufferBytes?: number
}

/** How an engine is opened. */
export interface EngineOpenOptions extends EngineOptions {
  /** True: opens what is left where files are damaged, as far as the engine can; it may delete the rest. */
  readonly acceptDamage?: boolean
  /** Who may read the files that the engine makes; `'owner'` if not given. */
  readonly fileMode?: FileMode
}

/** Opens engines of one kind. */
export interface EngineFactory {
  readonly name: EngineName
  /** True if what it opens outlives the process. */
  readonly persistent: boolean
  /**
   * Opens the directory, made if missing; the memory engine ignores it.
   * @throws MR_STATE_LOCKED if another process holds it, MR_STATE_CORRUPT if its files cannot be read
   */
  open(directory: string, options?: EngineOpenOptions): MaybePromise<KeyValueEngine>
  /**
   * Returns if nobody has the directory open, and changes nothing that matters in it. Absent where nobody else could.
   * @throws MR_STATE_LOCKED
   */
  requireUnlocked?(directory: string): Promise<void>
  /** Deletes what lies in the directory. */
  destroy(directory: string): MaybePromise<void>
}

/** The same engine, whose files may be read by those meant. */
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
