import { describe, expect, it } from 'vitest'
import type { SubtopologyDescription } from '../../src/group/group.ts'
import { taskIdText } from '../../src/group/group.ts'
import { resolveTopology } from '../../src/group/resolve-topology.ts'
import { internalTopic, subtopology } from '../log/log-harness.ts'

function resolve(
  subtopologies: readonly SubtopologyDescription[],
  topics: Readonly<Record<string, number>>,
): { readonly counts: Record<string, number>; readonly tasks: string } {
  const { internalTopics, tasks } = resolveTopology(subtopologies, (topic) => topics[topic])
  return {
    counts: Object.fromEntries(internalTopics.map(({ topic, partitions }) => [topic.name, partitions])),
    tasks: tasks.map(taskIdText).join(' '),
  }
}

const repartitioned = (partitions = 0): SubtopologyDescription[] => [
  subtopology(0, ['a'], { repartitionSinkTopics: ['r'] }),
  subtopology(1, ['b'], { repartitionSinkTopics: ['r'] }),
  subtopology(2, [], {
    repartitionSourceTopics: [internalTopic('r', partitions)],
    changelogTopics: [internalTopic('r-changelog')],
  }),
]

describe('tasks', () => {
  it('are as many as the largest source topic of the sub-topology has partitions', () => {
    expect(resolve([subtopology(0, ['a', 'b'])], { a: 2, b: 3 }).tasks).toBe('0_0 0_1 0_2')
  })

  it('do not exist where nothing is read', () => {
    expect(resolve([subtopology(0, []), subtopology(1, ['a'])], { a: 1 }).tasks).toBe('1_0')
  })
})

describe('the partition count of a repartition topic', () => {
  it('is that of the largest source of all that write to it, and the changelog behind it follows', () => {
    expect(resolve(repartitioned(), { a: 2, b: 6 })).toEqual({
      counts: { r: 6, 'r-changelog': 6 },
      tasks: '0_0 0_1 1_0 1_1 1_2 1_3 1_4 1_5 2_0 2_1 2_2 2_3 2_4 2_5',
    })
  })

  it('is the explicit one if there is one', () => {
    expect(resolve(repartitioned(3), { a: 2, b: 6 }).counts).toEqual({ r: 3, 'r-changelog': 3 })
  })

  it('comes through other repartition topics', () => {
    const chain = [
      subtopology(0, [], { repartitionSourceTopics: [internalTopic('r2')], repartitionSinkTopics: ['r3'] }),
      subtopology(1, [], { repartitionSourceTopics: [internalTopic('r3')] }),
      subtopology(2, ['a'], { repartitionSinkTopics: ['r1'] }),
      subtopology(3, [], { repartitionSourceTopics: [internalTopic('r1')], repartitionSinkTopics: ['r2'] }),
    ]
    expect(resolve(chain, { a: 5 }).counts).toEqual({ r1: 5, r2: 5, r3: 5 })
  })

  it('is that of the topic that it is joined with', () => {
    const joined = [
      subtopology(0, ['a'], { repartitionSinkTopics: ['r'] }),
      subtopology(1, ['table'], {
        repartitionSourceTopics: [internalTopic('r')],
        repartitionSinkTopics: ['next'],
        copartitionGroups: [['r', 'table']],
      }),
      subtopology(2, [], { repartitionSourceTopics: [internalTopic('next')] }),
    ]
    expect(resolve(joined, { a: 2, table: 7 }).counts).toEqual({ next: 7, r: 7 })
  })

  it('is the greatest that one of several joined repartition topics needs, groups that share a topic being one', () => {
    const joined = [
      subtopology(0, ['a'], { repartitionSinkTopics: ['ra'] }),
      subtopology(1, ['b'], { repartitionSinkTopics: ['rb'] }),
      subtopology(2, ['c'], { repartitionSinkTopics: ['rc'] }),
      subtopology(3, [], {
        repartitionSourceTopics: ['ra', 'rb', 'rc'].map((name) => internalTopic(name)),
        copartitionGroups: [
          ['ra', 'rb'],
          ['rb', 'rc'],
        ],
      }),
    ]
    expect(resolve(joined, { a: 1, b: 4, c: 2 }).counts).toEqual({ ra: 4, rb: 4, rc: 4 })
  })

  it('cannot be derived where nobody writes', () => {
    const orphan = [subtopology(0, [], { repartitionSourceTopics: [internalTopic('r')] })]
    expect(() => resolve(orphan, {})).toThrow(expect.objectContaining({ code: 'MR_INTERNAL_TOPIC', topic: 'r' }))
  })
})

describe('what is refused', () => {
  it('names every source topic that is missing', () => {
    expect(() => resolve([subtopology(0, ['a', 'z', 'b'])], { a: 1 })).toThrow(
      expect.objectContaining({ code: 'MR_TOPIC_UNKNOWN', message: expect.stringContaining("'b', 'z'") }),
    )
  })

  it('names every joined topic with its count when they differ, repartition topics or not', () => {
    const joined = subtopology(0, ['a', 'b'], { copartitionGroups: [['a', 'b']] })
    expect(() => resolve([joined], { a: 1, b: 3 })).toThrow(
      expect.objectContaining({ code: 'MR_NOT_COPARTITIONED', message: expect.stringContaining('(a: 1, b: 3)') }),
    )
  })

  it('includes an explicit repartition count that differs from the topic it is joined with', () => {
    const joined = [
      subtopology(0, ['a'], { repartitionSinkTopics: ['r'] }),
      subtopology(1, ['table'], {
        repartitionSourceTopics: [internalTopic('r', 2)],
        copartitionGroups: [['r', 'table']],
      }),
    ]
    expect(() => resolve(joined, { a: 1, table: 3 })).toThrow(
      expect.objectContaining({ code: 'MR_NOT_COPARTITIONED', message: expect.stringContaining('r: 2, table: 3') }),
    )
  })

  it('is an internal topic with another count than it should have, and both counts are named', () => {
    const existing = { a: 2, b: 6, 'r-changelog': 4 }
    expect(() => resolve(repartitioned(), existing)).toThrow(
      expect.objectContaining({
        code: 'MR_INTERNAL_TOPIC',
        topic: 'r-changelog',
        message: expect.stringMatching(/has 4 partitions.*wants 6/),
      }),
    )
  })
})
