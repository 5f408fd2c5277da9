import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryLog, readTopic, Streams } from 'millrace'
import type { AppConfig, Log } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closed, FIRST, history, inMemory, plain, SECOND, sessions, tens, totals, visit, visitsApp } from './visits.ts'
import type { Count, Shape, Visits } from './visits.ts'

let place: string
let state: string
let log: Log

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'millrace-versions-'))
  state = join(place, 'state')
  log = memoryLog()
  await log.createTopics(['visits', 'closed'].map((name) => ({ name, partitions: 1 })))
})
afterEach(async () => {
  await log.close()
  rmSync(place, { recursive: true, force: true })
})

const start = (shape: Shape, config: Partial<AppConfig> = {}): Promise<Streams> =>
  Streams.start(visitsApp(shape, config), { log, stateDirectory: state })

async function run(shape: Shape, use: (streams: Streams) => Promise<void>): Promise<void> {
  const streams = await start(shape)
  try {
    await streams.whenRunning()
    await use(streams)
  } finally {
    await streams.close()
  }
}

async function processed(streams: Streams, records: number): Promise<void> {
  await expect.poll(() => streams.status().processed, { timeout: 10_000 }).toBe(records)
}

/** Counts three visits of alice, in two windows and one session, and one of bob, as the first version does. */
const countFirst = (): Promise<void> =>
  run(FIRST, async (streams) => {
    await visit(log, ['alice', '/', 1], ['bob', '/', 2], ['alice', '/a', 3], ['alice', '/b', 12])
    await processed(streams, 4)
  })

const old = (count: number): Visits => ({ count, pages: [`${count} before`] })

async function valuesOf(streams: Streams): Promise<Record<string, unknown>> {
  const values = async (rows: AsyncIterable<{ readonly value: unknown }>): Promise<unknown[]> => {
    const found: unknown[] = []
    for await (const { value } of rows) found.push(value)
    return found
  }
  const key = 'alice'
  return {
    totals: await values(streams.store(totals).range()),
    latest: await streams.store(totals).get(key, { consistency: 'latest' }),
    'in-memory': await streams.store(inMemory).get(key),
    plain: await streams.store(plain).get(key),
    tens: await values(streams.store(tens).fetch(key)),
    sessions: await values(streams.store(sessions).sessions(key)),
    history: await streams.store(history).get(key),
  }
}

describe.each(['in the same directory', 'restored from changelogs'] as const)('a new version, %s', (where) => {
  const move = (): void => {
    if (where === 'restored from changelogs') rmSync(state, { recursive: true })
  }

  test('reads every row of the old one in its own shape, and writes that', async () => {
    await countFirst()
    move()
    await run(SECOND, async (streams) => {
      expect(await valuesOf(streams)).toEqual({
        totals: [old(3), old(1)],
        latest: old(3),
        'in-memory': old(3),
        plain: old(3),
        tens: [old(2), old(1)],
        sessions: [old(3)],
        history: old(3),
      })
      await visit(log, ['alice', '/c', 13])
      await processed(streams, 1)
      const now: Visits = { count: 4, pages: ['3 before', '/c'] }
      await expect.poll(() => streams.store(totals).get('alice')).toEqual(now)
      expect(await valuesOf(streams)).toEqual({
        totals: [now, old(1)],
        latest: now,
        'in-memory': now,
        plain: now,
        tens: [old(2), { count: 2, pages: ['1 before', '/c'] }],
        sessions: [now],
        history: now,
      })
      // What waited for its window to close in the old version comes out in the new shape.
      await visit(log, ['carol', '/', 90])
      await processed(streams, 2)
      const last = new Map<string, unknown>()
      await expect
        .poll(async () => {
          for await (const { key, value } of readTopic(log, closed, { until: 'end' })) {
            last.set(`${key?.key}@${key?.start}`, value)
          }
          return last.size
        })
        .toBe(3)
      expect(last).toEqual(
        new Map<string, unknown>([
          ['alice@0', old(2)],
          ['bob@0', old(1)],
          ['alice@10', { count: 2, pages: ['1 before', '/c'] }],
        ]),
      )
    })
  })

  test('leaves rows that the old version refuses, and loses none of them', async () => {
    await countFirst()
    await run(SECOND, async (streams) => {
      await visit(log, ['alice', '/c', 13])
      await processed(streams, 1)
    })
    move()
    const streams = await start(FIRST)
    await streams.whenRunning()
    await expect(streams.store(totals).get('alice')).rejects.toMatchObject({
      code: 'MR_STORE_VERSION',
      store: 'totals',
      message: expect.stringContaining('by version 1 of the store, which has none in this application'),
    })
    // Bob's row is as it was.
    expect(await streams.store(totals).get('bob')).toEqual({ count: 1 })
    await visit(log, ['alice', '/d', 14])
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_STORE_VERSION', task: '0_0', offset: 5 })
    await streams.close().catch(() => {})

    move()
    await run(SECOND, async (again) => {
      await processed(again, 1)
      const now: Visits = { count: 5, pages: ['3 before', '/c', '/d'] }
      await expect.poll(() => again.store(totals).get('alice')).toEqual(now)
    })
  })

  test('is led back by a later one', async () => {
    await countFirst()
    await run(SECOND, async (streams) => {
      await visit(log, ['alice', '/c', 13])
      await processed(streams, 1)
    })
    move()
    const back = (from: unknown): Visits => ({ count: (from as Count).count }) as Visits
    await run({ version: 2, migrate: back }, async (streams) => {
      expect(await streams.store(totals).get('alice')).toEqual({ count: 4 })
    })
  })
})

