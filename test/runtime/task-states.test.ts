import { expect, test } from 'vitest'
import { RepeatedLines } from '../../src/application/repeated-lines.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { DropCounter } from '../../src/runtime/node/drop-counter.ts'
import { Task, type LifecycleState } from '../../src/runtime/task/task.ts'
import { silentLogger } from '../../src/application/application.ts'

/** How a new task gets into each state. */
const ways: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  created: [],
  waiting: ['waiting'],
  standby: ['standby'],
  restoring: ['restoring'],
  running: ['restoring', 'running'],
  closed: ['closed'],
}
const drawn = [
  'created -> waiting',
  'created -> standby',
  'created -> restoring',
  'waiting -> created',
  'standby -> created',
  'restoring -> running',
  'created -> closed',
  'waiting -> closed',
  'standby -> closed',
  'restoring -> closed',
  'running -> closed',
]

test('a task goes from state to state only as its comment draws', () => {
  const states = Object.keys(ways) as LifecycleState[]
  const legal: string[] = []
  for (const from of states) {
    for (const to of states.filter((state) => state !== from)) {
      const task = newTask()
      for (const state of ways[from]) task.enter(state)
      expect(task.state).toBe(from)
      try {
        task.enter(to)
        legal.push(`${from} -> ${to}`)
      } catch (error) {
        expect(error).toMatchObject({ code: 'MR_INTERNAL', message: `task 0_1 cannot go from ${from} to ${to}` })
        expect(task.state).toBe(from)
      }
    }
  }
  expect(legal.sort()).toEqual(drawn.sort())
})

test('a task that is not open has neither stores nor operators to give', () => {
  const task = newTask()
  expect(() => task.stores).toThrow('task 0_1 is created, and has no open stores')
  expect(() => task.processing).toThrow('task 0_1 is created, and has no operators')
})

function newTask(): Task {
  const lines = new RepeatedLines(silentLogger, new ManualClock(0))
  return new Task('0_1', 1, [], true, lines, silentLogger, new DropCounter())
}
