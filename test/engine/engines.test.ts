import { describe, expect, it } from 'vitest'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'
import { levelEngine } from '../../src/engine/leveldb/level.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { engineConformance } from './conformance.ts'

engineConformance(memoryEngine)
engineConformance(rocksdbEngine)
engineConformance(levelEngine)

describe('the choice of an engine', () => {
  it('is RocksDB where it loads, without a word', async () => {
    expect(await chooseEngine()).toEqual({ factory: rocksdbEngine, note: undefined })
  })

  it('follows the name that is given', async () => {
    expect((await chooseEngine('level')).factory.name).toBe('level')
    expect((await chooseEngine('memory')).factory.persistent).toBe(false)
  })
})
