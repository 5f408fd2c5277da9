import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { defineApp, json, string, topic, TopicWriter } from 'millrace'
import type { RestoreProgress, Streams, StreamsOptions } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import { RecordContext } from '../../src/record/record-context.ts'
import { Restorer } from '../../src/runtime/restore/restorer.ts'
import { runSteps } from '../../src/platform/steps.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { timestampedKeyValueStore } from '../../src/dsl/stores/store-builders.ts'
import { TaskState } from '../../src/state/task/task-state.ts'
import { silentLogger } from '../../src/application/application.ts'
import { idle, StateCase, until } from './support/state-case.ts'

const PARTITIONS = 4

let state: StateCase
let running: Streams[]
beforeEach(async () => {
  state = await StateCase.create(PARTITIONS)
  running = []
})
afterEach(async () => {
  for (const streams of running) await streams.close()
  await state[Symbol.asyncDispose]()
})

async function start(more: Partial<StreamsOptions> = {}): Promise<Streams> {
  const streams = await state.start(state.app({ standbyReplicas: 1 }), {
    stateDirectory: await state.newDirectory(),
    ...more,
  })
  running.push(streams)
  return streams
}

async function stop(streams: Streams): Promise<void> {
  running = running.filter((other) => other !== streams)
  await streams.close()
}

/** Returns whether every task has its standby, which is up to date. */
function isSettled(...instances: readonly Streams[]): boolean {
  const all = instances.map((streams) => streams.status())
  const standbys = all.flatMap((status) => status.standbys)
  const tasks = all.flatMap((status) => status.tasks)
  return tasks.length === PARTITIONS && standbys.length === PARTITIONS && standbys.every(({ lag }) => lag === 0)
}

function hasStandbysUpToDate(streams: Streams, count: number): boolean {
  const { standbys } = streams.status()
  return standbys.length === count && standbys.every(({ lag }) => lag === 0)
}

async function pair(more: Partial<StreamsOptions> = {}): Promise<[Streams, Streams]> {
  const first = await start(more)
  await idle(first)
  const second = await start(more)
  await until(() => hasStandbysUpToDate(first, 2) && hasStandbysUpToDate(second, 2))
  return [first, second]
}

describe('standbys', () => {
  test('are in the other instance, follow the changelogs, and process nothing', async () => {
    await state.pay(500)
    const [first, second] = await pair()
    const active = first
      .status()
      .tasks.map(({ id }) => id)
      .toSorted()
    expect(
      second
        .status()
        .standbys.map(({ id }) => id)
        .toSorted(),
    ).toEqual(active)
    const before = second.status().processed
    await state.pay(500)
    await until(() => state.allShown())
    await until(() => hasStandbysUpToDate(first, 2) && hasStandbysUpToDate(second, 2))
    expect(second.status().tasks).toHaveLength(2)
    expect(first.status().processed + second.status().processed - before).toBeLessThanOrEqual(1000)
    expect(second.stores('sums')).toHaveLength(2)
  })

  test('take over with nothing to restore when the other instance ends', async () => {
    const restored: RestoreProgress[] = []
    await state.pay(500)
    const [first, second] = await pair({ onRestore: (event, progress) => event === 'end' && restored.push(progress) })
    await state.pay(500)
    await until(() => state.allShown())
    await until(() => hasStandbysUpToDate(second, 2))
    restored.length = 0
    await stop(first)
    await until(() => second.status().tasks.length === PARTITIONS)
    expect(restored).toEqual([])
    await state.pay(500)
    await until(() => state.allShown())
  })

  test('take over in memory, too', async () => {
    const restored: RestoreProgress[] = []
    await state.pay(500)
    const [first, second] = await pair({
      engine: 'memory',
      onRestore: (event, progress) => event === 'end' && restored.push(progress),
    })
    restored.length = 0
    await stop(first)
    await until(() => second.status().tasks.length === PARTITIONS)
    expect(restored).toEqual([])
    await state.pay(500)
    await until(() => state.allShown())
  })

  test('restore only the rest if they were behind', async () => {
    const restored: RestoreProgress[] = []
    const directory = await state.newDirectory()
    await state.pay(500)
    const first = await start()
    await idle(first)
    const second = await start({ stateDirectory: directory })
    await until(() => hasStandbysUpToDate(second, 2))
    await stop(second)
    await state.pay(500)
    await until(() => state.allShown())
    await stop(first)
    const ends = await Promise.all([0, 1, 2, 3].map((partition) => state.changelogEnd(partition)))
    const onRestore: StreamsOptions['onRestore'] = (event, progress) => event === 'end' && restored.push(progress)
    const alone = await start({ stateDirectory: directory, onRestore })
    await until(() => alone.status().tasks.length === PARTITIONS)
    expect(restored).not.toEqual([])
    for (const { from, partition } of restored) {
      expect(from).toBeGreaterThan(0)
      expect(from).toBeLessThan(ends[partition] ?? 0)
    }
  })

  test('that become active and standby again keep their stores', async () => {
    const from: number[] = []
    await state.pay(500)
    const first = await start()
    await idle(first)
    const directory = await state.newDirectory()
    const onRestore: StreamsOptions['onRestore'] = (event, progress) => event === 'start' && from.push(progress.from)
    const second = await start({ stateDirectory: directory, onRestore })
    await until(() => hasStandbysUpToDate(first, 2) && hasStandbysUpToDate(second, 2))
    from.length = 0
    for (let round = 0; round < 3; round++) {
      const third = await start()
      await until(() => third.status().tasks.length > 0 && isSettled(first, second, third))
      await state.pay(50)
      await until(() => state.allShown())
      await stop(third)
      await until(() => isSettled(first, second))
    }
    expect(from.filter((offset) => offset === 0)).toEqual([])
    await state.pay(50)
    await until(() => state.allShown())
  })

  test('keep their state on disk when they are taken away', async () => {
    await state.pay(500)
    const first = await start()
    await idle(first)
    const directory = await state.newDirectory()
    const second = await start({ stateDirectory: directory })
    await until(() => hasStandbysUpToDate(first, 2) && hasStandbysUpToDate(second, 2))
    await stop(first)
    await until(() => second.status().tasks.length === PARTITIONS)
    await stop(second)
    const tasks = (await readdir(join(directory, 'summing'))).filter((name) => name !== 'process')
    expect(tasks.toSorted()).toEqual(['0_0', '0_1', '0_2', '0_3'])
  })

  test('are in another process, not in another thread', async () => {
    await state.pay(100)
    const streams = await state.start(state.app({ standbyReplicas: 1, threads: 2 }))
    running.push(streams)
    await until(() => streams.status().tasks.length === PARTITIONS)
    expect(streams.status().standbys).toEqual([])
  })

  test('move between the threads of a process', async () => {
    await state.pay(500)
    const app = state.app({ standbyReplicas: 1, threads: 2 })
    const first = await state.start(app)
    const second = await state.start(app, { stateDirectory: await state.newDirectory() })
    running.push(first, second)
    await until(() => isSettled(first, second))
    await stop(second)
    const third = await state.start(app, { stateDirectory: await state.newDirectory() })
    running.push(third)
    await until(() => isSettled(first, third))
    await state.pay(500)
    await until(() => state.allShown())
  })
})

