import { describe, expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import type { Folding, Merger } from '../../src/topology/operator-spec.ts'
import { session } from '../../src/windowing/windows.ts'
import { FakeSession } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'

const concat: Folding = { kind: 'aggregate', initializer: () => '', aggregator: (sum, value) => `${sum}${value}` }
const joined: Merger = (one, other) => `${one}${other}`

function sessions(
  gap: number,
  grace: number,
  options: {
    folding?: Folding
    merger?: Merger
    emitOnClose?: boolean
    sendOldValues?: boolean
    compatible?: boolean
    mayContinue?: boolean
    retention?: number
  } = {},
) {
  const spec = {
    op: 'sessionAggregate',
    store: 's',
    windows: session(gap, { grace }),
    folding: options.folding ?? concat,
    merger: options.merger ?? joined,
    emitOnClose: options.emitOnClose ?? false,
    sendOldValues: options.sendOldValues ?? false,
  } as const
  return new Harness({ n: [spec, 'out'] }, [new FakeSession('s', options.retention)], options)
}

describe('sessions', () => {
  test('grow, merge, and retract what they replace', () => {
    const harness = sessions(5, 20, { retention: 26 })
    expect(harness.pipe('n', 'a', 'A', 0)).toEqual(['a[0,0]=A@0'])
    expect(harness.pipe('n', 'a', 'B', 5)).toEqual(['a[0,0]=∅@0', 'a[0,5]=AB@5'])
    expect(harness.pipe('n', 'a', 'C', 11)).toEqual(['a[11,11]=C@11'])
    expect(harness.pipe('n', 'a', 'D', 8)).toEqual(['a[0,5]=∅@5', 'a[11,11]=∅@11', 'a[0,11]=ABCD@11'])
    expect(harness.pipe('n', 'a', 'E', 8)).toEqual(['a[0,11]=∅@11', 'a[0,11]=ABCDE@11'])
    expect(harness.pipe('n', 'a', 'F', 40)).toEqual(['a[40,40]=F@40'])
    expect(harness.pipe('n', 'a', 'L', 14)).toEqual([])
    expect(harness.drops).toEqual(['late'])
    expect(harness.pipe('n', 'a', 'M', 15)).toEqual(['a[15,15]=M@15'])
  })

  test('a second record at the same time does not retract', () => {
    const harness = sessions(5, 0)
    harness.pipe('n', 'a', 'A', 10)
    expect(harness.pipe('n', 'a', 'B', 10)).toEqual(['a[10,10]=AB@10'])
  })

  test('null values take part, null keys do not', () => {
    const harness = sessions(5, 0, { folding: { kind: 'count' }, merger: (one, other) => Number(one) + Number(other) })
    expect(harness.pipe('n', 'a', null, 1)).toEqual(['a[1,1]=1@1'])
    expect(harness.pipe('n', 'a', null, 3)).toEqual(['a[1,1]=∅@1', 'a[1,3]=2@3'])
    expect(harness.pipe('n', null, 'x', 100)).toEqual([])
    expect(harness.drops).toEqual(['null-key'])
  })

  test('reduce merges sessions without an initial value', () => {
    const reducer = (one: unknown, other: unknown): string => `${one}+${other}`
    const harness = sessions(5, 0, { folding: { kind: 'reduce', reducer }, merger: reducer })
    harness.pipe('n', 'a', 'A', 0)
    harness.pipe('n', 'a', 'B', 8)
    expect(harness.pipe('n', 'a', 'C', 4).at(-1)).toBe('a[0,8]=A+B+C@8')
  })

  test('results carry no headers', () => {
    const harness = sessions(5, 0)
    expect(harness.pipe('n', 'a', 'A', 0, new Headers().add('h', 'x'))).toEqual(['a[0,0]=A@0'])
  })

  test('old values show what a session was before; Kafka Streams sends none for an unchanged window', () => {
    const feed = (compatible: boolean): string[] => {
      const harness = sessions(5, 0, { sendOldValues: true, compatible })
      harness.pipe('n', 'a', 'A', 10)
      return [...harness.pipe('n', 'a', 'B', 10), ...harness.pipe('n', 'a', 'C', 12)]
    }
    expect(feed(false)).toEqual(['a[10,10]=AB<A@10', 'a[10,10]=∅<AB@10', 'a[10,12]=ABC@12'])
    expect(feed(true)).toEqual(['a[10,10]=AB@10', 'a[10,10]=∅<AB@10', 'a[10,12]=ABC@12'])
  })

  test('a merger that changes its arguments and throws leaves the sessions unchanged, if processing may go on', () => {
    const folding: Folding = {
      kind: 'aggregate',
      initializer: (): unknown[] => [],
      aggregator: (list, value) => {
        if (Array.isArray(list)) list.push(value)
        return list
      },
    }
    let fails = true
    const merger: Merger = (one, other) => {
      if (Array.isArray(other)) other.push('half done')
      if (fails) throw new Error('user error')
      return Array.isArray(one) && Array.isArray(other) ? [...one, ...other.slice(0, -1)] : one
    }
    const harness = sessions(5, 0, { folding, merger, mayContinue: true })
    harness.pipe('n', 'a', 'A', 0)
    expect(() => harness.pipe('n', 'a', 'B', 1)).toThrow('user error')
    expect(harness.take()).toEqual([])
    fails = false
    expect(harness.pipe('n', 'a', 'C', 2)).toEqual(['a[0,0]=∅@0', 'a[0,2]=["A","C"]@2'])
  })

  test('results on close come after gap and grace have passed, by end', () => {
    const harness = sessions(5, 1, { emitOnClose: true, retention: 7 })
    expect([
      ...harness.pipe('n', 'b', 'A', 3),
      ...harness.pipe('n', 'a', 'B', 2),
      ...harness.pipe('n', 'b', 'C', 4),
    ]).toEqual([])
    expect(harness.pipe('n', 'x', 'X', 8)).toEqual([])
    expect(harness.pipe('n', 'x', 'Y', 9)).toEqual(['a[2,2]=B@2'])
    expect(harness.pipe('n', 'x', 'Z', 500)).toEqual(['b[3,4]=AC@4', 'x[8,9]=XY@9'])
    expect(harness.savedTimes.get('s')).toBe(494)
  })
})
