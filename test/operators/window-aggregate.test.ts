import { describe, expect, test } from 'vitest'
import type { Folding } from '../../src/topology/operator-spec.ts'
import { hopping, tumbling, unlimited } from '../../src/windowing/windows.ts'
import type { FixedWindows, UnlimitedWindows } from '../../src/windowing/windows.ts'
import { FakeWindow, openCursors } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'
import type { HarnessOptions } from './support/harness.ts'

const concat: Folding = { kind: 'reduce', reducer: (aggregate, value) => `${aggregate}${value}` }

interface Options extends HarnessOptions {
  readonly folding?: Folding
  readonly emitOnClose?: boolean
  readonly sendOldValues?: boolean
  readonly cached?: boolean
  readonly retention?: number
}

function windowed(windows: FixedWindows | UnlimitedWindows, options: Options = {}) {
  const { folding = concat, emitOnClose = false, sendOldValues = false, cached = false } = options
  const store = new FakeWindow('s', {
    cached,
    ...(options.retention === undefined ? {} : { retention: options.retention }),
  })
  const spec = { op: 'windowAggregate', store: 's', windows, folding, emitOnClose, sendOldValues } as const
  return new Harness({ n: [spec, 'out'] }, [store], options)
}

describe('tumbling and hopping windows', () => {
  test('without grace a window is late as soon as stream time reaches its end, whichever key moved it', () => {
    const harness = windowed(tumbling(10))
    expect(harness.pipe('n', 'a', 'x', 0)).toEqual(['a[0,10]=x@0'])
    expect(harness.pipe('n', 'a', 'y', 9)).toEqual(['a[0,10]=xy@9'])
    expect(harness.pipe('n', 'a', 'z', 10)).toEqual(['a[10,20]=z@10'])
    expect(harness.pipe('n', 'a', 'L', 9)).toEqual([])
    expect(harness.pipe('n', 'b', 'q', 20)).toEqual(['b[20,30]=q@20'])
    expect(harness.pipe('n', 'a', 'M', 19)).toEqual([])
    expect(harness.drops).toEqual(['late', 'late'])
  })

  test('with grace late records count until end + grace', () => {
    const harness = windowed(tumbling(10, { grace: 5 }))
    expect(harness.pipe('n', 'a', 'x', 3)).toEqual(['a[0,10]=x@3'])
    expect(harness.pipe('n', 'a', 'y', 14)).toEqual(['a[10,20]=y@14'])
    expect(harness.pipe('n', 'a', 'L', 9)).toEqual(['a[0,10]=xL@9'])
    expect(harness.pipe('n', 'a', 'z', 15)).toEqual(['a[10,20]=yz@15'])
    expect(harness.pipe('n', 'a', 'M', 9)).toEqual([])
    expect(harness.drops).toEqual(['late'])
  })

  test('null values take part, null keys do not', () => {
    const harness = windowed(tumbling(10), { folding: { kind: 'count' } })
    expect(harness.pipe('n', 'a', null, 1)).toEqual(['a[0,10]=1@1'])
    expect(harness.pipe('n', 'a', null, 2)).toEqual(['a[0,10]=2@2'])
    expect(harness.pipe('n', null, 'x', 50)).toEqual([])
    expect(harness.pipe('n', 'a', 'x', 3)).toEqual(['a[0,10]=3@3'])
    expect(harness.drops).toEqual(['null-key'])
  })

  test('a record updates each of its hopping windows in order, each stamped with its greatest timestamp', () => {
    const harness = windowed(hopping(10, { advance: 4, grace: 50 }))
    expect(harness.pipe('n', 'a', 'x', 5)).toEqual(['a[0,10]=x@5', 'a[4,14]=x@5'])
    expect(harness.pipe('n', 'a', 'y', 13)).toEqual(['a[4,14]=xy@13', 'a[8,18]=y@13', 'a[12,22]=y@13'])
    expect(harness.pipe('n', 'a', 'L', 11)).toEqual(['a[4,14]=xyL@13', 'a[8,18]=yL@13'])
  })

  test('a record that is late for some of its windows is dropped once for each and updates the others', () => {
    const harness = windowed(hopping(10, { advance: 2 }))
    harness.pipe('n', 'a', 'x', 22)
    expect(harness.pipe('n', 'a', 'y', 16)).toEqual(['a[14,24]=xy@22', 'a[16,26]=xy@22'])
    expect(harness.drops).toEqual(['late', 'late', 'late'])
  })

  test('old values are those of the window; Kafka Streams gives the initial one for a new window', () => {
    const count: Folding = { kind: 'count' }
    const harness = windowed(tumbling(10), { folding: count, sendOldValues: true })
    expect([...harness.pipe('n', 'a', 'x', 1), ...harness.pipe('n', 'a', 'x', 2)]).toEqual([
      'a[0,10]=1@1',
      'a[0,10]=2<1@2',
    ])
    const compatible = windowed(tumbling(10), { folding: count, sendOldValues: true, compatible: true })
    expect(compatible.pipe('n', 'a', 'x', 1)).toEqual(['a[0,10]=1<0@1'])
  })

  test('with a cache, results come when it is flushed', () => {
    const harness = windowed(tumbling(10), { cached: true })
    expect([...harness.pipe('n', 'a', 'x', 1), ...harness.pipe('n', 'a', 'y', 2)]).toEqual([])
    expect(harness.flush()).toEqual(['a[0,10]=xy@2'])
  })

  test('an unlimited window takes everything from its start on and is never late', () => {
    const harness = windowed(unlimited({ start: 10 }))
    expect(harness.pipe('n', 'a', 'x', 9)).toEqual([])
    expect(harness.pipe('n', 'a', 'y', 1_000_000)).toEqual([`a[10,${Number.MAX_SAFE_INTEGER}]=y@1000000`])
    expect(harness.pipe('n', 'a', 'z', 10)).toEqual([`a[10,${Number.MAX_SAFE_INTEGER}]=yz@1000000`])
    expect(harness.drops).toEqual([])
  })
})

