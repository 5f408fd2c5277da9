import { describe, expect, test } from 'vitest'
import { Change } from '../../src/record/change.ts'
import type { SpecOf } from '../../src/topology/operator-spec.ts'
import { Windowed } from '../../src/windowing/windows.ts'
import { FakeSuppress } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'
import type { HarnessOptions } from './support/harness.ts'

function suppressed(spec: Partial<SpecOf<'suppress'>>, options: HarnessOptions = {}) {
  const full: SpecOf<'suppress'> = {
    op: 'suppress',
    store: 's',
    mode: 'timeLimit',
    wait: 0,
    windowSize: 0,
    inclusiveEnd: false,
    maxRecords: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
    whenFull: 'emitEarly',
    ...spec,
  }
  const harness = new Harness({ n: [full, 'out'] }, [new FakeSuppress('s')], options)
  return {
    harness,
    change: (key: unknown, value: unknown, timestamp: number) =>
      harness.pipe('n', key, new Change(value, null), timestamp),
  }
}

const window = (key: string, start: number, end: number): Windowed<string> => new Windowed(key, start, end)

describe('suppress until a window closes', () => {
  test('gives the last result once, when stream time reaches end + grace', () => {
    const { change } = suppressed({ mode: 'windowClose', wait: 5 })
    expect([
      ...change(window('b', 0, 10), 1, 3),
      ...change(window('a', 0, 10), 1, 4),
      ...change(window('a', 10, 20), 1, 14),
    ]).toEqual([])
    expect(change(window('a', 10, 20), 2, 15)).toEqual(['a[0,10]=1@4', 'b[0,10]=1@3'])
    expect(change(window('a', 20, 30), 1, 24)).toEqual([])
    expect(change(window('a', 20, 30), 2, 25)).toEqual(['a[10,20]=2@15'])
  })

  test('emits nothing for windows whose result is gone', () => {
    const { change } = suppressed({ mode: 'windowClose', wait: 0 })
    change(window('a', 0, 10), 1, 3)
    change(window('a', 0, 10), null, 4)
    expect(change(window('a', 20, 30), 1, 25)).toEqual([])
  })

  test('waits until windows that include their end take no more records; Kafka Streams is a millisecond early', () => {
    const feed = (compatible: boolean): string[][] => {
      const { change } = suppressed({ mode: 'windowClose', wait: 0, inclusiveEnd: true }, { compatible })
      return [
        change(window('a', 10, 20), 1, 20),
        change(window('a', 10, 20), 2, 20),
        change(window('a', 11, 21), 1, 21),
      ]
    }
    expect(feed(false)).toEqual([[], [], ['a[10,20]=2@20']])
    expect(feed(true)).toEqual([['a[10,20]=1@20'], ['a[10,20]=2@20'], ['a[11,21]=1@21']])
  })
})

describe('suppress for some time', () => {
  test('holds a key from its first change on, and emits its last', () => {
    const { change } = suppressed({ wait: 10 })
    expect([...change('a', 1, 0), ...change('a', 2, 5), ...change('b', 1, 9)]).toEqual([])
    expect(change('c', 1, 10)).toEqual(['a=2@5'])
    expect(change('a', 3, 12)).toEqual([])
    expect(change('z', 1, 30)).toEqual(['b=1@9', 'c=1@10', 'a=3@12'])
  })

  test('with a limit of 0 everything passes, tombstones included', () => {
    const { change } = suppressed({ wait: 0 })
    expect([...change('a', 1, 0), ...change('a', null, 5)]).toEqual(['a=1@0', 'a=∅@5'])
  })
})

describe('a full suppress buffer', () => {
  test('emits the oldest early', () => {
    const { change } = suppressed({ wait: Number.POSITIVE_INFINITY, maxRecords: 2 })
    expect([...change('a', 1, 5), ...change('b', 2, 3), ...change('a', 3, 6)]).toEqual([])
    expect(change('c', 4, 4)).toEqual(['b=2@3'])
    expect(change('c', null, 7)).toEqual([])
    expect(change('d', 5, 9)).toEqual(['c=∅@7'])
  })

  test('by bytes, too', () => {
    const { change } = suppressed({ wait: Number.POSITIVE_INFINITY, maxBytes: 200 })
    expect([...change('a', 1, 5), ...change('b', 2, 6)]).toEqual([])
    expect(change('c', 3, 7)).toEqual(['a=1@5'])
  })

  test('ends with an error that states the limits, if it must be strict', () => {
    const { change } = suppressed({ mode: 'windowClose', wait: 100, maxRecords: 1, whenFull: 'shutDown' })
    change(window('a', 0, 10), 1, 3)
    expect(() => change(window('b', 0, 10), 1, 3)).toThrow(
      expect.objectContaining({
        code: 'MR_SUPPRESS_FULL',
        node: 'n',
        store: 's',
        message: expect.stringContaining('2 of 1 records'),
      }),
    )
  })
})

test('the time of a suppress survives a restart; Kafka Streams forgets it', () => {
  const first = suppressed({ wait: 10 })
  first.change('a', 1, 50)
  const restarted = (compatible: boolean): string[] =>
    suppressed({ wait: 10 }, { compatible, savedTimes: first.harness.savedTimes }).change('a', 2, 40)
  expect(restarted(false)).toEqual(['a=2@40'])
  expect(restarted(true)).toEqual([])
})
