import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type {
  EngineEstimate,
  EngineFactory,
  EngineIterator,
  EngineOptions,
  EngineRange,
  KeyValueEngine,
  PendingRows,
} from '../engine.ts'
import { ShortView } from '../short-view.ts'
import type { WriteBatch } from '../write-batch.ts'
import { requireWhole } from '../files/engine-files.ts'
import { engineClosed, engineFailure, lockFailure } from '../files/engine-failure.ts'
import { holdDirectory, type HeldDirectory } from '../files/open-directories.ts'
import {
  loadRocksdbBinding,
  type NativeBatch,
  type NativeColumn,
  type NativeDatabase,
  type RocksdbBinding,
} from './rocksdb-binding.ts'
import { readerIsPossible, useReader, type RocksdbReader } from './rocksdb-reader.ts'
import { RangeDeletes } from './rocksdb-range-deletes.ts'
import { RocksdbIterator, openNativeIterator } from './rocksdb-iterator.ts'

const DEFAULT_BLOCK_CACHE_BYTES = 32 * 1024 * 1024
const DEFAULT_WRITE_BUFFER_BYTES = 16 * 1024 * 1024
const MAX_CACHE_BYTES = 0xffff_ffff
/** What takes memory: memtables, cached blocks, and indexes of open files. */
const MEMORY = ['size-all-mem-tables', 'block-cache-usage', 'estimate-table-readers-mem']

/**
 * RocksDB. Everything but `open` and `close` is synchronous. Its write-ahead log is always on. The log reaches the disk
 * at a write with `sync`, otherwise when the operating system writes it.
 */
export const rocksdbEngine: EngineFactory = {
  name: 'rocksdb',
  persistent: true,
  async open(directory, options = {}) {
    const binding = loadRocksdbBinding()
    const held = holdDirectory('rocksdb', directory, options.fileMode)
    try {
      if (options.acceptDamage !== true) await requireWhole('rocksdb', held.path, () => probe(binding, held.path))
      const database = binding.db_init(held.path)
      const columns = await openDatabase(binding, database, options)
      try {
        held.restrictNewFiles()
        return new RocksdbEngine(directory, held, binding, database, columns['default']!, columns['ranges']!)
      } catch (cause) {
        await closeDatabase(binding, database)
        throw cause
      }
    } catch (cause) {
      held.release()
      throw engineFailure('rocksdb', directory, cause)
    }
  },
  async requireUnlocked(directory) {
    if (!existsSync(join(directory, 'LOCK'))) return
    const held = holdDirectory('rocksdb', directory)
    try {
      await probe(loadRocksdbBinding(), held.path)
    } finally {
      held.release()
    }
  },
  destroy(directory) {
    rmSync(directory, { recursive: true, force: true })
  },
}

/** Finds a lock of another process: RocksDB takes its own before it refuses the database. @throws MR_STATE_LOCKED */
async function probe(binding: RocksdbBinding, path: string): Promise<void> {
  try {
    await openDatabase(binding, binding.db_init(path), {}, { createIfMissing: false, errorIfExists: true })
  } catch (cause) {
    const locked = lockFailure(path, cause)
    if (locked !== undefined) throw locked
  }
}

function openDatabase(
  binding: RocksdbBinding,
  database: NativeDatabase,
  options: EngineOptions,
  whether: object = { createIfMissing: true },
): Promise<Readonly<Record<string, NativeColumn>>> {
  // As in Kafka Streams. With level compaction the binding compresses the lower levels, whatever `compression` says.
  const common = { compaction: 'universal', compression: false, optimize: 'point-lookup' }
  return new Promise((resolve, reject) => {
    const settings = {
      ...whether,
      walCompression: false,
      parallelism: 2,
      columns: {
        default: {
          ...common,
          cacheSize: Math.min(options.blockCacheBytes ?? DEFAULT_BLOCK_CACHE_BYTES, MAX_CACHE_BYTES),
          // The binding flushes two memtables, of a quarter of this each, together.
          memtableMemoryBudget: 2 * (options.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES),
        },
        ranges: { ...common, cacheSize: 64 * 1024, memtableMemoryBudget: 256 * 1024 },
      },
    }
    binding.db_open(database, settings, (error, columns) => (error ? reject(error) : resolve(columns)))
  })
}

function closeDatabase(binding: RocksdbBinding, database: NativeDatabase): Promise<void> {
  return new Promise((resolve, reject) => binding.db_close(database, (error) => (error ? reject(error) : resolve())))
}

