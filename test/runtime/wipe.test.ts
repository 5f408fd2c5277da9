import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineApp } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PartitionMap } from '../../src/log/log.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { CommittedOffset } from '../../src/log/log.ts'
import { CHANGELOG, idle, payments, recordingLogger, StateCase, until } from './support/state-case.ts'

const HOUR = 3_600_000

let state: StateCase
beforeEach(async () => {
  state = await StateCase.create()
})
afterEach(() => state[Symbol.asyncDispose]())

/** Runs twice, and puts back the state from in between, so that a tail follows its checkpoint. */
async function leaveTail(): Promise<number> {
  await state.pay(100)
  await state.run()
  const checkpoint = await state.changelogEnd()
  const copy = join(await state.newDirectory(), 'copy')
  await cp(state.task(), copy, { recursive: true })
  await state.pay(50)
  await state.run()
  await rm(state.task(), { recursive: true })
  await cp(copy, state.task(), { recursive: true })
  return checkpoint
}

async function ruin(): Promise<void> {
  const manifest = (await readdir(state.task())).find((name) => name.startsWith('MANIFEST'))
  await writeFile(join(state.task(), manifest ?? ''), 'ruined')
}

/** Damages the rows of accounts in the engine's files, and nothing that is read when it is opened. */
async function damageRows(): Promise<void> {
  const engine = await rocksdbEngine.open(state.task())
  const batch = new WriteBatch()
  const rows = engine.iterate({})
  while (rows.next()) batch.put(rows.key, rows.value)
  rows.close()
  // These lie before the rows of stores, so that those are in another block than what describes them.
  for (let i = 0; i < 40; i++) batch.put(Buffer.of(0, 0, 9, i), Buffer.alloc(1024, i))
  await engine.write(batch)
  await engine.close()
  // What was written last lies in the log of the engine until it is opened again.
  await (await rocksdbEngine.open(state.task())).close()
  for (const name of await readdir(state.task())) {
    if (!name.endsWith('.sst')) continue
    const bytes = await readFile(join(state.task(), name))
    const at = bytes.indexOf('account')
    if (at > 4096) await writeFile(join(state.task(), name), bytes.fill(0, at, at + 4))
  }
}

describe('state that is of use is kept', () => {
  test('only the tail of the changelog after the checkpoint is replayed', async () => {
    const checkpoint = await leaveTail()
    const end = await state.changelogEnd()
    await state.pay(10)
    const { from, records, warnings } = await state.run()
    expect(from).toEqual(new Map([[0, checkpoint]]))
    expect(records).toBe(end - checkpoint)
    expect(warnings).toEqual([])
    expect(await state.shown()).toEqual(state.expected())
  })

  test('a persistent store without a changelog keeps its content over restarts', async () => {
    await state.pay(100)
    await state.run({}, {}, false)
    await state.pay(100)
    expect((await state.run({}, {}, false)).warnings).toEqual([])
    expect(await state.shown()).toEqual(state.expected())
  })

  test('however old its checkpoint is, if nothing was written to the changelog since', async () => {
    await state.pay(100)
    await state.run()
    state.clock.shift += 1000 * HOUR
    await state.pay(10)
    const { from, warnings } = await state.run()
    expect(from).toEqual(new Map())
    expect(warnings).toEqual([])
    expect(await state.shown()).toEqual(state.expected())
  })

  test('after a pause of less than half the time that deletions are kept', async () => {
    const checkpoint = await leaveTail()
    state.clock.shift += 11 * HOUR
    const { from, warnings } = await state.run()
    expect(from).toEqual(new Map([[0, checkpoint]]))
    expect(warnings).toEqual([])
  })

  test('a store that was idle for long but whose task worked is as of the last commit', async () => {
    const checkpoint = await leaveTail()
    state.clock.shift += 11 * HOUR
    await state.run()
    state.clock.shift += 11 * HOUR
    const { from, warnings } = await state.run()
    expect(checkpoint).toBeGreaterThan(0)
    expect(from).toEqual(new Map())
    expect(warnings).toEqual([])
  })
})

