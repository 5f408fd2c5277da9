import { describe, expect, test } from 'vitest'
import type { OperatorSpec, SpecOf } from '../../src/topology/operator-spec.ts'
import { FakeJoinBuffer, FakeKeyValue, FakeVersioned } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'
import type { HarnessOptions } from './support/harness.ts'

const show = (value: unknown): string => (value === null ? '∅' : String(value))
const joiner = (left: unknown, right: unknown): string => `${show(left)}+${show(right)}`

type Settings = Partial<SpecOf<'streamTableJoin'>>

function joined(settings: Settings, options: HarnessOptions = {}) {
  const versioned = settings.tableVersioned ?? false
  const nodes = {
    T: [{ op: 'tableSource', store: 't', versioned, sendOldValues: false }],
    S: [
      {
        op: 'streamTableJoin',
        join: 'inner',
        table: { kind: 'store', store: 't', storeKind: versioned ? 'versioned' : 'keyValue' },
        tableVersioned: versioned,
        joiner,
        buffer: null,
        grace: 0,
        ...settings,
      },
      'out',
    ],
  } satisfies Record<string, [OperatorSpec, ...string[]]>
  const table = versioned ? new FakeVersioned('t', 100, () => {}) : new FakeKeyValue('t')
  return new Harness(nodes, [table, new FakeJoinBuffer('b', settings.grace ?? 0)], options)
}

function run(
  harness: Harness,
  ...records: readonly (readonly ['S' | 'T', string | null, string | null, number])[]
): string[] {
  return records.map(([node, key, value, timestamp]) => harness.pipe(node, key, value, timestamp).join(' '))
}

describe('stream-table joins', () => {
  const inputs = [
    ['S', 'k', 'A', 10],
    ['T', 'k', 't1', 50],
    ['S', 'k', 'B', 11],
    ['T', 'k', null, 60],
    ['S', 'k', 'C', 70],
    ['S', null, 'D', 70],
    ['S', 'k', null, 70],
  ] as const

  test.each([
    ['inner', ['', '', 'k=B+t1@11', '', '', '', ''], ['null-key', 'null-value']],
    ['left', ['k=A+∅@10', '', 'k=B+t1@11', '', 'k=C+∅@70', '∅=D+∅@70', ''], ['null-value']],
  ] as const)('%s: the stream record decides when and with which timestamp', (join, results, drops) => {
    const harness = joined({ join })
    expect(run(harness, ...inputs)).toEqual(results)
    expect(harness.drops).toEqual(drops)
  })

  test('a versioned table gives the row that was valid at the timestamp of the record', () => {
    const harness = joined({ join: 'left', tableVersioned: true })
    run(harness, ['T', 'k', 't10', 10], ['T', 'k', 't20', 20])
    expect(run(harness, ['S', 'k', 's', 5], ['S', 'k', 's', 10], ['S', 'k', 's', 15], ['S', 'k', 's', 25])).toEqual([
      'k=s+∅@5',
      'k=s+t10@10',
      'k=s+t10@15',
      'k=s+t20@25',
    ])
    expect(run(harness, ['T', 'k', 't12', 12], ['S', 'k', 's', 13])).toEqual(['', 'k=s+t12@13'])
  })

  test('with grace, records wait for late rows and are joined in order; late records at once', () => {
    const harness = joined({ tableVersioned: true, buffer: 'b', grace: 10 })
    expect(
      run(
        harness,
        ['T', 'k', 't10', 10],
        ['S', 'k', 'A', 15],
        ['S', 'k', 'B', 24],
        ['S', 'k', 'C', 25],
        ['S', 'k', 'L', 14],
        ['T', 'k', 't60', 60],
        ['S', 'k', 'D', 60],
      ),
    ).toEqual(['', '', '', 'k=A+t10@15', 'k=L+t10@14', '', 'k=B+t10@24 k=C+t10@25'])
  })

  test('a record without key or value emits what is due; in Kafka Streams it waits for the next record', () => {
    const settings: Settings = { tableVersioned: true, buffer: 'b', grace: 10 }
    for (const [key, value] of [
      [null, 'x'],
      ['q', null],
    ] as const) {
      const inputs = [
        ['T', 'k', 't', 0],
        ['S', 'k', 'A', 1],
        ['S', key, value, 11],
        ['S', 'q', 'B', 12],
      ] as const
      expect(run(joined(settings), ...inputs)).toEqual(['', '', 'k=A+t@1', ''])
      expect(run(joined(settings, { compatible: true }), ...inputs)).toEqual(['', '', '', 'k=A+t@1'])
    }
  })

  test('a left join with grace takes a record without key at once; Kafka Streams fails', () => {
    const settings: Settings = { join: 'left', tableVersioned: true, buffer: 'b', grace: 10 }
    expect(run(joined(settings), ['S', null, 'A', 15])).toEqual(['∅=A+∅@15'])
    const compatible = joined(settings, { compatible: true })
    expect(() => compatible.pipe('S', null, 'A', 15)).toThrow(expect.objectContaining({ code: 'MR_NULL_KEY' }))
  })
})

describe('stream-global table joins', () => {
  function global(join: 'inner' | 'left') {
    const table = new FakeKeyValue('g')
    table.put('a', 'G', 50)
    const spec = {
      op: 'streamGlobalTableJoin',
      join,
      table: { kind: 'store', store: 'g', storeKind: 'keyValue' },
      keyMapper: (value: unknown) => (value === null ? undefined : String(value).charAt(0) || null),
      joiner,
    } as const
    return new Harness({ S: [spec, 'out'] }, [table])
  }

  test.each([
    ['inner', ['k=a1+G@1', '', '∅=a3+G@3', '', ''], ['null-key', 'null-value']],
    ['left', ['k=a1+G@1', 'k=b2+∅@2', '∅=a3+G@3', 'k=+∅@4', ''], ['null-value']],
  ] as const)('%s: the mapper names the row, the stream key stays', (join, results, drops) => {
    const harness = global(join)
    expect(
      run(
        harness,
        ['S', 'k', 'a1', 1],
        ['S', 'k', 'b2', 2],
        ['S', null, 'a3', 3],
        ['S', 'k', '', 4],
        ['S', 'k', null, 5],
      ),
    ).toEqual(results)
    expect(harness.drops).toEqual(drops)
  })
})
