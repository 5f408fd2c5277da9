import { describe, expect, it } from 'vitest'
import { Handover } from '../../../src/kafka/group/member/handover.ts'
import { assignmentOf } from '../../../src/kafka/group/member/tasks.ts'
import type { Assignment } from '../../../src/kafka/group/member/tasks.ts'

function tasks(active: readonly number[], standby: readonly number[] = []): Assignment {
  const list = (partitions: readonly number[]) => (partitions.length === 0 ? [] : [{ subtopologyId: '0', partitions }])
  return assignmentOf({ active: list(active), standby: list(standby), warmup: [] })
}

function assigned(active: readonly number[], standby: readonly number[] = []) {
  return { type: 'assigned', active: active.map(task), standby: standby.map(task) }
}

function revoked(active: readonly number[], standby: readonly number[] = []) {
  return { type: 'revoked', active: active.map(task), standby: standby.map(task) }
}

const task = (partition: number) => ({ subtopology: 0, partition })

function owning(active: readonly number[]): Handover {
  const handover = new Handover()
  handover.told(tasks(active))
  handover.next()
  handover.acknowledge()
  return handover
}

describe('the hand-over of tasks', () => {
  it('notifies of an assignment once, also of an empty one', () => {
    const handover = new Handover()
    expect(handover.next()).toBeUndefined()
    handover.told(tasks([]))
    expect(handover.next()).toEqual(assigned([]))
    expect(handover.acknowledge()).toBe(true)
    handover.told(tasks([]))
    expect(handover.next()).toBeUndefined()
    handover.told(tasks([1, 0]))
    expect(handover.next()).toEqual(assigned([0, 1]))
  })

  it('gives up before it takes over, and holds what it gives up until that is acknowledged', () => {
    const handover = owning([0, 1])
    handover.told(tasks([1, 2]))
    expect(handover.next()).toEqual(revoked([0]))
    expect(handover.next()).toBeUndefined()
    expect([...handover.held.active.keys()]).toEqual(['0_0', '0_1'])
    handover.acknowledge()
    expect([...handover.held.active.keys()]).toEqual(['0_1'])
    expect(handover.next()).toEqual(assigned([1, 2]))
  })

  it('lists what is left after a revocation', () => {
    const handover = owning([0, 1])
    handover.told(tasks([1]))
    handover.next()
    handover.acknowledge()
    expect(handover.next()).toEqual(assigned([1]))
  })

  it('has the latest assignment if that changes before it is taken', () => {
    const handover = owning([0])
    handover.told(tasks([0, 1]))
    handover.told(tasks([0, 2]))
    expect(handover.next()).toEqual(assigned([0, 2]))
    handover.told(tasks([2]))
    expect(handover.next()).toBeUndefined()
    handover.acknowledge()
    expect(handover.next()).toEqual(revoked([0]))
    handover.told(tasks([0, 2]))
    handover.acknowledge()
    expect(handover.next()).toEqual(assigned([0, 2]))
  })

  it('makes a standby active after giving it up', () => {
    const handover = new Handover()
    handover.told(tasks([0], [1]))
    handover.next()
    handover.acknowledge()
    handover.told(tasks([0, 1]))
    expect(handover.next()).toEqual(revoked([], [1]))
    handover.acknowledge()
    expect(handover.next()).toEqual(assigned([0, 1]))
  })

  it('ignores an acknowledgement of tasks that were lost meanwhile', () => {
    const handover = owning([0, 1])
    handover.told(tasks([1]))
    expect(handover.next()).toEqual(revoked([0]))
    handover.lose('expelled')
    handover.told(tasks([0]))
    expect(handover.acknowledge()).toBe(false)
    expect(handover.held.active.size).toBe(0)
    expect(handover.next()).toEqual({ type: 'lost', reason: 'expelled' })
    expect(handover.next()).toEqual(assigned([0]))
    expect(handover.acknowledge()).toBe(true)
  })

  it('wakes the thread when there is an event, also if that came before it listened', () => {
    const handover = new Handover()
    let woken = 0
    handover.told(tasks([0]))
    handover.onEvent(() => woken++)
    expect(woken).toBe(1)
    handover.next()
    handover.told(tasks([0, 1]))
    expect(woken).toBe(1)
    handover.acknowledge()
    expect(woken).toBe(2)
    handover.onEvent(undefined)
    handover.lose('expelled')
    expect(woken).toBe(2)
  })
})
