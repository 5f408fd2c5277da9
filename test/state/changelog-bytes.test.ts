import { afterEach, describe, expect, test } from 'vitest'
import { Change } from '../../src/record/change.ts'
import { Headers } from '../../src/record/headers.ts'
import { long, string } from '../../src/serde/serdes.ts'
import type {
  JoinBuffer,
  KeyValueState,
  OuterJoinState,
  SessionState,
  SuppressBuffer,
  VersionedState,
  WindowState,
} from '../../src/state/states.ts'
import type {
  JoinBufferSpec,
  OuterJoinStoreSpec,
  StoreSpec,
  SuppressBufferSpec,
} from '../../src/topology/store-spec.ts'
import {
  keyValueSpec,
  sessionSpec,
  StateHarness,
  versionedSpec,
  windowSpec,
  type Logged,
} from './support/state-harness.ts'

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

async function open(spec: StoreSpec): Promise<StateHarness> {
  return (harness = await StateHarness.open([spec]))
}

const hex = (text: string) => text.replaceAll(' ', '')
const shown = (records: readonly Logged[]) =>
  records.map(({ timestamp, key, value }) => [
    timestamp,
    key.toString('hex'),
    value === null ? null : value.toString('hex'),
  ])

const buffers = { keySerde: string(), valueSerde: string(), persistent: true, logging: {}, caching: false }
const suppressSpec = { kind: 'suppress', name: 'buffer', ...buffers } as unknown as SuppressBufferSpec
const joinBufferSpec = { kind: 'joinBuffer', name: 'buffer', ...buffers, grace: 10 } as unknown as JoinBufferSpec
const outerJoinSpec = {
  kind: 'outerJoin',
  name: 'outer',
  ...buffers,
  rightValueSerde: string(),
} as unknown as OuterJoinStoreSpec

