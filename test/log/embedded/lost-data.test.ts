import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/platform/manual-clock.ts'
import { append } from '../log-harness.ts'
import { recordingLogger } from '../../runtime/support/state-case.ts'
import { breakableLog, contentOf, ENDS, HALF, ordersIn, RECORDS, upTo, VALUE } from './breakable-log.ts'

describe.each(['rocksdb', 'level'] as const)('an embedded log in %s that lost data', (engine) => {
  const { directory, data, file, tables, ofTables, flip, open, expectRefused, openAccepting, expectGoesOn } =
    breakableLog(engine)

  it('opens if it lost nothing', async () => {
    const log = await open()
    expect(await ordersIn(log)).toEqual(upTo(RECORDS))
    await log.close()
  })

  it.each(['missing', 'empty'])(
    'is refused if its data is %s, and begins again if losses are accepted',
    async (how) => {
      rmSync(data(), { recursive: true })
      if (how === 'empty') mkdirSync(data())
      await expectRefused(
        `data/ is ${how}`,
        'orders-0 is gone, 300 is recorded',
        'totals-0 is gone, 600 is recorded',
        '1200 records are missing',
      )
      const { log, warnings } = await openAccepting()
      expect(warnings).toEqual([expect.stringMatching(/without what it lost.* 1200 .*orders-1 ends at 0/)])
      expect(await log.listTopics()).toEqual(['orders', 'totals'])
      await log.close()
      await expectGoesOn([])
    },
  )

  it('is refused if a version that kept no record of its ends wrote it, and its data is gone', async () => {
    rmSync(join(directory(), ENDS))
    rmSync(data(), { recursive: true })
    await expectRefused('data/ is missing')
  })

  it('is refused without CURRENT, although an engine takes it for a new database', async () => {
    rmSync(join(data(), 'CURRENT'))
    await expectRefused('CURRENT is missing')
    rmSync(join(directory(), ENDS))
    await expectRefused('CURRENT is missing')
  })

  it.each([0.25, 0.5, 0.75])(
    'is refused if its manifest was cut at %d, and goes on with what the engine can read',
    async (part) => {
      const manifest = file(/^MANIFEST/)
      const { size } = statSync(manifest)
      truncateSync(manifest, Math.floor(size * part))
      await expectRefused(`has ${Math.floor(size * part)} of ${size} bytes`)
      const before = contentOf(data())
      const { log, warnings } = await openAccepting()
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toMatch(/without what it lost/)
      const left = await ordersIn(log)
      await log.close()
      expect(contentOf(join(directory(), 'damaged-1'))).toEqual(before)
      await expectGoesOn(left)
    },
  )

  it('is refused if any bit of its write-ahead log flipped', async () => {
    const path = file(/\.log$/)
    const { size } = statSync(path)
    for (const at of [0, 5, size >> 1, size - 20_000]) {
      flip(path, at)
      await expectRefused('.log is damaged at byte')
      flip(path, at)
    }
    // At the end of the file, damage looks like a write that was cut short; but the log was closed.
    flip(path, size - 3)
    await expectRefused('.log is damaged at byte')
  })

  it('goes on without the records that a flipped bit took if losses are accepted, and says how many', async () => {
    const path = file(/\.log$/)
    flip(path, statSync(path).size >> 1)
    const { log, warnings } = await openAccepting()
    const left = await ordersIn(log)
    expect(left.length).toBeLessThan(RECORDS)
    expect(left.slice(0, HALF)).toEqual(upTo(HALF))
    expect(warnings).toEqual([
      expect.stringMatching(/without what it lost.*\.log is damaged.*orders-0 (ends at|lacks)/),
    ])
    await log.close()
    await expectGoesOn(left)
  })

  it('is refused if its write-ahead log was cut or is gone', async () => {
    const path = file(/\.log$/)
    const { size } = statSync(path)
    truncateSync(path, size - 1)
    await expectRefused(`has ${size - 1} of ${size} bytes`)
    rmSync(path)
    await expectRefused(`has 0 of ${size} bytes`, 'orders-0 ends at 150, 300 is recorded', '600 records are missing')
  })

  it('is refused if a table is gone, and begins again if losses are accepted', async () => {
    rmSync(file(/\.(sst|ldb)$/))
    await expectRefused('orders-0 to 300, orders-1 to 300, totals-0 to 600')
    const before = contentOf(data())
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([expect.stringMatching(/without what it lost.* 1200 .*orders-1 ends at 0/)])
    await log.close()
    expect(contentOf(join(directory(), 'damaged-1'))).toEqual(before)
    await expectGoesOn([])
  })

  it('never shows a record whose bits flipped in a table', async () => {
    const path = file(/\.(sst|ldb)$/)
    flip(path, statSync(path).size >> 2)
    const log = await open()
    await expect(ordersIn(log)).rejects.toMatchObject({
      code: expect.stringMatching(/^MR_(CORRUPT_BATCH|STATE_CORRUPT)$/),
      topic: 'orders',
      partition: expect.any(Number),
      offset: expect.any(Number),
      hint: expect.stringContaining('backup'),
    })
    await log.close()
  })

  it('is refused if its last records cannot be read, and goes on with the rest if losses are accepted', async () => {
    // The opening writes all of it into tables.
    await (await open()).close()
    const path = join(data(), tables().at(-1)!)
    const { size } = statSync(path)
    for (let at = size >> 1; at < size - 2000; at += 500) flip(path, at)
    const before = ofTables(data())
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringMatching(/cannot be read.*orders-0 to 300, orders-1 to 300, totals-0 to 600/),
      hint: expect.stringContaining('--accept-loss'),
    })
    expect(ofTables(data())).toEqual(before)
    const { log, warnings } = await openAccepting()
    const left = await ordersIn(log)
    expect(left.slice(0, HALF)).toEqual(upTo(HALF))
    expect(left.length).toBeGreaterThanOrEqual(RECORDS - HALF / 2)
    const ended = (await log.listOffsets([{ topic: 'orders', partition: 1 }], 'latest')).get('orders', 1)
    // New records get offsets that no record had.
    expect(ended).toBe(RECORDS / 2)
    expect(warnings).toEqual([expect.stringMatching(/without what it lost.*orders-1 ends at \d+, 300 is recorded/)])
    await log.close()
    expect(contentOf(join(directory(), 'damaged-1'))).toMatchObject(before)
    await expectGoesOn(left)
  })

  it('is reported as in use, not as damaged, and not copied, while another process writes it', async () => {
    rmSync(directory(), { recursive: true })
    const script = fileURLToPath(new URL('./commit-forever.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, script, engine, directory()], { stdio: 'pipe' })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.resume()
    for (let attempt = 0; attempt < 60; attempt++) {
      const error: unknown = await open({ acceptLoss: attempt % 2 === 0, attach: false }).catch(
        (caught: unknown) => caught,
      )
      expect(error).toMatchObject({ code: 'MR_STATE_LOCKED', message: expect.stringContaining(directory()) })
    }
    expect(
      readdirSync(directory())
        .filter((name) => !name.startsWith(ENDS))
        .toSorted(),
    ).toEqual(['data', 'millrace-log.json'])
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  })

  it('lets the process go on, and deletes nothing, if the cleaner finds records that cannot be read', async () => {
    rmSync(directory(), { recursive: true })
    const old = { name: 'old', partitions: 1, configs: { 'retention.ms': '1000' } }
    const other = { name: 'other', partitions: 1, configs: { 'retention.ms': '1000' } }
    const clock = new ManualClock(1e9)
    const log = await open({ clock })
    await log.createTopics([old, other])
    const producer = log.openProducer()
    for (let i = 0; i < 300; i++) {
      append(producer, 'old', 0, 'key', VALUE, i * 1000)
      append(producer, 'other', 0, 'key', '', i * 1000)
      if (i % 50 === 49) await producer.flush()
    }
    await producer.close()
    await log.close()
    await (await open({ clock })).close()
    const path = file(/\.(sst|ldb)$/)
    flip(path, statSync(path).size >> 2)
    const { logger, warnings } = recordingLogger()
    const damaged = await open({ clock, logger })
    for (let step = 0; step < 10; step++) {
      clock.advance(5)
      await damaged.createTopics([])
    }
    expect(warnings).toEqual([expect.stringMatching(/cannot be read, so it is not cleaned up any more.*old/)])
    const starts = await damaged.listOffsets(
      ['old', 'other'].map((topic) => ({ topic, partition: 0 })),
      'earliest',
    )
    expect(starts.get('old', 0)).toBe(0)
    expect(starts.get('other', 0)).toBeGreaterThan(200)
    await damaged.close()
  })
})
