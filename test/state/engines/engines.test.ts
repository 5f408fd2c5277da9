import { describe, expect, it } from 'vitest'
import { chooseEngine } from '../../../src/state/engines/choose.ts'
import { levelEngine } from '../../../src/state/engines/level.ts'
import { memoryEngine } from '../../../src/state/engines/memory.ts'
import { rocksdbEngine } from '../../../src/state/engines/rocksdb.ts'
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
