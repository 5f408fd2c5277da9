import { MillraceError } from '../../errors/millrace-error.ts'
import { Place } from '../../options/options.ts'
import { engineName } from '../engine-option.ts'
import type { EngineFactory, EngineName } from '../engine.ts'
import { levelEngine, loadClassicLevel } from '../leveldb/level.ts'
import { memoryEngine } from '../memory/memory-engine.ts'
import { rocksdbEngine } from '../rocksdb/rocksdb.ts'
import { loadRocksdbBinding } from '../rocksdb/rocksdb-binding.ts'

export interface ChosenEngine {
  readonly factory: EngineFactory
  /** The reason why it is not the default; undefined if it is the default, or was requested by name. */
  readonly note: string | undefined
}

/**
 * Returns the engine of that name. Without a name, returns RocksDB, or LevelDB where RocksDB does not load.
 *
 * @throws MR_CONFIG for another name; MR_ENGINE_UNAVAILABLE if its binding has no binary for this platform
 * @example
 * ```ts
 * const { factory, note } = await chooseEngine()
 * logger.info(note ?? `state lies in ${factory.name}`)
 * ```
 */
export async function chooseEngine(name?: EngineName): Promise<ChosenEngine> {
  if (name !== undefined) engineName.read(name, new Place('chooseEngine()', 'name', engineName))
  if (name === 'memory') return { factory: memoryEngine, note: undefined }
  if (name === 'level') return await levelOr(undefined)
  try {
    loadRocksdbBinding()
  } catch (cause) {
    const isMissing = cause instanceof MillraceError && cause.code === 'MR_ENGINE_UNAVAILABLE'
    if (name === 'rocksdb' || !isMissing) throw cause
    return await levelOr(`RocksDB does not load on ${process.platform}-${process.arch}; state lies in LevelDB`)
  }
  return { factory: rocksdbEngine, note: undefined }
}

async function levelOr(note: string | undefined): Promise<ChosenEngine> {
  await loadClassicLevel()
  return { factory: levelEngine, note }
}
