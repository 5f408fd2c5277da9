import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as WorkerThreads from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof WorkerThreads>()),
  Worker: vi.fn<() => void>(function () {
    throw new Error('no thread is left')
  }),
}))

test('where no thread can be started to read beside, everything is looked up all the same', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-no-reader-'))
  const engine = await rocksdbEngine.open(directory, { writeBufferBytes: 64 * 1024, blockCacheBytes: 64 * 1024 })
  const keys = Array.from({ length: 64 }, (_, i) => Buffer.from(`key-${i}`))
  const batch = new WriteBatch()
  for (const key of keys) batch.put(key, Buffer.alloc(5000, key))
  for (let i = 0; i < 20; i++) await engine.write(batch)
  for (let i = 0; i < 2; i++) expect(engine.beginGetMany?.(keys)).toBeUndefined()
  expect(engine.getMany?.(keys)?.map((row) => row?.length)).toEqual(keys.map(() => 5000))
  await engine.close()
  rmSync(directory, { recursive: true, force: true })
})