describe('state is wiped and restored from the beginning of the changelog', () => {
  async function expectRestoredAnew(reason: RegExp, more: Parameters<StateCase['run']> = []): Promise<void> {
    await state.pay(10)
    const { from, warnings } = await state.run(...more)
    expect(from).toEqual(new Map([[0, 0]]))
    expect(warnings).toEqual([expect.stringMatching(reason)])
    expect(await state.shown()).toEqual(state.expected())
  }

  test('if its files cannot be read', async () => {
    await state.pay(100)
    await state.run()
    await ruin()
    await expectRestoredAnew(/deleted and restored .*MR_STATE_CORRUPT|cannot be used.*cannot read all files of/)
  })

  test.each(['shutdownClient', 'replaceThread'] as const)(
    'if reading it finds damage, which is never taken for a failing callback (%s)',
    async (onUncaughtError) => {
      await state.pay(100)
      await state.run()
      await damageRows()
      await state.pay(10)
      const { logger, warnings } = recordingLogger()
      const settings = { logger, onUncaughtError, onProcessingError: 'continue' } as const
      const streams = await state.start(state.app(settings))
      const damaged = expect.stringMatching(/found damage in .*task=0_0/)
      if (onUncaughtError === 'shutdownClient') {
        await expect(streams.closed).rejects.toMatchObject({ code: 'MR_STATE_CORRUPT', task: '0_0', message: damaged })
        expect((await state.run()).from).toEqual(new Map([[0, 0]]))
      } else {
        await until(() => state.allShown())
        await streams.close()
        expect(warnings).toEqual([damaged, expect.stringMatching(/deleted and restored/)])
      }
      expect(await state.shown()).toEqual(state.expected())
    },
  )

  test('if another engine wrote it', async () => {
    await state.pay(100)
    await state.run({}, { engine: 'level' })
    await expectRestoredAnew(/was written by the engine level/)
  })

  test('if it has another format', async () => {
    await state.pay(100)
    await state.run()
    const marker = { kind: 'millrace-task', format: 99, engine: 'rocksdb' }
    await writeFile(join(state.task(), 'millrace-task.json'), JSON.stringify(marker))
    await expectRestoredAnew(/in format 99/)
  })

  test('if deletions since its checkpoint may be gone from the changelog', async () => {
    await leaveTail()
    state.clock.shift += 13 * HOUR
    await expectRestoredAnew(/so old that deletions/)
  })

  test('if so little of delete.retention.ms of the changelog is left that deletions may be gone', async () => {
    await leaveTail()
    state.clock.shift += 2 * HOUR
    await expectRestoredAnew(/so old that deletions/, [{}, {}, { 'delete.retention.ms': String(3 * HOUR) }])
  })
})

test('a changelog topic that was deleted and created again is an error: no store silently begins empty', async () => {
  await state.pay(100)
  await state.run()
  await state.log.deleteTopics([CHANGELOG])
  await state.pay(1)
  const streams = await state.start(state.app({}))
  await expect(streams.closed).rejects.toMatchObject({
    code: 'MR_INTERNAL_TOPIC',
    topic: CHANGELOG,
    message: expect.stringContaining('deleted and created again'),
    hint: expect.stringContaining('millrace reset'),
  })
  // Deleting the state shows that this is wanted.
  await rm(state.task(), { recursive: true })
  await state.run()
  expect(await state.shown()).toEqual(state.expected().set('account-2', 100))
})

test('state is wiped if the changelog has been truncated beyond its checkpoint', async () => {
  const checkpoint = await leaveTail()
  await state.log.deleteRecords(new PartitionMap<number>().set(CHANGELOG, 0, checkpoint + 1))
  const { from, warnings } = await state.run()
  expect(from).toEqual(new Map([[0, checkpoint + 1]]))
  expect(warnings).toEqual([expect.stringMatching(/wiped.*behind the checkpoint/)])
})

test('state is wiped if its checkpoint is beyond the changelog, as when source offsets are set back', async () => {
  const app = defineApp({
    id: 'summing',
    optimize: 'all',
    build: (builder) =>
      void builder.table(payments, { store: 'sums' }).toStream().to(payments.name.replace('payments', 'totals')),
  })
  const { logger, warnings } = recordingLogger()
  const started = async (): Promise<void> => {
    const streams = await state.start({ ...app, settings: { ...app.settings, logger } })
    await idle(streams)
    await streams.close()
  }
  await state.pay(100)
  await started()
  await started()
  expect(warnings).toEqual([])
  await state.log.commitOffsets(
    'summing',
    new PartitionMap<CommittedOffset>().set('payments', 0, { offset: 40, metadata: '' }),
  )
  await started()
  expect(warnings).toEqual([expect.stringMatching(/wiped.*ends at 40, before the checkpoint 100/)])
})

describe('state that no changelog can restore is never deleted', () => {
  test('but named, if it cannot be read', async () => {
    await state.pay(100)
    await state.run({}, {}, false)
    await ruin()
    const streams = await state.start(state.app({}, false))
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      task: '0_0',
      message: expect.stringMatching(/sums cannot be restored/),
      hint: expect.stringMatching(/delete the directory/),
    })
    expect(await readdir(state.task())).not.toEqual([])
  })

  test('a directory with files of somebody else is left alone', async () => {
    await state.pay(100)
    await state.run()
    await rm(join(state.task(), 'millrace-task.json'))
    await writeFile(join(state.task(), 'AAA-thesis.txt'), 'years of work')
    const streams = await state.start()
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_STATE_DIRECTORY', task: '0_0' })
    expect(await readdir(state.task())).toContain('AAA-thesis.txt')
  })
})
