import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { eventLoopScheduler } from '../../src/platform/scheduler.ts'
import { GlobalTables } from '../../src/runtime/thread/global-tables.ts'
import { RepeatedLines } from '../../src/application/repeated-lines.ts'
import { runSteps } from '../../src/platform/steps.ts'
import { TaskManager } from '../../src/runtime/thread/task-manager.ts'
import { subtopologiesForGroup } from '../../src/topology/describe/subtopologies-for-group.ts'
import { DirectoryCleaner } from '../../src/runtime/state-directory/directory-cleaner.ts'
import { stateHome } from '../../src/runtime/state-directory/state-home.ts'
import { idle, recordingLogger, StateCase, until } from './support/state-case.ts'

const DELAY = 600_000

let state: StateCase
beforeEach(async () => {
  state = await StateCase.create(4)
})
afterEach(() => state[Symbol.asyncDispose]())

function tasksOnDisk(directory: string): Promise<string[]> {
  return readdir(directory).then((names) => names.filter((name) => name !== 'process').toSorted())
}

describe('the directory of a task that went elsewhere', () => {
  test('is deleted when no thread had it for the delay; an open one never is', async () => {
    const home = stateHome(rocksdbEngine, state.stateDirectory, recordingLogger().logger)
    const clock = new ManualClock(0)
    const cleaner = new DirectoryCleaner(home, DELAY, clock, recordingLogger().logger)
    const kept = await home.open('0_0')
    const left = await home.open('0_1')
    clock.advance(DELAY * 3)
    await left.close()
    home.release('0_1')
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 60_000) {
        clock.advance(60_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await pass(DELAY - 60_000)
    expect(await tasksOnDisk(state.stateDirectory)).toEqual(['0_0', '0_1'])
    await pass(60_000)
    expect(await tasksOnDisk(state.stateDirectory)).toEqual(['0_0'])
    cleaner.stop()
    await kept.close()
  })

  test('is deleted in the instance that gave the task away, and the task goes on elsewhere', async () => {
    await state.pay(100)
    await using first = await state.start(state.app(), { stateCleanupDelay: 50 })
    await idle(first)
    expect(await tasksOnDisk(join(state.stateDirectory, 'summing'))).toEqual(['0_0', '0_1', '0_2', '0_3'])
    await using second = await state.start(state.app(), { stateDirectory: await state.newDirectory() })
    await idle(second)
    await until(async () => (await tasksOnDisk(join(state.stateDirectory, 'summing'))).length === 2)
    const owned = first.status().tasks.map(({ id }) => id)
    expect(await tasksOnDisk(join(state.stateDirectory, 'summing'))).toEqual(owned.toSorted())
    await state.pay(100)
    await until(() => state.allShown())
  })
})

describe('the directories of one process', () => {
  test('are open in one thread at a time; another thread gets an error, and is notified of the release', async () => {
    const home = stateHome(memoryEngine, '', recordingLogger().logger)
    await home.open('0_0')
    const released: string[] = []
    home.onRelease((task) => released.push(task))
    expect(home.isHeld('0_0')).toBe(true)
    expect(() => home.open('0_0')).toThrow(expect.objectContaining({ code: 'MR_STATE_LOCKED', task: '0_0' }))
    expect(() => home.destroy('0_0')).toThrow(expect.objectContaining({ code: 'MR_STATE_LOCKED' }))
    home.release('0_0')
    expect(released).toEqual(['0_0'])
    await home.open('0_0')
  })

  test('a deletion that was cut short leaves nothing that looks like state, and is finished later', async () => {
    const home = stateHome(rocksdbEngine, state.stateDirectory, recordingLogger().logger)
    await (await home.open('0_0')).close()
    home.release('0_0')
    const { rename } = await import('node:fs/promises')
    await rename(join(state.stateDirectory, '0_0'), join(state.stateDirectory, '0_0.deleted'))
    expect(home.unheld()).toEqual(['0_0.deleted'])
    await home.destroy('0_0.deleted')
    expect(await readdir(state.stateDirectory)).toEqual([])
  })
})

test('a task that another thread still holds is opened when it is released; the others run meanwhile', async () => {
  const home = stateHome(memoryEngine, '', recordingLogger().logger)
  const app = state.app()
  const topology = app.topology()
  const client = await state.log.openClient({
    groupId: app.id,
    processId: 'process',
    subtopologies: subtopologiesForGroup(topology, app.id, 1),
    rebalanceTimeout: 60_000,
    standbyReplicas: 0,
    guarantee: 'exactly_once',
    clientId: 'thread',
    transactionalId: 'thread',
  })
  await client.group.join()
  const globals = await runSteps(GlobalTables.open(app, topology, state.log, home, state.clock))
  const lines = new RepeatedLines(app.settings.logger, state.clock)
  const options = {
    app,
    topology,
    log: state.log,
    client,
    home,
    globals,
    clock: state.clock,
    lines,
    scheduler: eventLoopScheduler,
  }
  const manager = new TaskManager({ ...options, onRestore: () => {}, tasks: 'real' })
  const ids = (): string[] => manager.tasks.map(({ id }) => id)
  const task = (partition: number) => ({ subtopology: 0, partition })
  let woken = 0
  manager.onReady(() => woken++)

  await home.open('0_1')
  await runSteps(manager.assign([task(0), task(1)], []))
  expect(ids()).toEqual(['0_0'])
  expect(manager.restoring).toBe(true)
  await runSteps(manager.restore())
  expect(ids()).toEqual(['0_0'])

  woken = 0
  home.release('0_1')
  expect(woken).toBe(1)
  await runSteps(manager.restore())
  expect(ids()).toEqual(['0_0', '0_1'])
  expect(manager.restoring).toBe(false)
  await runSteps(manager.closeClean())
  expect(home.isHeld('0_0') || home.isHeld('0_1')).toBe(false)
  manager.close()
  await client.close()
})

test('tasks that move between the threads of one process are opened when the old thread has closed them', async () => {
  await state.pay(500)
  const streams = await state.start(state.app({ threads: 1 }))
  await idle(streams)
  await streams.close()
  const moved = await state.start(state.app({ threads: 3 }))
  await until(() => new Set(moved.status().tasks.map(({ thread }) => thread)).size === 3)
  await state.pay(500)
  await idle(moved)
  await moved.close()
  expect(await state.shown()).toEqual(state.expected())
})
