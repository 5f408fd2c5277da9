import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
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

const binding = loadRocksdbBinding()
const { db_clear } = binding
let directory: string
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'millrace-engine-'))))
afterEach(() => {
  binding.db_clear = db_clear
  rmSync(directory, { recursive: true })
})

function failToClear(): void {
  binding.db_clear = () => {
    throw new Error('IO error: No space left on device')
  }
}

function deleteRange(engine: KeyValueEngine, gte: string, lt: string): void {
  const batch = new WriteBatch()
  batch.put(Buffer.from('other'), Buffer.from('v'))
  batch.deleteRange(Buffer.from(gte), Buffer.from(lt))
  void engine.write(batch)
}

function fill(engine: KeyValueEngine): void {
  const batch = new WriteBatch()
  for (let i = 0; i < 1_000; i++) batch.put(Buffer.from(`k${i}`), Buffer.from('v'))
  void engine.write(batch)
}

it('a range is deleted at the next opening if the process died right behind the batch that deletes it', async () => {
  let engine = await rocksdbEngine.open(directory)
  fill(engine)
  binding.db_clear = () => {}
  deleteRange(engine, 'k', 'l')
  binding.db_clear = db_clear
  expect(count(engine)).toBe(1_001)
  await engine.close()

  engine = await rocksdbEngine.open(directory)
  expect(count(engine)).toBe(1)
  fill(engine)
  await engine.close()
  engine = await rocksdbEngine.open(directory)
  expect(count(engine)).toBe(1_001)
  await engine.close()
})

it('all ranges are deleted at the next opening, however many the batch deleted', async () => {
  let engine = await rocksdbEngine.open(directory)
  const rows = new WriteBatch()
  const ranges = new WriteBatch()
  const end = 'x'.repeat(1_000)
  for (let i = 0; i < 400; i++) {
    for (let row = 0; row < 65; row++) rows.put(Buffer.from(`k${i}-${row}`), Buffer.from('v'))
    ranges.deleteRange(Buffer.from(`k${i}-`), Buffer.from(`k${i}-${end}`))
  }
  void engine.write(rows)
  binding.db_clear = () => {}
  void engine.write(ranges)
  binding.db_clear = db_clear
  expect(count(engine)).toBe(400 * 65)
  await engine.close()
  engine = await rocksdbEngine.open(directory)
  expect(count(engine)).toBe(0)
  await engine.close()
})

it('a range that cannot be deleted is an engine’s error, and takes nothing with it that is put later', async () => {
  let engine = await rocksdbEngine.open(directory)
  fill(engine)
  failToClear()
  const noSpace = expect.objectContaining({ code: 'MR_STATE_SPACE' })
  expect(() => deleteRange(engine, 'k', 'l')).toThrow(noSpace)
  expect(() => fill(engine)).toThrow(noSpace)
  binding.db_clear = db_clear

  const batch = new WriteBatch()
  batch.put(Buffer.from('k-new'), Buffer.from('v'))
  void engine.write(batch)
  const after = ['k-new', 'other']
  const keys = (): string[] => {
    const found: string[] = []
    const iterator = engine.iterate({})
    while (iterator.next()) found.push(iterator.key.toString())
    iterator.close()
    return found
  }
  expect(keys()).toEqual(after)
  void engine.write(new WriteBatch())
  expect(keys()).toEqual(after)
  await engine.close()
  engine = await rocksdbEngine.open(directory)
  expect(keys()).toEqual(after)
  await engine.close()
})

it('a range that cannot be deleted at the opening is an error of the engine, and leaves no lock behind', async () => {
  let engine = await rocksdbEngine.open(directory)
  fill(engine)
  failToClear()
  expect(() => deleteRange(engine, 'k', 'l')).toThrow()
  await engine.close()
  await expect(rocksdbEngine.open(directory)).rejects.toMatchObject({ code: 'MR_STATE_SPACE' })
  binding.db_clear = db_clear
  engine = await rocksdbEngine.open(directory)
  expect(count(engine)).toBe(1)
  await engine.close()
})
