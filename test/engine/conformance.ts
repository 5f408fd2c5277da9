import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RowList } from '../../src/engine/row-list.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import type { EngineFactory, EngineIterator, EngineRange, KeyValueEngine } from '../../src/engine/engine.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

function batchOf(change: (batch: WriteBatch) => void): WriteBatch {
  const batch = new WriteBatch()
  change(batch)
  return batch
}

function putAll(engine: KeyValueEngine, entries: Readonly<Record<string, string>>): unknown {
  return engine.write(
    batchOf((batch) => {
      for (const [key, value] of Object.entries(entries)) batch.put(bytes(key), bytes(value))
    }),
  )
}

function rest(iterator: EngineIterator): string[] {
  const rows: string[] = []
  while (iterator.next()) rows.push(`${iterator.key.toString('latin1')}=${iterator.value.toString('latin1')}`)
  iterator.close()
  return rows
}

function scan(engine: KeyValueEngine, range: EngineRange = {}): string[] {
  return rest(engine.iterate(range))
}

/** The promises of every engine, on which stores and the embedded log rely. */
export function engineConformance(factory: EngineFactory): void {
  describe(`the KeyValueEngine port: ${factory.name}`, () => {
    let root: string
    let directory: string
    let engine: KeyValueEngine
    beforeEach(async () => {
      root = mkdtempSync(join(tmpdir(), 'millrace-engine-'))
      directory = join(root, 'made', 'on', 'opening')
      engine = await factory.open(directory)
    })
    afterEach(async () => {
      await engine.close()
      rmSync(root, { recursive: true, force: true })
    })

    it('gives back what was put last, and nothing for what was deleted or never there', async () => {
      await putAll(engine, { a: '1', b: '2', empty: '' })
      await engine.write(batchOf((batch) => batch.put(bytes('a'), bytes('3'))))
      await engine.write(batchOf((batch) => batch.delete(bytes('b'))))
      expect(engine.get(bytes('a'))?.toString()).toBe('3')
      expect(engine.get(bytes('b'))).toBeUndefined()
      expect(engine.get(bytes('c'))).toBeUndefined()
      expect(engine.get(bytes('empty'))).toHaveLength(0)
      const many = engine.getMany?.(['c', 'a', 'empty', 'a', 'b'].map(bytes))
      if (factory.name === 'rocksdb') expect(many).toHaveLength(5)
      if (many === undefined) return
      expect(many.map((value) => value?.toString())).toEqual([undefined, '3', '', '3', undefined])
    })

    it('keeps its own copy of keys and values, and hands out copies', async () => {
      const [key, value] = [bytes('key'), bytes('value')]
      const written = engine.write(batchOf((batch) => batch.put(key, value)))
      key.fill(0)
      value.fill(0)
      await written
      engine.get(bytes('key'))!.fill(0)
      expect(engine.get(bytes('key'))?.toString()).toBe('value')
    })

    it('orders keys by their bytes, unsigned, a prefix before what it begins', async () => {
      await putAll(engine, { '\xff': '5', '\x80': '4', '\x00': '1', a: '2', ab: '3', '\xff\xff': '6' })
      expect(scan(engine)).toEqual(['\x00=1', 'a=2', 'ab=3', '\x80=4', '\xff=5', '\xff\xff=6'])
    })

    it('scans ranges, forwards and in reverse', async () => {
      await putAll(engine, { a: '1', b: '2', c: '3', d: '4' })
      const [gte, lt] = [bytes('b'), bytes('d')]
      expect(scan(engine, { gte, lt })).toEqual(['b=2', 'c=3'])
      expect(scan(engine, { gte, lt, reverse: true })).toEqual(['c=3', 'b=2'])
      expect(scan(engine, { gte: bytes('bb') })).toEqual(['c=3', 'd=4'])
      expect(scan(engine, { lt: bytes('bb'), reverse: true })).toEqual(['b=2', 'a=1'])
      expect(scan(engine, { reverse: true })).toEqual(['d=4', 'c=3', 'b=2', 'a=1'])
      expect(scan(engine, { gte: lt, lt: gte })).toEqual([])
      expect(scan(engine, { gte: bytes('x') })).toEqual([])
    })

    it('scans no more rows than are asked for', async () => {
      const names = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'))
      await putAll(engine, Object.fromEntries(names.map((name) => [name, 'v'])))
      const rows = names.map((name) => `${name}=v`)
      for (const limit of [0, 1, 2, 5, 33, 99, 100, 101]) {
        expect(scan(engine, { limit })).toEqual(rows.slice(0, limit))
        expect(scan(engine, { limit, reverse: true })).toEqual(rows.toReversed().slice(0, limit))
      }
    })

    it('scans thousands of rows of uneven size without losing one', async () => {
      const key = (i: number): string => String(i).padStart(6, '0')
      await engine.write(
        batchOf((batch) => {
          for (let i = 0; i < 5_000; i++) batch.put(bytes(key((i * 7_919) % 5_000)), Buffer.alloc(i % 700, 'v'))
        }),
      )
      const expected = Array.from({ length: 5_000 }, (_, i) => key(i))
      const keys = (range: EngineRange): string[] => scan(engine, range).map((row) => row.split('=')[0]!)
      expect(keys({})).toEqual(expected)
      expect(keys({ reverse: true })).toEqual(expected.toReversed())
      expect(keys({ gte: bytes(key(1_234)), lt: bytes(key(3_000)) })).toEqual(expected.slice(1_234, 3_000))
    })

    it('shows an iterator the engine as it was when it was opened', async () => {
      await putAll(engine, { a: '1', b: '2', c: '3', e: '5' })
      const [forwards, backwards] = [engine.iterate({}), engine.iterate({ reverse: true })]
      expect(forwards.next()).toBe(true)
      expect(forwards.key.toString()).toBe('a')
      await engine.write(
        batchOf((batch) => {
          batch.put(bytes('a'), bytes('new'))
          batch.delete(bytes('b'))
          batch.put(bytes('d'), bytes('new'))
          batch.put(bytes('e'), bytes('new'))
        }),
      )
      await engine.write(batchOf((batch) => batch.put(bytes('b'), bytes('again'))))
      const during = engine.iterate({ gte: bytes('b') })
      await engine.write(batchOf((batch) => batch.deleteRange(bytes('a'), bytes('d'))))
      expect(rest(forwards)).toEqual(['b=2', 'c=3', 'e=5'])
      expect(rest(during)).toEqual(['b=again', 'c=3', 'd=new', 'e=new'])
      expect(rest(backwards)).toEqual(['e=5', 'c=3', 'b=2', 'a=1'])
      expect(scan(engine)).toEqual(['d=new', 'e=new'])
      await putAll(engine, { b: 'last' })
      expect(scan(engine)).toEqual(['b=last', 'd=new', 'e=new'])
    })

    it('is done with a batch and its bytes as soon as a write has answered, if only by a promise', async () => {
      const row = Buffer.from('keyvalue')
      const batch = new WriteBatch()
      const writes: unknown[] = []
      for (const digit of '123') {
        row.write(digit, 2)
        row.write(digit, 7)
        const rows = new RowList()
        rows.add(row, 0, 3, 8)
        batch.addRows(rows)
        batch.put(bytes('apart'), row)
        writes.push(engine.write(batch))
        batch.clear()
        row.fill('x')
        row.write('kex')
        row.write('valux', 3)
      }
      await Promise.all(writes)
      expect(scan(engine)).toEqual(['apart=ke3valu3', 'ke1=valu1', 'ke2=valu2', 'ke3=valu3'])
    })

    it('applies the operations of a batch in their order', async () => {
      await putAll(engine, { a: 'old', b: 'old', z: 'old' })
      await engine.write(
        batchOf((batch) => {
          batch.put(bytes('b'), bytes('gone'))
          batch.deleteRange(bytes('a'), bytes('c'))
          batch.put(bytes('a'), bytes('new'))
          batch.put(bytes('z'), bytes('1'))
          batch.delete(bytes('z'))
        }),
      )
      expect(scan(engine)).toEqual(['a=new'])
    })

    it('may be prepared for a batch, and then writes all of it, what was added since too', async () => {
      await putAll(engine, { a: 'old', b: 'old', c: 'old' })
      const batch = batchOf((added) => {
        added.put(bytes('a'), bytes('gone'))
        added.delete(bytes('b'))
      })
      engine.prepare?.(batch)
      expect(scan(engine)).toEqual(['a=old', 'b=old', 'c=old'])
      batch.deleteRange(bytes('a'), bytes('b'))
      engine.prepare?.(batch)
      batch.put(bytes('d'), bytes('new'))
      engine.prepare?.(batch)
      await engine.write(batch)
      expect(scan(engine)).toEqual(['c=old', 'd=new'])
      await engine.write(batch)
      expect(scan(engine)).toEqual(['c=old', 'd=new'])
    })

    it('forgets what it was prepared for if that is not what is written', async () => {
      const batch = batchOf((added) => added.put(bytes('a'), bytes('dropped')))
      engine.prepare?.(batch)
      await putAll(engine, { b: '1' })
      engine.prepare?.(batch)
      batch.clear()
      batch.put(bytes('c'), bytes('2'))
      await engine.write(batch)
      engine.prepare?.(batchOf((added) => added.put(bytes('d'), bytes('dropped'))))
      await engine.write(batchOf((added) => added.put(bytes('e'), bytes('3'))))
      expect(scan(engine)).toEqual(['b=1', 'c=2', 'e=3'])
    })

    it.each([10, 1_000])('deletes a range of %i keys and nothing beside it', async (count) => {
      const key = (i: number): string => `k${String(i).padStart(5, '0')}`
      const fill = (value: string): unknown =>
        putAll(engine, Object.fromEntries(Array.from({ length: count + 2 }, (_, i) => [key(i), value])))
      const remove = batchOf((batch) => {
        batch.put(bytes('other'), bytes('x'))
        batch.deleteRange(bytes(key(1)), bytes(key(count + 1)))
      })
      await fill('a')
      await engine.write(remove)
      expect(scan(engine)).toEqual([`${key(0)}=a`, `${key(count + 1)}=a`, 'other=x'])
      await fill('b')
      expect(scan(engine)).toHaveLength(count + 3)
      await engine.write(remove)
      expect(scan(engine)).toEqual([`${key(0)}=b`, `${key(count + 1)}=b`, 'other=x'])
    })

    it('takes writes that are not awaited, in their order', async () => {
      const writes = Array.from({ length: 50 }, (_, i) => putAll(engine, { counter: `${i}`, [`k${i % 3}`]: `${i}` }))
      await Promise.all(writes)
      expect(scan(engine)).toEqual(['counter=49', 'k0=48', 'k1=49', 'k2=47'])
    })

    it('answers what was begun as it was at some moment since, or not at all', async () => {
      const keys = (): Buffer[] => ['c', 'a', 'empty', 'a', 'b'].map(bytes)
      await putAll(engine, { a: '1', b: '2', empty: '' })
      const now = (): unknown => engine.getMany?.(keys())
      const answered = async (): Promise<unknown> => {
        const asked = keys()
        const pending = engine.beginGetMany?.(asked)
        for (const key of asked) key.fill(0)
        await sleep(5)
        return pending?.take()
      }
      if (factory.name === 'rocksdb') await expect.poll(answered, { timeout: 30_000 }).toEqual(now())
      if (engine.beginGetMany === undefined) return
      for (let i = 0; i < 20; i++) {
        const pending = engine.beginGetMany(keys())
        await sleep(i % 3)
        await putAll(engine, { a: `${i}` })
        await sleep(i % 2)
        const then = { a: i === 0 ? '1' : `${i - 1}`, now: `${i}` }
        expect([undefined, then.a, then.now]).toContain(pending?.take()?.[1]?.toString())
      }
      engine.beginGetMany(keys())?.drop()
      const many = Array.from({ length: 100 }, () => engine.beginGetMany?.(keys()))
      await sleep(20)
      for (const pending of many) expect([undefined, now()]).toContainEqual(pending?.take())
      await expect.poll(answered, { timeout: 30_000 }).toEqual(now())
    })

    it('closes while look-ups are under way, and answers none of them any more', async () => {
      await putAll(engine, { a: '1' })
      const pending = Array.from({ length: 40 }, () => engine.beginGetMany?.([bytes('a'), bytes('b')]))
      await engine.close()
      for (const [i, begun] of pending.entries()) {
        if (i % 2 === 0) begun?.drop()
        else expect(begun?.take()).toBeUndefined()
      }
      if (engine.beginGetMany === undefined) return
      expect(() => engine.beginGetMany?.([bytes('a')])).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
    })

    it('knows about how many rows it has and how large it is, as far as it tells, until it is closed', async () => {
      if (engine.estimate === undefined) return
      const before = engine.estimate()
      for (let batch = 0; batch < 10; batch++) {
        const rows = Array.from({ length: 100 }, (_, row) => [`key-${batch}-${row}`, 'x'.repeat(1000)])
        await putAll(engine, Object.fromEntries(rows))
      }
      const { rows, memory, disk } = engine.estimate() ?? {}
      if (rows !== undefined) expect(rows - (before?.rows ?? 0)).toBe(1000)
      if (memory !== undefined) expect(memory).toBeGreaterThan(before?.memory ?? NaN)
      if (disk !== undefined) expect(disk).toBeGreaterThanOrEqual(0)
      expect(rows ?? memory ?? disk).toBeDefined()
      await engine.close()
      expect(engine.estimate()).toBeUndefined()
    })

    it('refuses to be used after it was closed', async () => {
      await engine.close()
      expect(() => engine.get(bytes('a'))).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
      expect(() => engine.iterate({})).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
      await expect(async () => putAll(engine, { a: '1' })).rejects.toMatchObject({ code: 'MR_STATE_CLOSED' })
    })

    if (factory.persistent)
      durability(
        factory,
        () => directory,
        () => engine,
      )
  })
}

