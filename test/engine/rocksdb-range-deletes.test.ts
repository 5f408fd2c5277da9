import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import type { KeyValueEngine } from '../../src/engine/engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { loadRocksdbBinding } from '../../src/engine/rocksdb/rocksdb-binding.ts'

function count(engine: KeyValueEngine): number {
  const iterator = engine.iterate({})
  let rows = 0
  while (iterator.next()) rows++
  iterator.close()
  return rows
}

function fill(engine: KeyValueEngine): void {
  const batch = new WriteBatch()
  for (let i = 0; i < 1_000; i++) batch.put(Buffer.from(`k${i}`), Buffer.from('v'))
  void engine.write(batch)
}

it('a range is deleted at the next opening if the process died right behind the batch that deletes it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-engine-'))
  const binding = loadRocksdbBinding()
  const { db_clear } = binding
  let engine = await rocksdbEngine.open(directory)
  fill(engine)
  binding.db_clear = () => {}
  try {
    const batch = new WriteBatch()
    batch.put(Buffer.from('other'), Buffer.from('v'))
    batch.deleteRange(Buffer.from('k'), Buffer.from('l'))
    void engine.write(batch)
  } finally {
    binding.db_clear = db_clear
  }
  expect(count(engine)).toBe(1_001)
  await engine.close()

  engine = await rocksdbEngine.open(directory)
  expect(count(engine)).toBe(1)
  fill(engine)
  await engine.close()
  engine = await rocksdbEngine.open(directory)
  expect(count(engine)).toBe(1_001)
  await engine.close()
  rmSync(directory, { recursive: true })
})
