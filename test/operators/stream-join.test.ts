import { describe, expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import type { JoinKind, Joiner, OperatorSpec } from '../../src/topology/operator-spec.ts'
import { defaultRetention, joinWindow, minimumRetention } from '../../src/windowing/windows.ts'
import type { JoinWindows } from '../../src/windowing/windows.ts'
import { FakeOuterJoin, FakeWindow, openCursors } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'
import type { HarnessOptions } from './support/harness.ts'

const show = (value: unknown): string => (value === null ? '∅' : String(value))
const concat = (left: unknown, right: unknown): string => `${show(left)}+${show(right)}`

function windowStore(name: string, windows: JoinWindows, compatible = false): FakeWindow {
  const retention = compatible ? minimumRetention(windows) : defaultRetention(windows)
  return new FakeWindow(name, { duplicates: true, retention, inclusive: !compatible })
}

function joined(join: JoinKind, windows: JoinWindows, options: HarnessOptions = {}, joiner: Joiner = concat) {
  const outerStore = join === 'inner' ? null : 'unmatched'
  const spec = { op: 'streamJoin', join, outerStore, windows, joiner, timeKey: 'join' } as const
  const nodes = {
    L: [{ op: 'joinWindow', store: 'ls' }, 'jl'],
    R: [{ op: 'joinWindow', store: 'rs' }, 'jr'],
    jl: [{ ...spec, side: 'left', otherStore: 'rs' }, 'm'],
    jr: [{ ...spec, side: 'right', otherStore: 'ls' }, 'm'],
    m: [{ op: 'passThrough' }, 'out'],
  } satisfies Record<string, [OperatorSpec, ...string[]]>
  const states = [
    windowStore('ls', windows, options.compatible),
    windowStore('rs', windows, options.compatible),
    new FakeOuterJoin('unmatched'),
  ]
  return new Harness(nodes, states, options)
}

function run(
  harness: Harness,
  ...records: readonly (readonly ['L' | 'R', string | null, string | null, number])[]
): string[] {
  return records.map(([side, key, value, timestamp]) => harness.pipe(side, key, value, timestamp).join(' '))
}

describe('stream-stream joins', () => {
  const inputs = [
    ['L', 'k', 'A', 10],
    ['R', 'k', 'a', 20],
    ['R', 'k', 'b', 21],
    ['L', 'k', 'B', 15],
    ['L', 'k', null, 16],
    ['L', null, 'N', 16],
    ['R', null, 'n', 17],
    ['R', 'k', 'c', 32],
    ['L', 'x', 'X', 43],
    ['L', 'x', 'Y', 100],
    ['R', 'k', 'late', 50],
    ['L', 'k', 'late2', 99],
    ['L', 'k', 'z', 200],
  ] as const
  const matches = ['', 'k=A+a@20', '', 'k=B+a@20 k=B+b@21']

  test.each([
    ['inner', [...matches, '', '', '', '', '', '', '', '', ''], 3],
    ['left', [...matches, '', '∅=N+∅@16', '', '', '', 'x=X+∅@43', '', '', 'k=late2+∅@99 x=Y+∅@100'], 2],
    [
      'outer',
      [...matches, '', '∅=N+∅@16', '∅=∅+n@17', '', 'k=∅+c@32', 'x=X+∅@43', 'k=∅+late@50', '', 'k=late2+∅@99 x=Y+∅@100'],
      1,
    ],
  ] as const)('%s', (join, results, drops) => {
    const harness = joined(join, joinWindow(10))
    expect(run(harness, ...inputs)).toEqual(results)
    expect(harness.drops).toHaveLength(drops)
    expect(openCursors()).toBe(0)
  })

  test('bounds belong to the window, and an unmatched record waits until grace is strictly over', () => {
    const harness = joined('left', joinWindow({ before: 0, after: 10, grace: 5 }))
    expect(
      run(
        harness,
        ['L', 'k', 'A', 10],
        ['R', 'k', 'a', 9],
        ['R', 'k', 'b', 20],
        ['L', 'j', 'B', 12],
        ['L', 'q', 'x', 27],
        ['L', 'q', 'x', 28],
      ),
    ).toEqual(['', '', 'k=A+b@20', '', '', 'j=B+∅@12'])
  })

  test('a bound may be negative', () => {
    const harness = joined('inner', joinWindow({ before: -3, after: 10 }))
    expect(
      run(
        harness,
        ['L', 'k', 'A', 10],
        ['R', 'k', 'a', 12],
        ['R', 'k', 'b', 13],
        ['R', 'k', 'c', 20],
        ['R', 'k', 'd', 21],
      ),
    ).toEqual(['', '', 'k=A+b@13', 'k=A+c@20', ''])
  })

  test('every duplicate joins', () => {
    const harness = joined('inner', joinWindow(10))
    expect(run(harness, ['R', 'k', 'a', 10], ['R', 'k', 'b', 10], ['L', 'k', 'A', 12], ['L', 'k', 'A2', 12])).toEqual([
      '',
      '',
      'k=A+a@12 k=A+b@12',
      'k=A2+a@12 k=A2+b@12',
    ])
  })

  test('unmatched records are emitted by timestamp, right before left, then by key', () => {
    const harness = joined('outer', joinWindow(10))
    run(
      harness,
      ['L', 'k0', 'l6', 6],
      ['L', 'k0', 'l6b', 6],
      ['R', 'k2', 'r5', 5],
      ['L', 'k1', 'l5', 5],
      ['R', 'r9', 'r3', 3],
    )
    expect(harness.pipe('L', 'z', 'z', 100, new Headers().add('h', ''))).toEqual([
      'r9=∅+r3@3 h=h',
      'k2=∅+r5@5 h=h',
      'k1=l5+∅@5 h=h',
      'k0=l6+∅@6 h=h',
      'k0=l6b+∅@6 h=h',
    ])
  })

  describe.each([
    ['a partner 10 older, when another key has moved time to the end of the window', joinWindow({ before: 10 }), 10],
    [
      'a partner 10 older, when another key has moved time to the end of grace',
      joinWindow({ before: 10, grace: 5 }),
      15,
    ],
    ['a partner 10 older, when another key has moved time to the end of a window of both sides', joinWindow(10), 20],
  ] as const)('%s', (_name, windows, time) => {
    const inputs = [
      ['R', 'k', 'a', 0],
      ['R', 'q', 'x', time],
      ['L', 'k', 'A', 10],
    ] as const
    test('joins; not in Kafka Streams', () => {
      expect(run(joined('inner', windows), ...inputs)).toEqual(['', '', 'k=A+a@10'])
      expect(run(joined('inner', windows, { compatible: true }), ...inputs)).toEqual(['', '', ''])
    })
  })

  test('a window of no width joins equal times; not in Kafka Streams', () => {
    const inputs = [
      ['R', 'k', 'a', 5],
      ['L', 'k', 'A', 5],
      ['L', 'k', 'B', 6],
    ] as const
    expect(run(joined('inner', joinWindow(0)), ...inputs)).toEqual(['', 'k=A+a@5', ''])
    expect(run(joined('inner', joinWindow(0), { compatible: true }), ...inputs)).toEqual(['', '', ''])
  })

  test('a negative bound does not shorten the time for which a partner is kept', () => {
    const harness = joined('inner', joinWindow({ before: 10, after: -5 }))
    expect(run(harness, ['R', 'k', 'a', 10], ['R', 'q', 'x', 19], ['L', 'k', 'A', 20])).toEqual(['', '', 'k=A+a@20'])
  })

  test('a window that ends before time 0 holds nothing', () => {
    const harness = joined('inner', joinWindow({ before: 10, after: -5 }))
    expect(run(harness, ['R', 'k', 'a', 0], ['L', 'k', 'A', 2], ['L', 'k', 'B', 5])).toEqual(['', '', 'k=B+a@5'])
  })

  describe('a record without a partner that comes while grace runs', () => {
    const windows = joinWindow({ before: 10, after: 10, grace: 50 })
    const inputs = [
      ['L', 'x', 'X', 30],
      ['L', 'k', 'A', 10],
      ['L', 'j', 'B', 10],
      ['R', 'k', 'a', 12],
      ['L', 'x', 'Y', 70],
      ['L', 'x', 'Z', 71],
    ] as const

    test('waits for one until grace is over', () => {
      const results = ['', '', '', 'k=A+a@12', '', 'j=B+∅@10']
      expect(run(joined('left', windows), ...inputs)).toEqual(results)
    })

    test('is emitted at once in Kafka Streams, and again with its partner', () => {
      const results = ['', 'k=A+∅@10', 'j=B+∅@10', 'k=A+a@12', '', '']
      expect(run(joined('left', windows, { compatible: true }), ...inputs)).toEqual(results)
    })
  })

  test('each unmatched record is emitted when its own window is closed; in Kafka Streams in batches', () => {
    const inputs = Array.from({ length: 9 }, (_, i) => ['L', `k${i}`, `v${i}`, i] as const)
    const windows = joinWindow({ before: 2, after: 2, grace: 2 })
    const late = (i: number): string => `k${i}=v${i}+∅@${i}`
    expect(run(joined('left', windows), ...inputs)).toEqual(['', '', '', '', '', late(0), late(1), late(2), late(3)])
    expect(run(joined('left', windows, { compatible: true }), ...inputs)).toEqual([
      '',
      '',
      '',
      '',
      '',
      late(0),
      '',
      '',
      '',
    ])
  })

  test('a record of the other side, or one that is dropped, emits unmatched records, too', () => {
    for (const last of [
      ['R', 'q', 'x', 21],
      ['R', null, 'x', 21],
      ['L', 'q', null, 21],
    ] as const) {
      const harness = joined('left', joinWindow({ before: 0, after: 10 }))
      expect(run(harness, ['L', 'k', 'A', 10], last)).toEqual(['', 'k=A+∅@10'])
    }
  })

  test('an unmatched record whose joiner throws does not lose the record that emits it, nor its own neighbours', () => {
    const fails = (left: unknown, right: unknown): string => {
      if (left === 'bad') throw new Error('bad')
      return concat(left, right)
    }
    const harness = joined('left', joinWindow({ before: 1, after: 10 }), {}, fails)
    run(harness, ['L', 'k', 'A', 10], ['L', 'm', 'bad', 10], ['L', 'z', 'B', 10])
    run(harness, ['R', 'q', 'x', 20])
    expect(() => harness.pipe('L', 'q', 'C', 21)).toThrow('bad')
    expect(harness.take()).toEqual(['k=A+∅@10', 'q=C+x@21'])
    expect(harness.pipe('R', 'y', 'y', 22)).toEqual(['z=B+∅@10'])
  })

  test('late records join what is still held', () => {
    const harness = joined('inner', joinWindow(10))
    expect(
      run(
        harness,
        ['L', 'k', 'A', 10],
        ['L', 'k', 'B', 30],
        ['R', 'k', 'a', 10],
        ['L', 'k', 'C', 31],
        ['R', 'k', 'b', 10],
      ),
    ).toEqual(['', '', 'k=A+a@10', '', ''])
  })

  test('both sides know the time after a restart; Kafka Streams forgets it', () => {
    const first = joined('left', joinWindow(10))
    first.pipe('R', 'k', 'x', 100)
    const restarted = (compatible: boolean): string[] =>
      joined('left', joinWindow(10), { compatible, savedTimes: first.savedTimes }).pipe('L', 'k', 'late', 50)
    expect(restarted(false)).toEqual(['k=late+∅@50'])
    expect(restarted(true)).toEqual([])
  })
})

describe('the self-join over one store', () => {
  function selfJoined(windows: JoinWindows) {
    return new Harness(
      {
        L: [{ op: 'joinWindow', store: 's' }, 'j'],
        j: [{ op: 'streamSelfJoin', store: 's', windows, joiner: concat }, 'out'],
      },
      [windowStore('s', windows)],
    )
  }

  test('gives what two sides would give', () => {
    const harness = selfJoined(joinWindow(10))
    expect(run(harness, ['L', 'k', 'A', 10], ['L', 'k', 'B', 12], ['L', 'k', 'C', 11])).toEqual([
      'k=A+A@10',
      'k=B+A@12 k=A+B@12 k=B+B@12',
      'k=C+A@11 k=C+B@12 k=A+C@11 k=C+C@11 k=B+C@12',
    ])
  })

  test('drops null keys and values', () => {
    const harness = selfJoined(joinWindow(10))
    expect(run(harness, ['L', null, 'A', 10], ['L', 'k', null, 10])).toEqual(['', ''])
    expect(harness.drops).toEqual(['null-key', 'null-value'])
  })
})
