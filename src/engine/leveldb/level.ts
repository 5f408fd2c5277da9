import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ClassicLevel } from 'classic-level'
import type { EngineEstimate, EngineFactory, EngineIterator, EngineRange, KeyValueEngine } from '../engine.ts'
import type { WriteBatch } from '../write-batch.ts'
import { requireWhole } from '../files/engine-files.ts'
import { engineClosed, engineUnavailable, engineFailure, lockFailure } from '../files/engine-failure.ts'
import { requireSoundIndexes } from './level-tables.ts'
import { LevelScanner } from './level-scanner.ts'
import { holdDirectory, type HeldDirectory } from '../files/open-directories.ts'

type Database = ClassicLevel<Buffer, Buffer>
type DatabaseOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

const DEFAULT_BLOCK_CACHE_BYTES = 32 * 1024 * 1024
const DEFAULT_WRITE_BUFFER_BYTES = 16 * 1024 * 1024

/**
 * LevelDB, for platforms without a RocksDB binary. Reads are synchronous; scans cost a round trip to another thread.
 * Writes return promises and take effect in the order of the calls.
 */
export const levelEngine: EngineFactory = {
  name: 'level',
  persistent: true,
  async open(directory, options = {}) {
    const { ClassicLevel } = await loadClassicLevel()
    const held = holdDirectory('level', directory, options.fileMode)
    try {
      if (options.acceptDamage !== true) {
        await requireWhole('level', held.path, () => probe(held.path))
        requireSoundIndexes(held.path)
      }
      const database: Database = new ClassicLevel(held.path, {
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        multithreading: true,
        compression: false,
        cacheSize: options.blockCacheBytes ?? DEFAULT_BLOCK_CACHE_BYTES,
        writeBufferSize: options.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES,
      })
      await database.open()
      held.restrictNewFiles()
      return new LevelEngine(directory, held, database)
    } catch (cause) {
      held.release()
      throw engineFailure('level', directory, cause)
    }
  },
  async requireUnlocked(directory) {
    if (!existsSync(join(directory, 'LOCK'))) return
    const held = holdDirectory('level', directory)
    try {
      await probe(held.path)
    } finally {
      held.release()
    }
  },
  destroy(directory) {
    rmSync(directory, { recursive: true, force: true })
  },
}

/** Has LevelDB make a database of the tables that it can read. */
export async function repairLevel(directory: string): Promise<void> {
  const { ClassicLevel } = await loadClassicLevel()
  await ClassicLevel.repair(directory)
}

/** Tries the lock: LevelDB takes it before it refuses to open. @throws MR_STATE_LOCKED */
async function probe(path: string): Promise<void> {
  const { ClassicLevel } = await loadClassicLevel()
  try {
    await new ClassicLevel(path).open({ createIfMissing: false, errorIfExists: true })
  } catch (cause) {
    const locked = lockFailure(path, cause)
    if (locked !== undefined) throw locked
  }
}

/** @throws MR_ENGINE_UNAVAILABLE if there is no binary for this platform */
export async function loadClassicLevel(): Promise<{ readonly ClassicLevel: typeof ClassicLevel }> {
  try {
    return await import('classic-level')
  } catch (cause) {
    throw engineUnavailable('level', cause)
  }
}

class LevelEngine implements KeyValueEngine {
  readonly name = 'level'
  readonly #directory: string
  readonly #held: HeldDirectory
  readonly #database: Database
  #scanner: LevelScanner | undefined
  #writing: Promise<void> = Promise.resolve()
  #unfinished = 0
  #closing: Promise<void> | undefined

  constructor(directory: string, held: HeldDirectory, database: Database) {
    this.#directory = directory
    this.#held = held
    this.#database = database
  }

  get(key: Buffer): Buffer | undefined {
    this.#assertOpen()
    try {
      return this.#database.getSync(key)
    } catch (cause) {
      throw engineFailure('level', this.#directory, cause)
    }
  }

  iterate(range: EngineRange): EngineIterator {
    this.#assertOpen()
    this.#scanner ??= new LevelScanner(this.#held.path)
    return this.#scanner.iterate(range)
  }

  write(batch: WriteBatch, options?: { readonly sync?: boolean }): Promise<void> {
    this.#assertOpen()
    const sync = options?.sync ?? false
    const plain = plainOperations(batch)
    const isFirst = this.#unfinished++ === 0
    // LevelDB copies its input before `batch` returns. A batch that has to wait is copied here.
    const written =
      plain !== undefined && isFirst ? this.#database.batch(plain, { sync }) : this.#writeLater(batch.copy(), sync)
    const done = written
      .catch((cause: unknown) => {
        throw engineFailure('level', this.#directory, cause)
      })
      .finally(() => this.#unfinished--)
    this.#writing = done.catch(() => {})
    return done
  }

  async #writeLater(batch: WriteBatch, sync: boolean): Promise<void> {
    await this.#writing
    await this.#database.batch(await this.#expand(batch), { sync })
  }

  estimate(): EngineEstimate | undefined {
    if (this.#closing !== undefined) return undefined
    const property = (name: string): string => this.#database.getProperty(`leveldb.${name}`)
    return { disk: sizeOfTables(property('sstables')), memory: Number(property('approximate-memory-usage')) }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#writing
    try {
      this.#scanner?.close()
      await this.#database.close()
    } finally {
      this.#held.release()
    }
  }

  /** Turns range deletes, which LevelDB lacks, into deletes of stored keys and of keys put earlier in the batch. */
  async #expand(batch: WriteBatch): Promise<DatabaseOperation[]> {
    const expanded: DatabaseOperation[] = []
    for (let i = 0; i < batch.length; i++) {
      if (batch.kind(i) !== 'deleteRange') expanded.push(plainOperation(batch, i))
      else {
        const { gte, lt } = batch.range(i)
        const earlier = expanded.filter(({ key }) => key.compare(gte) >= 0 && key.compare(lt) < 0)
        const stored = await this.#database.keys({ gte, lt }).all()
        for (const key of [...earlier.map((put) => put.key), ...stored]) expanded.push({ type: 'del', key })
      }
    }
    return expanded
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw engineClosed('level', this.#directory)
  }
}

/** Adds up the sizes in LevelDB's list of its tables, whose lines are ` NUMBER:SIZE[FIRST .. LAST]`. */
function sizeOfTables(list: string): number {
  let sum = 0
  for (const [, size] of list.matchAll(/^ \d+:(\d+)\[/gm)) sum += Number(size)
  return sum
}

/** Returns the batch in LevelDB's terms; undefined if it deletes ranges. */
function plainOperations(batch: WriteBatch): DatabaseOperation[] | undefined {
  const plain: DatabaseOperation[] = []
  for (let i = 0; i < batch.length; i++) {
    if (batch.kind(i) === 'deleteRange') return undefined
    plain.push(plainOperation(batch, i))
  }
  return plain
}

function plainOperation(batch: WriteBatch, index: number): DatabaseOperation {
  const key = batch.key(index)
  return batch.kind(index) === 'put' ? { type: 'put', key, value: batch.value(index) } : { type: 'del', key }
}
