import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import type { EngineName, KeyValueEngine } from '../../src/engine/engine.ts'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'

/**
 * What the engines cost, one core: `node bench/micro/engines.ts [keys]`. Keys of 16 bytes, values of 100 bytes, loaded
 * in random order in batches of 1000; then reads, batched writes, short scans and range deletes at random places.
 */
const KEYS = Number(process.argv[2] ?? 200_000)
const OPERATIONS = 100_000
const SCANS = 5_000
const VALUE = Buffer.alloc(100, 'v')
/** Coprime to any number of keys that is not a multiple of it. */
const STRIDE = 7_919

function keyOf(i: number): Buffer {
  return Buffer.from(String((i * STRIDE) % KEYS).padStart(16, '0'))
}

async function putBatches(engine: KeyValueEngine, count: number): Promise<void> {
  for (let i = 0; i < count;) {
    const batch = new WriteBatch()
    for (let size = 0; size < 1_000 && i < count; size++, i++) batch.put(keyOf(i), VALUE)
    await engine.write(batch)
  }
}

async function measure(name: EngineName, directory: string): Promise<void> {
  const { factory } = await chooseEngine(name)
  const engine = await factory.open(join(directory, name))
  const keys = Array.from({ length: OPERATIONS }, (_, i) => keyOf(i * 31))
  const time = async (what: string, count: number, work: () => unknown): Promise<void> => {
    const started = performance.now()
    await work()
    console.log(
      `${name.padEnd(8)} ${what.padEnd(28)} ${(((performance.now() - started) * 1000) / count).toFixed(2)} us`,
    )
  }
  await time('load, batches of 1000', KEYS, () => putBatches(engine, KEYS))
  await time('get', OPERATIONS, () => keys.forEach((key) => engine.get(key)))
  if (engine.getMany !== undefined) {
    await time('getMany of 64, per key', OPERATIONS, () => {
      for (let i = 0; i < OPERATIONS; i += 64) engine.getMany?.(keys.slice(i, i + 64))
    })
  }
  await time('put, batches of 1000', OPERATIONS, () => putBatches(engine, OPERATIONS))
  for (const rows of [1, 10, 100]) {
    await time(`scan of ${rows}, per scan`, SCANS, () => {
      for (let i = 0; i < SCANS; i++) {
        const iterator = engine.iterate({ gte: keys[i]! })
        for (let row = 0; row < rows && iterator.next(); row++);
        iterator.close()
      }
    })
  }
  await time('delete range of half, in all', 1, () => {
    const batch = new WriteBatch()
    batch.put(Buffer.from('x'), VALUE)
    batch.deleteRange(Buffer.from('0'), Buffer.from(String(KEYS / 2).padStart(16, '0')))
    return engine.write(batch)
  })
  await engine.close()
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  for (const name of ['memory', 'rocksdb', 'level'] as const) await measure(name, directory)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
