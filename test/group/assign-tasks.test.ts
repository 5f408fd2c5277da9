import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { taskIdText } from '../../src/group/group.ts'
import type { TaskId } from '../../src/group/group.ts'
import { assignTasks } from '../../src/group/assign-tasks.ts'
import type { AssignableMember } from '../../src/group/assign-tasks.ts'

function tasksOf(...counts: number[]): TaskId[] {
  return counts.flatMap((count, subtopology) =>
    Array.from({ length: count }, (_, partition) => ({ subtopology, partition })),
  )
}

function member(processId: string, active: readonly TaskId[] = [], standby: readonly TaskId[] = []): AssignableMember {
  const byText = (tasks: readonly TaskId[]): Map<string, TaskId> =>
    new Map(tasks.map((task) => [taskIdText(task), task]))
  return { processId, active: byText(active), standby: byText(standby) }
}

function activeOf(tasks: readonly TaskId[], members: readonly AssignableMember[], standbys = 0): string[] {
  return assignTasks(tasks, () => true, members, standbys).map((target) => [...target.active.keys()].sort().join(' '))
}

describe('the assignment of tasks', () => {
  it('spreads each sub-topology over the members', () => {
    expect(activeOf(tasksOf(2, 2), [member('p1'), member('p2')])).toEqual(['0_0 1_0', '0_1 1_1'])
  })

  it('moves no more than the newcomer needs', () => {
    const tasks = tasksOf(5)
    const [first, second] = activeOf(tasks, [member('p1', tasks), member('p2')])
    expect([first, second]).toEqual(['0_0 0_1 0_2', '0_3 0_4'])
  })

  it('moves what the newcomer has a standby of already', () => {
    const tasks = tasksOf(4)
    const standbys = [tasks[0]!, tasks[1]!]
    expect(activeOf(tasks, [member('p1', tasks), member('p2', [], standbys)])).toEqual(['0_2 0_3', '0_0 0_1'])
  })

  it('leaves the others alone when a member goes', () => {
    const tasks = tasksOf(6)
    const [first, second] = activeOf(tasks, [member('p1', tasks.slice(0, 2)), member('p2', tasks.slice(2, 4))])
    expect(first).toContain('0_0 0_1')
    expect(second).toContain('0_2 0_3')
  })

  it('promotes a standby to the owner', () => {
    const tasks = tasksOf(2)
    expect(activeOf(tasks, [member('p1'), member('p2', [], [tasks[0]!])])).toEqual(['0_1', '0_0'])
  })

  it('puts standbys on other processes, and none where there is no other', () => {
    const tasks = tasksOf(2)
    const alone = assignTasks(tasks, () => true, [member('p1'), member('p1')], 1)
    expect(alone.every((target) => target.standby.size === 0)).toBe(true)
    const two = assignTasks(tasks, () => true, [member('p1'), member('p2')], 1)
    expect(two.map((target) => [...target.standby.keys()])).toEqual([['0_1'], ['0_0']])
    const stateless = assignTasks(tasks, () => false, [member('p1'), member('p2')], 1)
    expect(stateless.every((target) => target.standby.size === 0)).toBe(true)
  })

  it('always gives every task to one member, evenly, whatever was held before', () => {
    const arbitrary = fc.record({
      counts: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
      owners: fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 30, maxLength: 30 }),
      processes: fc.array(fc.constantFrom('p1', 'p2', 'p3'), { minLength: 1, maxLength: 5 }),
      standbys: fc.integer({ min: 0, max: 2 }),
    })
    fc.assert(
      fc.property(arbitrary, ({ counts, owners, processes, standbys }) => {
        const tasks = tasksOf(...counts)
        const members = processes.map((processId, i) =>
          member(
            processId,
            tasks.filter((_, t) => owners[t] === i),
          ),
        )
        const targets = assignTasks(tasks, () => true, members, standbys)
        expect(targets.flatMap((target) => [...target.active.keys()]).sort()).toEqual(tasks.map(taskIdText).sort())
        const sizes = targets.map((target) => target.active.size)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        for (const task of tasks.map(taskIdText)) {
          const holders = members.filter((_, i) => targets[i]!.active.has(task) || targets[i]!.standby.has(task))
          expect(new Set(holders.map((holder) => holder.processId)).size).toBe(holders.length)
        }
        members.forEach((held, i) => {
          const kept = [...held.active.keys()].filter((task) => targets[i]!.active.has(task)).length
          expect(kept).toBe(Math.min(held.active.size, sizes[i]!))
        })
      }),
    )
  })
})
