import { afterEach, expect, test } from 'vitest'
import { silentLogger } from '../../src/application/application.ts'
import { RepeatedLines } from '../../src/application/repeated-lines.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import type { RowRequest } from '../../src/query/row-request.ts'
import { DropCounter } from '../../src/runtime/node/drop-counter.ts'
import { Task } from '../../src/runtime/task/task.ts'
import { ReadableStores } from '../../src/runtime/thread/readable-stores.ts'
import type { Subtopology } from '../../src/topology/topology.ts'
import { keyValueSpec, StateHarness } from '../state/support/state-harness.ts'

let harness: StateHarness | undefined
afterEach(() => harness?.close())

test('a standby whose restore is still to begin is not taken for one that lacks nothing', async () => {
  harness = await StateHarness.open([keyValueSpec({ name: 'totals' })])
  const clock = new ManualClock()
  const subtopology: Subtopology = { id: 0, global: false, nodes: [], stores: ['totals'], copartitionGroups: [] }
  const lines = new RepeatedLines(silentLogger, clock)
  const task = new Task('0_1', 1, [subtopology], false, lines, silentLogger, new DropCounter())
  const stores = new ReadableStores({
    clock,
    global: () => undefined,
    tasks: () => [task],
    // None of the restores of a task lacks anything if it has none yet.
    lag: () => 0,
    committedAt: () => 0,
    isMember: () => true,
  })
  const request: RowRequest = {
    store: 'totals',
    partition: 1,
    query: { op: 'get', key: Buffer.from('a') },
    consistency: 'committed',
    role: 'any',
    maxLag: 100,
    at: undefined,
  }
  task.open(harness.state)
  expect(() => stores.find(request)).toThrow(expect.objectContaining({ code: 'MR_QUERY_STALE', task: '0_1' }))
  task.enter('standby')
  expect(stores.find(request).source).toMatchObject({ role: 'standby', lag: 0 })
  // One that is promoted lets go of its restore before the next one is planned.
  task.promote()
  expect(() => stores.find(request)).toThrow(expect.objectContaining({ code: 'MR_QUERY_STALE' }))
})
