import { describe, expect, test } from 'vitest'
import { Change } from '../../src/record/change.ts'
import { ResponseMessage, SubscriptionMessage } from '../../src/record/foreign-key.ts'
import { murmur3 } from '../../src/record/murmur3.ts'
import { string } from '../../src/serde/serdes.ts'
import type { OperatorSpec } from '../../src/topology/operator-spec.ts'
import { FakeKeyValue, openCursors } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'

const show = (value: unknown): string => (value === null ? '∅' : String(value))
const joiner = (left: unknown, right: unknown): string => `${show(left)}+${show(right)}`
/** The first letter refers to the right row; `-` to none. */
const extractor = (value: unknown): string | null => (String(value).startsWith('-') ? null : String(value).charAt(0))

function nodes(join: 'inner' | 'left') {
  const keys = string()
  const values = string()
  const source = { op: 'tableSource', versioned: false, sendOldValues: true } as const
  const subscriptions = { store: 'subs', foreignKeySerde: keys, primaryKeySerde: keys } as const
  return {
    L: [{ ...source, store: 'ls' }, 'subscribe'],
    subscribe: [
      { op: 'foreignKeySubscribe', join, extractor, foreignKeySerde: keys, valueSerde: values, leftVersioned: false },
      'receive',
    ],
    receive: [{ op: 'foreignKeyReceive', ...subscriptions }, 'answer'],
    answer: [
      { op: 'foreignKeyAnswer', right: { kind: 'store', store: 'rs', storeKind: 'keyValue' }, rightVersioned: false },
      'resolve',
    ],
    R: [{ ...source, store: 'rs' }, 'notify'],
    notify: [{ op: 'foreignKeyNotify', ...subscriptions, rightVersioned: false }, 'resolve'],
    resolve: [
      {
        op: 'foreignKeyResolve',
        join,
        left: { kind: 'store', store: 'ls', storeKind: 'keyValue' },
        joiner,
        valueSerde: values,
        leftVersioned: false,
      },
      'result',
    ],
    result: [{ ...source, store: null, sendOldValues: false }, 'out'],
  } satisfies Record<string, [OperatorSpec, ...string[]]>
}

const stores = (): FakeKeyValue[] => [new FakeKeyValue('ls'), new FakeKeyValue('rs'), new FakeKeyValue('subs')]

describe('foreign-key joins', () => {
  const inputs = [
    ['L', 'k', 'x1', 10, '', 'k=x1+∅@10'],
    ['R', 'x', 'X', 5, 'k=x1+X@5', null],
    ['R', 'x', 'X2', 20, 'k=x1+X2@20', null],
    ['L', 'k', 'x2', 15, 'k=x2+X2@20', null],
    ['L', 'k', 'y1', 16, 'k=∅@16', 'k=y1+∅@16'],
    ['L', 'k', 'x3', 17, 'k=x3+X2@20', null],
    ['L', 'j', 'x9', 17, 'j=x9+X2@20', null],
    ['R', 'x', null, 30, 'j=∅@30 k=∅@30', 'j=x9+∅@30 k=x3+∅@30'],
    ['R', 'x', null, 31, 'j=∅@31 k=∅@31', 'j=x9+∅@31 k=x3+∅@31'],
    ['L', 'k', null, 32, 'k=∅@32', null],
    ['L', 'k', null, 33, '', null],
    ['R', 'x', 'X3', 34, 'j=x9+X3@34', null],
    ['L', 'j', '-', 35, 'j=∅@35', 'j=-+∅@35'],
    ['L', 'm', '-', 37, '', 'm=-+∅@37'],
    ['L', 'm', 'x7', 38, 'm=x7+X3@38', null],
  ] as const

  test.each(['inner', 'left'] as const)('%s', (join) => {
    const harness = new Harness(nodes(join), stores())
    const results = inputs.map(([node, key, value, timestamp]) => harness.pipe(node, key, value, timestamp).join(' '))
    expect(results).toEqual(inputs.map(([, , , , inner, left]) => (join === 'inner' || left === null ? inner : left)))
    expect(harness.drops).toEqual(join === 'inner' ? ['null-foreign-key', 'null-foreign-key'] : [])
    expect(openCursors()).toBe(0)
  })

  test('a response to a left value that has changed since is dropped', () => {
    const harness = new Harness(nodes('inner'), stores())
    harness.pipe('R', 'x', 'X', 1)
    harness.pipe('L', 'k', 'x1', 2)
    const stale = new ResponseMessage(murmur3(Buffer.from('x0')), 'X', null)
    expect(harness.pipe('resolve', 'k', stale, 3)).toEqual([])
    const current = new ResponseMessage(murmur3(Buffer.from('x1')), 'X', null)
    expect(harness.pipe('resolve', 'k', current, 4)).toEqual(['k=x1+X@4'])
    const deleted = new ResponseMessage<string>(null, null, null)
    expect(harness.pipe('resolve', 'k', deleted, 5)).toEqual([])
    expect(harness.pipe('resolve', 'gone', deleted, 5)).toEqual(['gone=∅@5'])
    expect(harness.drops).toEqual(['stale-response', 'stale-response'])
  })

  test.each([
    ['inner', 'insert', null, 'f1', ['f:3']],
    ['inner', 'same reference', 'f1', 'f2', ['f:3']],
    ['inner', 'other reference', 'f1', 'g1', ['f:0', 'g:2']],
    ['inner', 'reference gained', '-', 'g1', ['g:3']],
    ['inner', 'reference lost', 'f1', '-', ['f:1']],
    ['inner', 'insert without reference', null, '-', []],
    ['inner', 'delete', 'f1', null, ['f:1']],
    ['inner', 'delete without reference', '-', null, []],
    ['left', 'insert', null, 'f1', ['f:2']],
    ['left', 'same reference', 'f1', 'f2', ['f:2']],
    ['left', 'other reference', 'f1', 'g1', ['f:0', 'g:2']],
    ['left', 'reference gained', '-', 'g1', ['g:2']],
    ['left', 'reference lost', 'f1', '-', ['f:0', 'null:2']],
    ['left', 'insert without reference', null, '-', ['null:2']],
    ['left', 'delete', 'f1', null, ['f:0', 'null:2']],
  ] as const)('%s join, %s: tells the right side what it has to know', (join, _case, oldValue, newValue, messages) => {
    const sent: string[] = []
    const collect = (value: unknown, key: unknown): void => {
      if (!(value instanceof SubscriptionMessage)) throw new Error('not a subscription')
      sent.push(`${String(key)}:${value.instruction}`)
      expect(value.primaryKey).toBe('pk')
      expect(value.partition).toBe(0)
      expect(value.hash).toEqual(newValue === null ? null : murmur3(Buffer.from(newValue)))
    }
    const harness = new Harness({ subscribe: [nodes(join).subscribe[0], 'n'], n: [{ op: 'forEach', action: collect }] })
    harness.pipe('subscribe', 'pk', new Change<string>(newValue, oldValue), 1)
    expect(sent).toEqual(messages)
  })
})