test('onProcessingError does not drop records of rows that a newer version wrote', async () => {
  await countFirst()
  await run(SECOND, async (streams) => {
    await visit(log, ['alice', '/c', 13])
    await processed(streams, 1)
  })
  const streams = await start(FIRST, { onProcessingError: 'continue' })
  await visit(log, ['alice', '/d', 14])
  await expect(streams.closed).rejects.toMatchObject({ code: 'MR_STORE_VERSION' })
  await streams.close().catch(() => {})
})

test('a migrate() that throws ends the record with the place of the store, and nothing is written', async () => {
  await countFirst()
  const broken: Shape = {
    version: 1,
    migrate: (so: Count) => {
      if (so.count === 3) throw new RangeError('three is not enough')
      return old(so.count)
    },
  }
  const streams = await start(broken)
  await streams.whenRunning()
  expect(await streams.store(totals).get('bob')).toEqual(old(1))
  await expect(streams.store(totals).get('alice')).rejects.toMatchObject({ code: 'MR_STORE_MIGRATE', store: 'totals' })
  await visit(log, ['alice', '/c', 13])
  await expect(streams.closed).rejects.toMatchObject({
    code: 'MR_STORE_MIGRATE',
    task: '0_0',
    topic: 'visits',
    partition: 0,
    offset: 4,
    message: expect.stringContaining('migrate() cannot make version 1 of a value of version 0: three is not enough'),
  })
  await streams.close().catch(() => {})

  await run(FIRST, async (again) => {
    await processed(again, 1)
    await expect.poll(() => again.store(totals).get('alice')).toEqual({ count: 4 })
  })
})

test('a version that reads up to the next one runs beside it and after it', async () => {
  const careful: Shape = {
    version: 0,
    readsUpTo: 1,
    migrate: (newer: Visits) => ({ count: newer.count }) as Visits,
  }
  await countFirst()
  await run(careful, async (streams) => {
    expect(await streams.store(totals).get('alice')).toEqual({ count: 3 })
    await visit(log, ['alice', '/c', 13])
    await processed(streams, 1)
  })
  // It writes what the first version reads.
  await run(FIRST, async (streams) => {
    await expect.poll(() => streams.store(totals).get('alice')).toEqual({ count: 4 })
  })
  await run(SECOND, async (streams) => {
    await visit(log, ['alice', '/d', 14])
    await processed(streams, 1)
  })
  await run(careful, async (streams) => {
    expect(await streams.store(totals).get('alice')).toEqual({ count: 5 })
    await visit(log, ['alice', '/e', 15])
    await processed(streams, 1)
    await expect.poll(() => streams.store(totals).get('alice')).toEqual({ count: 6 })
  })
})
