import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { append, clientOptions, committedRecords, subtopology } from '../log-harness.ts'
import { breakableLog, contentOf, ENDS, HALF, idsIn, ordersIn, RECORDS, upTo } from './breakable-log.ts'

describe.each(['rocksdb', 'level'] as const)('an embedded log in %s whose losses are accepted', (engine) => {
  const { directory, data, tables, ofTables, large, flip, open, expectRefused, openAccepting, expectGoesOn, inTables } =
    breakableLog(engine)

  it.each([0.1, 0.25, 0.5, 0.75])(
    'goes on without the records around a flipped bit at %d of each table, and says which',
    async (part) => {
      await inTables()
      const ids = await idsIn(directory())
      for (const name of large()) flip(join(data(), name), Math.floor(statSync(join(data(), name)).size * part))
      const warnings: object[] = []
      const log = await open({ acceptLoss: true, logger: { warn: (fields) => warnings.push(fields) } })
      const left = await ordersIn(log)
      const totals = (await committedRecords(log, 'totals', 0)).length
      expect(warnings).toEqual([
        {
          directory: directory(),
          damage: expect.stringMatching(/checksum|damage/),
          records: 2 * RECORDS - left.length - totals,
          partitions: expect.arrayContaining([expect.stringMatching(/^(orders|totals)-\d lacks \d+ to \d+$/)]),
          kept: join(directory(), 'damaged-1'),
        },
      ])
      // One block of each of the two tables is lost.
      expect(left.length).toBeGreaterThanOrEqual(RECORDS - 2 * 50)
      expect(left.length + totals).toBeLessThan(2 * RECORDS)
      const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['orders'])]))
      const committed = await client.committed([{ topic: 'orders', partition: 0 }])
      expect(committed.get('orders', 0)).toEqual({ offset: 123, metadata: 'm' })
      await log.close()
      expect(await idsIn(directory())).toEqual(ids)
      await expectGoesOn(left)
    },
  )

  it('begins again if its engine cannot be opened, gives no offset twice, and keeps the old data', async () => {
    await inTables()
    rmSync(join(data(), tables()[0]!))
    const before = contentOf(data())
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([
      expect.stringMatching(/without what it lost.* 1200 .*orders-1 ends at 0.*committed offsets/),
    ])
    const producer = log.openProducer()
    append(producer, 'orders', 0, 'key', 'value', 7)
    await producer.flush()
    expect(await committedRecords(log, 'orders', 0)).toMatchObject([{ offset: 300, timestamp: 7 }])
    await producer.close()
    await log.close()
    expect(contentOf(join(directory(), 'damaged-1'))).toEqual(before)
  })

  it('goes on without a table whose index is damaged, which would make LevelDB end the process', async () => {
    await inTables()
    const [first] = large()
    const path = join(data(), first!)
    // The index lies before the footer.
    for (let back = 60; back < 400; back += 10) flip(path, statSync(path).size - back)
    await expectRefused(engine === 'level' ? `the index of ${first} is damaged` : 'cannot be read')
    const { log, warnings } = await openAccepting()
    // LevelDB is repaired without the table; RocksDB cannot be opened.
    const left = engine === 'level' ? upTo(RECORDS, HALF) : []
    expect(await ordersIn(log)).toEqual(left)
    const said =
      engine === 'level' ? / 600 orders-0 lacks 0 to 149,.*totals-0 lacks 0 to 299/ : / 1200 orders-0 ends at 0/
    expect(warnings).toEqual([expect.stringMatching(said)])
    expect(warnings[0]).toContain('committed offsets may be missing')
    await log.close()
    await expectGoesOn(left)
  })

  it('is read as a whole and left as it is if it lost nothing', async () => {
    await inTables()
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([])
    await log.close()
    expect(readdirSync(directory()).toSorted()).toEqual(['data', ENDS, 'millrace-log.json'])
    await expectGoesOn(upTo(RECORDS))
  })

  /** Kills a process that salvages the log when a file is there, or lets it end. @returns true if it was killed */
  async function salvageUntil(file: string): Promise<boolean> {
    const script = fileURLToPath(new URL('./open-accepting.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, script, engine, directory()], { stdio: 'inherit' })
    let hasEnded = false
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve((hasEnded = true) as never)))
    let isKilled = false
    while (!hasEnded && !isKilled) {
      if (existsSync(join(directory(), file))) isKilled = child.kill('SIGKILL')
      else await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    return isKilled
  }

  it('is unchanged after a process was killed that salvaged it, and is salvaged by the next', async () => {
    await inTables()
    for (const name of large()) flip(join(data(), name), statSync(join(data(), name)).size >> 1)
    const before = ofTables(data())
    expect(await salvageUntil('millrace-log-salvage/to/CURRENT')).toBe(true)
    expect(ofTables(data())).toEqual(before)
    const { log, warnings } = await openAccepting()
    const left = await ordersIn(log)
    expect(left.length).toBeGreaterThanOrEqual(RECORDS - 2 * 50)
    expect(warnings).toEqual([expect.stringContaining('damaged-1')])
    expect(ofTables(join(directory(), 'damaged-1'))).toEqual(before)
    await log.close()
    expect(readdirSync(directory()).toSorted()).toEqual(['damaged-1', 'data', ENDS, 'millrace-log.json'])
    await expectGoesOn(left)
  })

  it('has its old data or all of the salvaged data, wherever the exchange of the two was cut short', async () => {
    await inTables()
    for (const name of large()) flip(join(data(), name), statSync(join(data(), name)).size >> 1)
    const work = join(directory(), 'millrace-log-salvage')
    const damaged = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(directory(), damaged, { recursive: true })
    const { log } = await openAccepting()
    const left = await ordersIn(log)
    await log.close()
    const salvaged = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(directory(), salvaged, { recursive: true })
    const from = (source: string, name: string, to: string): void =>
      cpSync(join(source, name), join(directory(), to), { recursive: true })
    const old = (to: string): void => from(damaged, 'data', to)
    const fresh = (to: string): void => from(salvaged, 'data', to)
    const inWork = (name: string): string => `millrace-log-salvage/${name}`
    const states: [string, boolean, () => void][] = [
      ['before it', false, () => [old('data'), fresh(inWork('to')), from(salvaged, ENDS, inWork(ENDS))]],
      ['without data', false, () => [old(inWork('replaced')), fresh(inWork('to')), from(salvaged, ENDS, inWork(ENDS))]],
      ['with new data', false, () => [old(inWork('replaced')), fresh('data'), from(salvaged, ENDS, inWork(ENDS))]],
      [
        'while it is undone',
        false,
        () => [old(inWork('replaced')), fresh(inWork('undone')), from(salvaged, ENDS, inWork(ENDS))],
      ],
      ['when it was undone', false, () => [old('data'), fresh(inWork('undone')), from(salvaged, ENDS, inWork(ENDS))]],
      ['done', true, () => [old(inWork('replaced')), fresh('data'), from(salvaged, ENDS, ENDS)]],
    ] as never
    for (const [name, isDone, make] of states) {
      rmSync(directory(), { recursive: true })
      mkdirSync(work, { recursive: true })
      from(damaged, 'millrace-log.json', 'millrace-log.json')
      from(damaged, ENDS, ENDS)
      make()
      const opened = await openAccepting()
      expect([name, await ordersIn(opened.log), opened.warnings.length]).toEqual([name, left, isDone ? 0 : 1])
      await opened.log.close()
      expect([name, readdirSync(directory()).toSorted()]).toEqual([
        name,
        ['damaged-1', 'data', ENDS, 'millrace-log.json'],
      ])
      expect(ofTables(join(directory(), 'damaged-1'))).toEqual(ofTables(join(damaged, 'data')))
    }
    for (const each of [damaged, salvaged]) rmSync(each, { recursive: true })
  })
})
