import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planStep } from '../../../src/kafka/group/classic/plan.ts'
import type { Claimant } from '../../../src/kafka/group/classic/plan.ts'
import { taskSetOf } from '../../../src/kafka/group/classic/user-data.ts'
import type { Assignment } from '../../../src/kafka/group/member/tasks.ts'
import { minus } from '../../../src/kafka/group/member/tasks.ts'
import { parseTaskId } from '../../../src/group/group.ts'
import type { TaskId } from '../../../src/group/group.ts'

const tasks = (...texts: string[]): TaskId[] => texts.map((text) => parseTaskId(text)!)

function assignment(active: readonly string[], standby: readonly string[] = []): Assignment {
  return { active: taskSetOf(tasks(...active)), standby: taskSetOf(tasks(...standby)) }
}

function claimant(processId: string, active: readonly string[] = [], standby: readonly string[] = []): Claimant {
  return { processId, claimed: assignment(active, standby), stored: new Map() }
}

const shown = (plan: ReturnType<typeof planStep>) =>
  plan.map(({ tasks: { active, standby }, mustRejoin }) => ({
    active: [...active.keys()],
    standby: [...standby.keys()],
    mustRejoin,
  }))

describe('one step of a rebalance', () => {
  it('takes tasks that move from their owner, and gives them to no member yet', () => {
    const all = tasks('0_0', '0_1', '0_2', '0_3')
    const owner = claimant('p1', ['0_0', '0_1', '0_2', '0_3'])
    const first = planStep(all, () => false, [owner, claimant('p2')], 0)
    expect(shown(first)).toEqual([
      { active: ['0_0', '0_1'], standby: [], mustRejoin: true },
      { active: [], standby: [], mustRejoin: false },
    ])
    const second = planStep(all, () => false, [claimant('p1', ['0_0', '0_1']), claimant('p2')], 0)
    expect(shown(second)).toEqual([
      { active: ['0_0', '0_1'], standby: [], mustRejoin: false },
      { active: ['0_2', '0_3'], standby: [], mustRejoin: false },
    ])
  })

  it('gives a task to the process that has its state on disk, if that may have more tasks', () => {
    const back = { ...claimant('p2'), stored: taskSetOf(tasks('0_0', '0_2')) }
    const [kept] = planStep(
      tasks('0_0', '0_1', '0_2', '0_3'),
      () => true,
      [claimant('p1', ['0_0', '0_1', '0_2', '0_3']), back],
      0,
    )
    expect([...kept!.tasks.active.keys()]).toEqual(['0_1', '0_3'])
  })

  it('does not open a task twice in one process: a thread gives up its standby before another gets the task', () => {
    // Thread one of p1 keeps the standby of 0_1. The owner of 0_1 is gone, and thread one may not have more tasks.
    const plan = planStep(tasks('0_0', '0_1'), () => true, [claimant('p1', ['0_0'], ['0_1']), claimant('p1')], 0)
    expect(shown(plan)).toEqual([
      { active: ['0_0'], standby: [], mustRejoin: true },
      { active: [], standby: [], mustRejoin: false },
    ])
  })

  it('makes a standby active on the same member at once', () => {
    const [only] = planStep(tasks('0_0', '0_1'), () => true, [claimant('p1', ['0_0'], ['0_1'])], 1)
    expect(only).toMatchObject({ mustRejoin: false })
    expect([...only!.tasks.active.keys()]).toEqual(['0_0', '0_1'])
  })

  it('leads to an even spread in few steps, and never opens a task twice on the way', () => {
    const places = fc.array(
      fc.record({ process: fc.integer({ min: 0, max: 3 }), share: fc.integer({ min: 0, max: 5 }) }),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(
        places,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 2 }),
        (layout, count, replicas) => {
          const all = tasks(...Array.from({ length: count }, (_, index) => `${index % 2}_${index >> 1}`))
          let next = 0
          let members = layout.map(({ process, share }) => {
            const owned = all
              .slice(next, (next += share))
              .map(({ subtopology, partition }) => `${subtopology}_${partition}`)
            return claimant(`p${process}`, owned)
          })
          for (let step = 0; ; step++) {
            expect(step).toBeLessThan(6)
            const plan = planStep(all, (subtopology) => subtopology === 0, members, replicas)
            expectNotOpenTwice(
              members.map(({ processId }, i) => ({ processId, ...plan[i]!.tasks })),
              members,
            )
            if (!plan.some(({ mustRejoin }) => mustRejoin)) {
              const sizes = plan.map(({ tasks: { active } }) => active.size)
              expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count)
              expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
              return
            }
            members = members.map((member, i) => ({ ...member, claimed: plan[i]!.tasks }))
          }
        },
      ),
      { seed: 5, numRuns: 500 },
    )
  })
})

/** Expects that a granted task is not one that another member still claims: that one may still be open. */
function expectNotOpenTwice(
  granted: readonly ({ readonly processId: string } & Assignment)[],
  members: readonly Claimant[],
): void {
  granted.forEach(({ processId, ...assigned }, i) => {
    const fresh = minus(assigned, members[i]!.claimed)
    members.forEach((other, j) => {
      if (i === j) return
      for (const text of fresh.active.keys()) expect(other.claimed.active.has(text)).toBe(false)
      if (other.processId !== processId) return
      for (const text of [...fresh.active.keys(), ...fresh.standby.keys()]) {
        expect(other.claimed.active.has(text) || other.claimed.standby.has(text)).toBe(false)
      }
    })
  })
}
