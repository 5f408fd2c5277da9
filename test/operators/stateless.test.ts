import { describe, expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import { Windowed } from '../../src/windowing/windows.ts'
import { Harness } from './support/harness.ts'

const refused = expect.objectContaining({ code: 'MR_MAP_RESULT', node: 'n' })

describe('stateless operators', () => {
  test('filter keeps what the predicate holds for, filterNot the rest', () => {
    const predicate = (value: unknown): boolean => value === 'x'
    const keeps = new Harness({ n: [{ op: 'filter', predicate, not: false }, 'out'] })
    const drops = new Harness({ n: [{ op: 'filter', predicate, not: true }, 'out'] })
    expect([...keeps.pipe('n', 'k', 'x', 1), ...keeps.pipe('n', 'k', 'y', 2)]).toEqual(['k=x@1'])
    expect([...drops.pipe('n', 'k', 'x', 1), ...drops.pipe('n', 'k', 'y', 2)]).toEqual(['k=y@2'])
    expect(keeps.drops).toEqual([])
  })

  test('user functions see null keys and values, and undefined results are null', () => {
    const seen: unknown[] = []
    const mapper = (value: unknown, key: unknown): undefined => {
      seen.push(value, key)
    }
    const harness = new Harness({ a: [{ op: 'mapValues', mapper }, 'b'], b: [{ op: 'selectKey', mapper }, 'out'] })
    expect(harness.pipe('a', null, null, 3)).toEqual(['∅=∅@3'])
    expect(seen).toEqual([null, null, null, null])
  })

  test('a record whose list is wrong anywhere forwards nothing, even if a generator fails at its end', () => {
    function* throwing(): Generator<number> {
      yield 1
      throw new Error('at the end')
    }
    function* promising(): Generator<unknown> {
      yield 1
      yield Promise.reject(new Error('nobody waits for it'))
    }
    const pairs = () => [['a', 1], ['b']] as [unknown, unknown][]
    for (const mapper of [throwing, promising]) {
      const harness = new Harness({ n: [{ op: 'flatMapValues', mapper }, 'out'] })
      expect(() => harness.pipe('n', 'k', 'v', 1)).toThrow()
      expect(harness.take()).toEqual([])
    }
    const harness = new Harness({ n: [{ op: 'flatMap', mapper: pairs }, 'out'] })
    expect(() => harness.pipe('n', 'k', 'v', 1)).toThrow(refused)
    expect(harness.take()).toEqual([])
  })

  test('map and flatMap give new keys and values, in order', () => {
    const map = new Harness({ n: [{ op: 'map', mapper: (value, key) => [value, key] }, 'out'] })
    expect(map.pipe('n', 'k', 'v', 1)).toEqual(['v=k@1'])
    const flatMap = new Harness({
      n: [
        {
          op: 'flatMap',
          mapper: (value, key) => [
            [key, 1],
            [value, 2],
          ],
        },
        'out',
      ],
    })
    expect(flatMap.pipe('n', 'k', 'v', 1)).toEqual(['k=1@1', 'v=2@1'])
    const values = new Harness({ n: [{ op: 'flatMapValues', mapper: () => new Set(['a', null]) }, 'out'] })
    expect(values.pipe('n', 'k', 'v', 1)).toEqual(['k=a@1', 'k=∅@1'])
  })

  test.each([null, undefined, 'text', ['only a key'], 7])('map refuses %o instead of a pair', (result) => {
    const harness = new Harness({ n: [{ op: 'map', mapper: (): never => result as never }, 'out'] })
    expect(() => harness.pipe('n', 'k', 'v', 1)).toThrow(refused)
  })

  test.each([null, undefined, 7])('flatMap and flatMapValues refuse %o instead of a list', (result) => {
    const flatMap = new Harness({ n: [{ op: 'flatMap', mapper: (): never => result as never }, 'out'] })
    const flatMapValues = new Harness({ n: [{ op: 'flatMapValues', mapper: (): never => result as never }, 'out'] })
    expect(() => flatMap.pipe('n', 'k', 'v', 1)).toThrow(refused)
    expect(() => flatMapValues.pipe('n', 'k', 'v', 1)).toThrow(refused)
  })

  test('flatMap refuses an element that is not a pair', () => {
    const harness = new Harness({ n: [{ op: 'flatMap', mapper: (): never => [null] as never }, 'out'] })
    expect(() => harness.pipe('n', 'k', 'v', 1)).toThrow(refused)
  })

  test('peek and forEach run their side effect; forEach ends the stream', () => {
    const seen: unknown[] = []
    const action = (value: unknown, key: unknown): void => {
      seen.push([key, value])
    }
    const harness = new Harness({ p: [{ op: 'peek', action }, 'f'], f: [{ op: 'forEach', action }, 'out'] })
    expect(harness.pipe('p', 'k', 'v', 1)).toEqual([])
    expect(seen).toEqual([
      ['k', 'v'],
      ['k', 'v'],
    ])
  })

  test('print writes [label]: key, value', () => {
    const lines: string[] = []
    const write = (line: string): void => {
      lines.push(line)
    }
    const harness = new Harness({ n: [{ op: 'print', label: 'SRC', write }] })
    harness.pipe('n', 'k', null, 1)
    harness.pipe('n', new Windowed('k', 0, 10), { a: 1 }, 1)
    const mapped = new Harness({ n: [{ op: 'print', label: 'm', write, mapper: (value, key) => `${key}->${value}` }] })
    mapped.pipe('n', 'k', 'v', 1)
    expect(lines).toEqual(['[SRC]: k, null', '[SRC]: [k@0/10], {"a":1}', '[m]: k->v'])
  })

  test('branch sends a record to the first branch that takes it, else to the default, else nowhere', () => {
    const predicates = [(value: unknown): boolean => value === 1, (value: unknown): boolean => value !== 3]
    const branch = { op: 'branch', predicates, children: ['a', 'b'] } as const
    const withDefault = new Harness({ n: [{ ...branch, defaultChild: 'c' }, 'a', 'b', 'c'] })
    expect([1, 2, 3].flatMap((value) => withDefault.pipe('n', 'k', value, 0))).toEqual([
      'a:k=1@0',
      'b:k=2@0',
      'c:k=3@0',
    ])
    const without = new Harness({ n: [{ ...branch, defaultChild: null }, 'a', 'b'] })
    expect(without.pipe('n', 'k', 3, 0)).toEqual([])
    expect(without.drops).toEqual([])
  })

  test('a repartition filter drops null keys, counted separately, unless a relaxed join follows', () => {
    const strict = new Harness({ n: [{ op: 'repartitionFilter', dropNullKeys: true }, 'out'] })
    expect([...strict.pipe('n', null, 'v', 1), ...strict.pipe('n', 'k', null, 2)]).toEqual(['k=∅@2'])
    expect(strict.drops).toEqual(['repartition-null-key'])
    const relaxed = new Harness({ n: [{ op: 'repartitionFilter', dropNullKeys: false }, 'out'] })
    expect(relaxed.pipe('n', null, 'v', 1)).toEqual(['∅=v@1'])
  })

  test('headers and timestamps go through unchanged', () => {
    const harness = new Harness({
      a: [{ op: 'mapValues', mapper: (value) => value }, 'b'],
      b: [{ op: 'passThrough' }, 'out'],
    })
    expect(harness.pipe('a', 'k', 'v', 77, new Headers().add('h', 'x'))).toEqual(['k=v@77 h=h'])
  })
})
