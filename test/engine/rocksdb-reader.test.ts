import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EngineOptions, KeyValueEngine } from '../../src/engine/engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { ResizableEngine } from '../../src/engine/choice/resizable-engine.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'

const NO_MEMORY: Required<EngineOptions> = { writeBufferBytes: 64 * 1024, blockCacheBytes: 64 * 1024 }
const MEMORY: Required<EngineOptions> = { writeBufferBytes: 64 * 1024 * 1024, blockCacheBytes: 64 * 1024 }

let directory: string
let engine: KeyValueEngine

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-reader-'))
})

afterEach(async () => {
  await engine.close()
  rmSync(directory, { recursive: true, force: true })
})

const keyOf = (i: number): Buffer => Buffer.from(`key-${i}`)
/** Keys all over the rows, never the same ones. */
const keysOf = (call: number): Buffer[] => Array.from({ length: 64 }, (_, i) => keyOf((call * 64 + i * 997) % 20_000))

async function fill(rowBytes: number, rows: number): Promise<void> {
  for (let i = 0; i < rows; i += 1000) {
    const batch = new WriteBatch()
    for (let j = i; j < i + 1000; j++) batch.put(keyOf(j), Buffer.alloc(rowBytes, `${j}`))
    await engine.write(batch)
  }
}

test('rows too large for the way from one thread to the other are looked up by the thread itself', async () => {
  engine = await rocksdbEngine.open(directory, NO_MEMORY)
  await fill(5000, 1000)
  const small = [keyOf(1), keyOf(2)]
  await expect.poll(() => answerTo(small)).toEqual(engine.getMany?.(small))
  const large = Array.from({ length: 128 }, (_, i) => keyOf(i))
  expect(await answerTo(large)).toBeUndefined()
  expect(engine.getMany?.(large)).toHaveLength(128)
  const longKeys = Array.from({ length: 128 }, (_, i) => Buffer.alloc(5000, `${i}`))
  expect(engine.beginGetMany?.(longKeys)).toBeUndefined()
  await expect.poll(() => answerTo(small)).toEqual(engine.getMany?.(small))
})

test('what was begun before the memory of an engine changes is not answered behind it', async () => {
  const resizable = await ResizableEngine.open(rocksdbEngine, directory, NO_MEMORY)
  engine = resizable
  await fill(500, 1000)
  const pending = resizable.beginGetMany?.(keysOf(0))
  await resizable.resize(MEMORY)
  expect(pending?.take()).toBeUndefined()
  await expect.poll(() => answerTo(keysOf(0))).toEqual(resizable.getMany?.(keysOf(0)))
})

test('engines of one thread share the thread that reads for them, and one may close while others read', async () => {
  engine = await rocksdbEngine.open(directory, NO_MEMORY)
  await fill(500, 1000)
  const others = await Promise.all(
    Array.from({ length: 3 }, (_, i) => rocksdbEngine.open(join(directory, `other-${i}`), NO_MEMORY)),
  )
  for (const other of others) {
    for (let i = 0; i < 10; i++) other.beginGetMany?.(keysOf(i))
    const closing = other.close()
    await expect.poll(() => answerTo(keysOf(0))).toEqual(engine.getMany?.(keysOf(0)))
    await closing
  }
})

async function answerTo(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[] | undefined> {
  const pending = engine.beginGetMany?.(keys)
  await sleep(10)
  return pending?.take()
}