class RocksdbEngine implements KeyValueEngine {
  readonly name = 'rocksdb'
  readonly #directory: string
  readonly #held: HeldDirectory
  readonly #binding: RocksdbBinding
  readonly #database: NativeDatabase
  readonly #batch: NativeBatch
  readonly #main: NativeColumn
  readonly #rangeDeletes: RangeDeletes
  readonly beginGetMany?: (keys: readonly Buffer[]) => PendingRows | undefined
  #reader: RocksdbReader | undefined
  readonly #iterators = new Set<RocksdbIterator>()
  /** Used again for every look-up of one key. */
  readonly #oneKey: Buffer[] = []
  readonly #key = new ShortView()
  readonly #value = new ShortView()
  /** The batch whose first `#prepared` writes the native batch holds. */
  #preparedBatch: WriteBatch | undefined
  #preparedEdition = 0
  #prepared = 0
  #closing: Promise<void> | undefined

  constructor(
    directory: string,
    held: HeldDirectory,
    binding: RocksdbBinding,
    database: NativeDatabase,
    main: NativeColumn,
    ranges: NativeColumn,
  ) {
    this.#directory = directory
    this.#held = held
    this.#binding = binding
    this.#database = database
    this.#batch = binding.batch_init()
    this.#main = main
    this.#rangeDeletes = new RangeDeletes(binding, database, main, ranges)
    this.#rangeDeletes.redo()
    if (readerIsPossible()) this.beginGetMany = (keys) => this.#ask(keys)
  }

  get(key: Buffer): Buffer | undefined {
    this.#oneKey[0] = key
    return this.getMany(this.#oneKey)[0]
  }

  getMany(keys: readonly Buffer[]): (Buffer | undefined)[] {
    this.#assertOpen()
    try {
      return this.#binding.db_get_many_sync(this.#database, keys, undefined)
    } catch (cause) {
      throw engineFailure('rocksdb', this.#directory, cause)
    }
  }

  #ask(keys: readonly Buffer[]): PendingRows | undefined {
    this.#assertOpen()
    this.#reader ??= useReader()
    return this.#reader?.ask(this.#binding.db_get_handle(this.#database), keys)
  }

  iterate(range: EngineRange): EngineIterator {
    this.#assertOpen()
    const native = openNativeIterator(this.#binding, this.#database, this.#main, range)
    const onClose = (): unknown => this.#iterators.delete(iterator)
    const iterator = new RocksdbIterator(this.#binding, native, this.#directory, onClose, range.limit)
    this.#iterators.add(iterator)
    return iterator
  }

  /** The binding copies keys and values. A range delete depends on the writes after it, and so waits for `write`. */
  prepare(batch: WriteBatch): void {
    this.#assertOpen()
    try {
      this.#takeUp(batch)
      while (this.#prepared < batch.length && batch.kind(this.#prepared) !== 'deleteRange') this.#add(batch)
    } catch (cause) {
      this.#preparedBatch = undefined
      throw engineFailure('rocksdb', this.#directory, cause)
    }
  }

  write(batch: WriteBatch, options?: { readonly sync?: boolean }): void {
    this.#assertOpen()
    try {
      this.#rangeDeletes.finish()
      this.#takeUp(batch)
      this.#rangeDeletes.forgetDone(this.#batch)
      while (this.#prepared < batch.length) this.#add(batch)
      this.#binding.batch_write(this.#database, this.#batch, { sync: options?.sync ?? false })
      this.#rangeDeletes.carryOut()
    } catch (cause) {
      this.#rangeDeletes.cancel()
      throw engineFailure('rocksdb', this.#directory, cause)
    } finally {
      this.#preparedBatch = undefined
      this.#binding.batch_clear(this.#batch)
    }
  }

  /** Goes on after the prepared writes if they are those of this batch. */
  #takeUp(batch: WriteBatch): void {
    if (this.#preparedBatch === batch && this.#preparedEdition === batch.edition) return
    this.#binding.batch_clear(this.#batch)
    this.#preparedBatch = batch
    this.#preparedEdition = batch.edition
    this.#prepared = 0
  }

  #add(batch: WriteBatch): void {
    const index = this.#prepared++
    const kind = batch.kind(index)
    if (kind === 'deleteRange') return this.#rangeDeletes.add(this.#batch, batch, index)
    const key = batch.key(index, this.#key)
    if (kind === 'delete') this.#binding.batch_del(this.#batch, key, undefined)
    else this.#binding.batch_put(this.#batch, key, batch.value(index, this.#value), undefined)
  }

  estimate(): EngineEstimate | undefined {
    if (this.#closing !== undefined) return undefined
    const property = (name: string): number => Number(this.#binding.db_get_property(this.#database, `rocksdb.${name}`))
    return {
      rows: property('estimate-num-keys'),
      disk: property('total-sst-files-size'),
      memory: MEMORY.reduce((sum, name) => sum + property(name), 0),
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    for (const iterator of this.#iterators) iterator.close()
    await this.#reader?.release(this.#binding.db_get_handle(this.#database))
    try {
      await closeDatabase(this.#binding, this.#database)
    } catch (cause) {
      throw engineFailure('rocksdb', this.#directory, cause)
    } finally {
      this.#held.release()
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw engineClosed('rocksdb', this.#directory)
  }
}