test('a standby of a table whose source topic is its changelog follows as it is processed', async () => {
  const accounts = topic('accounts', { key: string(), value: json<{ readonly name: string }>() })
  await state.log.createTopics([{ name: accounts.name, partitions: 2 }])
  const app = defineApp({
    id: 'accounts-app',
    optimize: 'all',
    commitInterval: 10,
    standbyReplicas: 1,
    build: (builder) => {
      // Standbys are for sub-topologies with a changelog of their own.
      builder.table(accounts, { store: 'by-name' }).toStream().groupByKey().count({ store: 'changes' })
    },
  })
  const write = async (name: string): Promise<void> => {
    await using writer = await TopicWriter.open(state.log, accounts)
    for (let i = 0; i < 100; i++) writer.write(`account-${i}`, { name: `${name}-${i}` }, { timestamp: 1 })
    await writer.flush()
  }
  await write('first')
  const first = await state.start(app)
  await idle(first)
  const second = await state.start(app, { stateDirectory: await state.newDirectory() })
  running.push(first, second)
  await until(() => hasStandbysUpToDate(first, 1) && hasStandbysUpToDate(second, 1))
  await write('second')
  // Committed by the active task first, then followed by the standby.
  await until(async () => {
    const committed = await state.log.committedOffsets(
      'accounts-app',
      [0, 1].map((partition) => ({ topic: 'accounts', partition })),
    )
    return [...committed.entries()].reduce((sum, [, , { offset }]) => sum + offset, 0) === 200
  })
  await until(() => hasStandbysUpToDate(first, 1) && hasStandbysUpToDate(second, 1))
})

test('a standby of a source topic goes no further than what has been committed', async () => {
  const { log } = state
  const environment = {
    task: '0_0',
    record: new RecordContext(),
    drop: () => {},
    cacheBytes: 0,
    compatible: false,
  }
  const spec = timestampedKeyValueStore('store', { key: string(), value: string() })
  const store = await TaskState.open(await memoryEngine.open(''), [spec], environment)
  const words = topic('words', { key: string(), value: string() })
  await log.createTopics([{ name: 'words', partitions: 1 }])
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 10; i++) writer.write(`key-${i}`, `value-${i}`, { timestamp: i })
  await writer.flush()
  const restorer = new Restorer(log, () => {}, systemClock, silentLogger, 1_000_000)
  const place = { task: '0_0', store: 'store', topic: 'words', topicId: 'id', partition: 0 }
  restorer.add({ ...place, state: store, from: 0, end: 3, follows: true, asOf: 0, stale: false, replay: undefined })
  const held = async (): Promise<number> => {
    while (await runSteps(restorer.advance()));
    const entries = store.userStore('store') as { all(): Iterable<unknown> }
    return [...entries.all()].length
  }
  expect(await held()).toBe(3)
  expect(restorer.lag('0_0')).toBe(0)
  restorer.follow('words', 0, 7)
  expect(await held()).toBe(7)
  expect(store.checkpoint('store')?.offset).toBe(7)
  restorer.follow('words', 0, 5)
  expect(await held()).toBe(7)
  restorer.close()
})
