import { expect, test } from 'vitest'
import { holdsMemory, SharedHolds } from '../../../src/runtime/workers/shared-holds.ts'

/** Two threads, and the tasks of which each notified the others. */
function two(): { a: SharedHolds; b: SharedHolds; told: string[] } {
  const memory = holdsMemory()
  const told: string[] = []
  return {
    told,
    a: new SharedHolds(memory, 2, (task) => told.push(`a ${task}`)),
    b: new SharedHolds(memory, 3, (task) => told.push(`b ${task}`)),
  }
}

const TASKS = ['0_0', '0_1', '1_0', '12_345', '2046_262143', 'global', 'global-2', '0_0.deleted', 'global-2.deleted']

test('what one thread holds no other can take until it is given back', () => {
  const { a, b, told } = two()
  const heard: string[] = []
  const stop = a.onFree((task) => heard.push(task))
  for (const task of TASKS) {
    expect(a.has(task)).toBe(false)
    expect(a.take(task)).toBe(true)
    expect([a.take(task), b.take(task), b.has(task)]).toEqual([false, false, true])
  }
  for (const task of TASKS) b.free(task)
  expect([told, heard]).toEqual([[], []])
  for (const task of TASKS) a.free(task)
  expect(heard).toEqual(TASKS)
  expect(told).toEqual(TASKS.map((task) => `a ${task}`))
  stop()
  for (const task of TASKS) expect(b.take(task)).toBe(true)
  b.free('0_0')
  expect(heard).toEqual(TASKS)
})

test('what a dead thread held is free, and nothing else', () => {
  const { a, b, told } = two()
  for (const task of TASKS) a.take(task)
  b.take('5_5')
  b.freeAllOf(2)
  expect(told.toSorted()).toEqual(TASKS.map((task) => `b ${task}`).toSorted())
  for (const task of TASKS) expect(b.has(task)).toBe(false)
  expect(a.has('5_5')).toBe(true)
})

test('many tasks find a place each', () => {
  const { a, b } = two()
  for (let partition = 0; partition < 20_000; partition++) expect(a.take(`${partition % 3}_${partition}`)).toBe(true)
  for (let partition = 0; partition < 20_000; partition++) expect(b.has(`${partition % 3}_${partition}`)).toBe(true)
  expect(b.has('2_0')).toBe(false)
})

test('a task that cannot be numbered is refused with what to do', () => {
  const { a } = two()
  for (const task of ['2047_0', '0_262144', 'process']) {
    expect(() => a.take(task)).toThrow(
      expect.objectContaining({ code: 'MR_THREAD_TASKS', task, hint: expect.any(String) }),
    )
  }
})
