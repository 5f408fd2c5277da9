import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EngineFactory, EngineOptions } from '../../src/engine/engine.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import { levelEngine } from '../../src/engine/leveldb/level.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { ResizableEngine } from '../../src/engine/choice/resizable-engine.ts'

const SMALL: Required<EngineOptions> = { writeBufferBytes: 64 * 1024, blockCacheBytes: 64 * 1024 }
const LARGE: Required<EngineOptions> = { writeBufferBytes: 2 ** 20, blockCacheBytes: 2 ** 22 }

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-resize-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function put(from: number, to: number): WriteBatch {
  const batch = new WriteBatch()
  for (let i = from; i < to; i++) batch.put(Buffer.from(`key-${i}`), Buffer.from('x'.repeat(200)))
  return batch
}

describe.each([rocksdbEngine, levelEngine])('$name', (factory) => {
  test('has everything after its memory was changed, and takes more', async () => {
    const engine = await ResizableEngine.open(factory, directory, SMALL)
    await engine.write(put(0, 5000))
    await engine.resize(LARGE)
    const batch = put(5000, 6000)
    engine.prepare(batch)
    await engine.resize(SMALL)
    await engine.write(batch)
    expect(engine.name).toBe(factory.name)
    expect(engine.get(Buffer.from('key-5999'))).toHaveLength(200)
    expect(engine.get(Buffer.from('key-0'))).toHaveLength(200)
    expect(engine.get(Buffer.from('none'))).toBeUndefined()
    const iterator = engine.iterate({ gte: Buffer.from('key-'), lt: Buffer.from('key.') })
    let rows = 0
    while (iterator.next()) rows++
    iterator.close()
    expect(rows).toBe(6000)
    await engine.close()
  })
})

test('is not opened again for the memory that it has', async () => {
  const opened: EngineOptions[] = []
  const engine = await ResizableEngine.open(recording(opened), directory, SMALL)
  await engine.resize({ ...SMALL })
  await engine.resize(LARGE)
  expect(opened).toEqual([SMALL, LARGE])
  await engine.close()
})

test('is closed if it cannot be opened again', async () => {
  const opened: EngineOptions[] = []
  const engine = await ResizableEngine.open(recording(opened, 1), directory, SMALL)
  await expect(engine.resize(LARGE)).rejects.toThrow('no more')
  expect(() => engine.get(Buffer.from('key-1'))).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
  await engine.close()
  const again = await rocksdbEngine.open(directory)
  await again.close()
})

function recording(opened: EngineOptions[], limit = Infinity): EngineFactory {
  return {
    ...rocksdbEngine,
    open(path, options = {}) {
      if (opened.length >= limit) throw new Error('no more')
      opened.push(options)
      return rocksdbEngine.open(path, options)
    },
  }
}
