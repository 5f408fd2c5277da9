import { spawn } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import { recordingLogger } from '../../runtime/support/state-case.ts'
import { breakableLog, ENDS, HALF, ordersIn, RECORDS, upTo } from './breakable-log.ts'

describe.each(['rocksdb', 'level'] as const)('an embedded log in %s beside the record of its ends', (engine) => {
  const { directory, file, changeEnds, open, expectRefused, openAccepting, expectGoesOn } = breakableLog(engine)

  it('is refused if it is shorter than recorded, even if its files look sound', async () => {
    changeEnds((ends) => ({ ...ends, topics: [{ name: 'orders', number: 1, ends: [300, 301], configs: {} }] }))
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('orders-1 ends at 300, 301 is recorded; 1 records are missing'),
      topic: 'orders',
      partition: 1,
      offset: 300,
    })
  })

  it('is refused if its data belongs to another log', async () => {
    changeEnds((ends) => ({ ...ends, id: 'another' }))
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('holds another log'),
    })
  })

  it('is refused if the file of its ends is damaged, and goes on if losses are accepted', async () => {
    writeFileSync(join(directory(), ENDS), '{"format":1,')
    await expectRefused(ENDS)
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([expect.stringContaining('what the log had is not known')])
    expect(await ordersIn(log)).toEqual(upTo(RECORDS))
    await log.close()
    await expectGoesOn(upTo(RECORDS))
  })

  it('is opened with a warning and counts if it was not synced and the machine was started since', async () => {
    rmSync(file(/\.log$/))
    changeEnds((ends) => ({ ...ends, fsync: false, boot: 'another' }))
    const { logger, warnings } = recordingLogger()
    const log = await open({ logger, fsync: false })
    expect(warnings).toEqual([expect.stringMatching(/machine stopped.* 600 .*orders-0 ends at 150, 300 is recorded/)])
    expect(await ordersIn(log)).toEqual(upTo(HALF))
    await log.close()
    const again = await open({ logger })
    expect(warnings).toHaveLength(1)
    await again.close()
  })

  it('is refused if it was synced, whether the machine was started since or not', async () => {
    rmSync(file(/\.log$/))
    changeEnds((ends) => ({ ...ends, boot: 'another' }))
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('ends at'),
    })
  })

  it('does not count deleted topics and deleted records as lost', async () => {
    const log = await open()
    await log.deleteRecords(new PartitionMap<number>().set('orders', 0, 300))
    await log.deleteTopics(['totals'])
    copyFileSync(join(directory(), ENDS), join(directory(), 'ends-before-the-end'))
    await log.close()
    copyFileSync(join(directory(), 'ends-before-the-end'), join(directory(), ENDS))
    const again = await open()
    expect(await again.listTopics()).toEqual(['orders'])
    await again.close()
  })

  it('does not count a topic as lost whose creation was cut short', async () => {
    const log = await open()
    const created = log.createTopics([{ name: 'new', partitions: 1 }])
    // A deletion writes the file of ends at once, while the engine does not have the new topic yet.
    const deleted = log.deleteTopics(['totals'])
    const killed = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(directory(), killed, { recursive: true })
    await Promise.all([created, deleted])
    await log.close()
    const again = await embeddedLog({ directory: killed, engine })
    expect(await again.listTopics()).toEqual(['orders', 'totals'])
    await again.close()
    rmSync(killed, { recursive: true })
  })
})

it('records its ends at most a second late, so that a process that is killed leaves them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  const script = fileURLToPath(new URL('./commit-forever.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, script, 'rocksdb', directory], { stdio: 'pipe' })
  let last = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => (last = Number(text.trim().split('\n').at(-1))))
  const recorded = (): number => {
    if (!existsSync(join(directory, ENDS))) return 0
    const { topics }: { topics: { name: string; ends: number[] }[] } = JSON.parse(
      readFileSync(join(directory, ENDS), 'utf8'),
    )
    return topics.find(({ name }) => name === 'output')?.ends.reduce((sum, end) => sum + end, 0) ?? 0
  }
  await expect.poll(() => last, { timeout: 30_000 }).toBeGreaterThan(0)
  const seen = last
  await expect.poll(recorded, { timeout: 1_500 + 1_000 }).toBeGreaterThanOrEqual(seen)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  expect(recorded()).toBeLessThanOrEqual(last + 17)
  await (await embeddedLog({ directory })).close()
  rmSync(directory, { recursive: true })
})