describe('stream time of a windowed aggregation', () => {
  test('survives a restart, so that late records stay late; Kafka Streams forgets it', () => {
    const first = windowed(tumbling(10))
    first.pipe('n', 'a', 'x', 50)
    const second = windowed(tumbling(10), { savedTimes: first.savedTimes })
    expect(second.pipe('n', 'a', 'late', 9)).toEqual([])
    const compatible = windowed(tumbling(10), { savedTimes: first.savedTimes, compatible: true })
    expect(compatible.pipe('n', 'a', 'late', 9)).toEqual(['a[0,10]=late@9'])
  })
})

describe('results on window close', () => {
  test('each window gives one result, when stream time passes its end and grace', () => {
    const harness = windowed(tumbling(10, { grace: 5 }), { emitOnClose: true, retention: 15 })
    expect([
      ...harness.pipe('n', 'b', 'x', 3),
      ...harness.pipe('n', 'a', 'y', 4),
      ...harness.pipe('n', 'a', 'z', 14),
    ]).toEqual([])
    expect(harness.pipe('n', 'a', 'w', 15)).toEqual(['a[0,10]=y@4', 'b[0,10]=x@3'])
    expect(harness.drops).toEqual([])
    expect(openCursors()).toBe(0)
  })

  test('no window is lost when stream time jumps beyond the retention; `compatible` loses it, as Kafka Streams', () => {
    const feed = (harness: Harness): string[] => {
      harness.pipe('n', 'a', 'z', 14)
      return harness.pipe('n', 'a', 'w', 45)
    }
    const settings = { emitOnClose: true, retention: 15 }
    expect(feed(windowed(tumbling(10, { grace: 5 }), settings))).toEqual(['a[10,20]=z@14'])
    expect(feed(windowed(tumbling(10, { grace: 5 }), { ...settings, compatible: true }))).toEqual([])
  })

  test('a cache keeps Kafka Streams from losing them, too', () => {
    const harness = windowed(tumbling(10), { emitOnClose: true, retention: 10, cached: true, compatible: true })
    harness.pipe('n', 'a', 'z', 14)
    expect(harness.pipe('n', 'a', 'w', 45)).toEqual(['a[10,20]=z@14'])
    expect(harness.flush()).toEqual([])
  })

  test('hopping windows come in the order of their starts, and all of them', () => {
    const harness = windowed(hopping(10, { advance: 5 }), { emitOnClose: true, retention: 10 })
    expect(harness.pipe('n', 'a', 'x', 3)).toEqual([])
    expect(harness.pipe('n', 'a', 'y', 12)).toEqual(['a[0,10]=x@3'])
    expect(harness.pipe('n', 'a', 'z', 20)).toEqual(['a[5,15]=y@12', 'a[10,20]=y@12'])
    expect(harness.pipe('n', 'a', 'w', 31)).toEqual(['a[15,25]=z@20', 'a[20,30]=z@20'])
  })

  test.each([true, false])('a restart does not emit again what is out (compatible: %s)', (compatible) => {
    const store = new FakeWindow('s')
    const spec = {
      op: 'windowAggregate',
      store: 's',
      windows: tumbling(10),
      folding: concat,
      emitOnClose: true,
      sendOldValues: false,
    } as const
    const first = new Harness({ n: [spec, 'out'] }, [store], { compatible })
    first.pipe('n', 'a', 'x', 3)
    expect(first.pipe('n', 'a', 'y', 12)).toEqual(['a[0,10]=x@3'])
    expect(first.savedTimes.get('s')).toBe(12)
    const second = new Harness({ n: [spec, 'out'] }, [store], { compatible, savedTimes: first.savedTimes })
    expect(second.pipe('n', 'a', 'z', 23)).toEqual(['a[10,20]=y@12'])
  })
})