describe('changelogs are those of Kafka Streams, byte by byte', () => {
  test('a table logs the bare value; the record carries its timestamp', async () => {
    const h = await open(keyValueSpec({ value: long() }))
    const state: KeyValueState<string, number> = h.at(1, 99).store()
    state.put('k', 5, 1700000000000)
    state.put('gone', null, 7)
    expect(shown(await h.commit())).toEqual([
      [1700000000000, hex('6b'), hex('00000000 00000005')],
      [7, hex('676f6e65'), null],
    ])
  })

  test('a plain store logs with the timestamp of the record being processed', async () => {
    const h = await open(keyValueSpec({ timestamped: false, value: string() }))
    h.at(1, 99).store<KeyValueState<string, string>>().put('k', 'v', -1)
    expect(shown(await h.commit())).toEqual([[99, hex('6b'), hex('76')]])
  })

  test('the engine holds the timestamp before the value', async () => {
    const h = await open(keyValueSpec({ value: string() }))
    h.store<KeyValueState<string, string>>().put('k', 'v', 1700000000000)
    await h.commit()
    const row = h.engine.get(Buffer.from('\u0000\u0001k', 'latin1'))
    expect(row?.toString('hex')).toBe(hex('0000018bcfe56800 76'))
  })

  test('one record per entry and commit, with the last value', async () => {
    const h = await open(keyValueSpec({ value: string() }))
    const state: KeyValueState<string, string> = h.store()
    state.put('a', '1', 1)
    state.put('b', '1', 2)
    state.put('a', '2', 3)
    expect(shown(await h.commit())).toEqual([
      [3, hex('61'), hex('32')],
      [2, hex('62'), hex('31')],
    ])
    expect(await h.commit()).toEqual([])
  })

  test('a window: key, start, sequence number 0', async () => {
    const h = await open(windowSpec({ value: string() }))
    h.store<WindowState<string, string>>().put('v0', 1700000000000, 'x', 1700000000003)
    expect(shown(await h.commit())).toEqual([[1700000000003, hex('7630 0000018bcfe56800 00000000'), hex('78')]])
  })

  test('a window store with duplicates counts them from 1', async () => {
    const h = await open(windowSpec({ value: string(), retainDuplicates: true, timestamped: false }))
    const state: WindowState<string, string> = h.at(0, 77).store()
    state.put('k', 5, 'a', -1)
    state.put('k', 5, null, -1)
    state.put('k', 5, 'b', -1)
    expect(shown(await h.commit())).toEqual([
      [77, hex('6b 0000000000000005 00000001'), hex('61')],
      [77, hex('6b 0000000000000005 00000002'), null],
      [77, hex('6b 0000000000000005 00000003'), hex('62')],
    ])
  })

  test('a session: key, end, start', async () => {
    const h = await open(sessionSpec({ value: string() }))
    const state: SessionState<string, string> = h.at(0, 9).store()
    state.put('k', 3, 8, 'x')
    state.put('k', 1, 2, null)
    expect(shown(await h.commit())).toEqual([
      [9, hex('6b 0000000000000008 0000000000000003'), hex('78')],
      [9, hex('6b 0000000000000002 0000000000000001'), null],
    ])
  })

  test('a versioned store logs every version with its own timestamp, tombstones too', async () => {
    const h = await open(versionedSpec({ value: string() }))
    const state: VersionedState<string, string> = h.store()
    state.put('k', 'a', 10)
    state.put('k', null, 20)
    state.put('k', 'c', 5)
    state.put('k', 'b', 10)
    expect(shown(await h.commit())).toEqual([
      [10, hex('6b'), hex('62')],
      [20, hex('6b'), null],
      [5, hex('6b'), hex('63')],
    ])
  })

  test('a suppress buffer: record context, prior, old, new, buffer time, and header v=3', async () => {
    const h = await open(suppressSpec)
    const state: SuppressBuffer<string, string> = h.at(42, 7, 'topic').store()
    state.put(100, 'k', new Change('new', 'old'), 7, new Headers().add('h', 'x').add('n', null))
    const [first] = await h.commit()
    const context = '0000000000000007 000000000000002a 00000005 746f706963 00000000'
    const headers = '00000002 00000001 68 00000001 78 00000001 6e ffffffff'
    expect(first?.key.toString('hex')).toBe(hex('6b'))
    expect(first?.value?.toString('hex')).toBe(
      hex(`${context} ${headers} 00000003 6f6c64 fffffffe 00000003 6e6577 0000000000000064`),
    )
    expect([...(first?.headers ?? [])]).toEqual([{ name: 'v', value: Buffer.of(3) }])
    h.at(43, 8, 'topic')
    state.put(200, 'k', new Change<string>(null, 'new'), 8, new Headers())
    const [second] = await h.commit()
    expect(second?.value?.toString('hex')).toBe(
      hex(
        '0000000000000008 000000000000002b 00000005 746f706963 00000000 00000000' +
          '00000003 6f6c64 00000003 6e6577 ffffffff 0000000000000064',
      ),
    )
    state.evictWhile(
      () => true,
      () => {},
    )
    expect(shown(await h.commit())).toEqual([[8, hex('6b'), null]])
  })

  test('a stream-table join buffer: time, key, sequence; the value in the same form', async () => {
    const h = await open(joinBufferSpec)
    const state: JoinBuffer<string, string> = h.at(1, 50, 't').store()
    expect(state.put('k', 'v', 50, new Headers())).toBe(true)
    const [logged] = await h.commit()
    expect(logged?.key.toString('hex')).toBe(hex('0000000000000032 6b 00000001'))
    expect(logged?.value?.toString('hex')).toBe(
      hex(
        '0000000000000032 0000000000000001 00000001 74 00000000 00000000 ' +
          'ffffffff ffffffff 00000001 76 0000000000000000',
      ),
    )
  })

  test('unmatched records: timestamp, side, key; a list of values with their side', async () => {
    const h = await open(outerJoinSpec)
    const state: OuterJoinState<string, string, string> = h.store()
    state.add(5, 'left', 'k', 'a')
    state.add(5, 'left', 'k', 'bc')
    state.add(5, 'right', 'k', 'r')
    expect(shown(await h.commit())).toEqual([
      [5, hex('0000000000000005 01 6b'), hex('01 00000002 00000002 01 61 00000003 01 6263')],
      [5, hex('0000000000000005 00 6b'), hex('01 00000001 00000002 00 72')],
    ])
    state.remove(5, 'left', 'k')
    expect((await h.commit()).map(({ key, value }) => [key.toString('hex'), value])).toEqual([
      [hex('0000000000000005 01 6b'), null],
    ])
  })
})