function durability(factory: EngineFactory, directory: () => string, opened: () => KeyValueEngine): void {
  it('has everything again after it was closed and opened', async () => {
    await putAll(opened(), { a: '1', b: '2', c: '3' })
    await opened().write(
      batchOf((batch) => batch.deleteRange(bytes('b'), bytes('c'))),
      { sync: true },
    )
    const iterator = opened().iterate({})
    await opened().close()
    expect(iterator.next()).toBe(false)
    const again = await factory.open(directory())
    expect(scan(again)).toEqual(['a=1', 'c=3'])
    await again.close()
  })

  it('is closed when any of its closings resolves', async () => {
    for (let i = 0; i < 20; i++) opened().beginGetMany?.([bytes('a')])
    const first = opened().close()
    await opened().close()
    const again = await factory.open(directory())
    await first
    await again.close()
  })

  it('refuses a second opener, naming the directory, and goes on', async () => {
    await expect(async () => factory.open(directory())).rejects.toMatchObject({
      code: 'MR_STATE_LOCKED',
      message: expect.stringContaining(directory()),
    })
    const code = await runChild(factory, directory(), () => true)
    expect(code).toBe('MR_STATE_LOCKED')
    await putAll(opened(), { a: '1' })
    expect(scan(opened())).toEqual(['a=1'])
  })

  it('has whole batches only when the process is killed while it writes', async () => {
    for (let round = 0; round < 3; round++) {
      const place = `${directory()}-killed-${round}`
      await runChild(factory, place, (line, kill) => (Number(line) >= 200 + round * 37 ? kill() : undefined))
      const engine = await factory.open(place)
      const rows = scan(engine)
      const counters = new Set(rows.map((row) => Number(row.split('=')[1])))
      const [last] = counters
      expect(counters.size).toBe(1)
      expect(last).toBeGreaterThanOrEqual(200)
      expect(rows).toHaveLength(last! % 2 === 1 ? 20 : 120)
      await engine.close()
      await factory.destroy(place)
      const fresh = await factory.open(place)
      expect(scan(fresh)).toEqual([])
      await fresh.close()
      await factory.destroy(place)
    }
  })

  it('says that the files are corrupt when they are not its own', async () => {
    await opened().close()
    const { readdirSync, writeFileSync } = await import('node:fs')
    const manifest = readdirSync(directory()).find((name) => name.startsWith('MANIFEST'))!
    writeFileSync(join(directory(), manifest), 'this is not a manifest')
    await expect(async () => factory.open(directory())).rejects.toMatchObject({ code: 'MR_STATE_CORRUPT' })
  })
}

/** Runs the writer in a process of its own. Returns the last line that it printed. */
function runChild(
  factory: EngineFactory,
  directory: string,
  onLine: (line: string, kill: () => void) => unknown,
): Promise<string> {
  const script = fileURLToPath(new URL('./write-forever.ts', import.meta.url))
  const child = spawn(process.execPath, [script, factory.name, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  let last = ''
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        last = line
        onLine(line, () => child.kill('SIGKILL'))
      }
    })
    child.on('error', reject)
    child.on('close', () => resolve(last))
  })
}
