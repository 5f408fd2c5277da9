import { afterEach, describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/errors/millrace-error.ts'
import { Change } from '../../src/record/change.ts'
import { Headers } from '../../src/record/headers.ts'
import { json, string } from '../../src/serde/serdes.ts'
import type { JoinBuffer, OuterJoinState, SuppressBuffer } from '../../src/state/states.ts'
import type { JoinBufferSpec, OuterJoinStoreSpec, SuppressBufferSpec } from '../../src/topology/store-spec.ts'
import { Random } from './support/random.ts'
import { ENGINES, StateHarness, type Logged } from './support/state-harness.ts'

let harness: StateHarness | undefined
let restored: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  await restored?.close()
  harness = restored = undefined
})

const base = { name: 'buffer', keySerde: string(), valueSerde: json(), persistent: true, logging: {}, caching: false }
const suppressSpec = { kind: 'suppress', ...base } as unknown as SuppressBufferSpec
const joinBufferSpec = { kind: 'joinBuffer', ...base, grace: 10 } as unknown as JoinBufferSpec
const outerJoinSpec = { kind: 'outerJoin', ...base, rightValueSerde: json() } as unknown as OuterJoinStoreSpec
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const KEYS = ['a', 'aa', 'b', 'é', '']

for (const engine of ENGINES) {
  describe(`on ${engine.name}`, () => {
    test('suppress emits by buffer time, then key; a later change keeps its place', async () => {
      const h = (harness = await StateHarness.open([suppressSpec], engine))
      const buffer: SuppressBuffer<string, number> = h.at(1).store()
      const put = (time: number, key: string, value: number) =>
        h
          .at(value)
          .store<SuppressBuffer<string, number>>()
          .put(time, key, new Change(value, null), value, new Headers())
      expect(buffer.minTime).toBe(Infinity)
      put(20, 'b', 1)
      put(20, 'a', 2)
      put(10, 'z', 3)
      put(99, 'b', 4)
      expect([buffer.count, buffer.minTime]).toEqual([3, 10])
      expect(buffer.bytes).toBeGreaterThan(3 * 30)
      const emitted: unknown[] = []
      buffer.evictWhile(
        () => buffer.minTime <= 20,
        (key, { newValue }, timestamp) => emitted.push([key, newValue, timestamp, h.record.offset]),
      )
      expect(emitted).toEqual([
        ['z', 3, 3, 3],
        ['a', 2, 2, 2],
        ['b', 4, 4, 4],
      ])
      expect([buffer.count, buffer.bytes, buffer.minTime]).toEqual([0, 0, Infinity])
    })

    test('suppress emits with the context of the change and puts the task’s own back', async () => {
      const h = (harness = await StateHarness.open([suppressSpec], engine))
      const buffer: SuppressBuffer<string, number> = h.at(5, 50, 'first').store()
      buffer.put(1, 'k', new Change(1, null), 51, new Headers().add('h', 'x'))
      await h.commit()
      await h.reopen()
      h.at(9, 90, 'second')
      h.store<SuppressBuffer<string, number>>().evictWhile(
        () => true,
        (_key, _change, timestamp, headers) => {
          expect([h.record.topic, h.record.offset, h.record.timestamp]).toEqual(['first', 5, 51])
          expect([timestamp, headers.getString('h')]).toEqual([51, 'x'])
        },
      )
      expect([h.record.topic, h.record.offset, h.record.timestamp]).toEqual(['second', 9, 90])
    })

    for (const compatible of [true, false]) {
      const which = compatible ? 'of the last change, as Kafka Streams' : 'that was emitted last'
      test(`suppress emits the old value ${which}`, async () => {
        const h = (harness = await StateHarness.open([suppressSpec], engine, { compatible }))
        const buffer: SuppressBuffer<string, string> = h.at(1).store()
        buffer.put(1, 'k', new Change('v2', 'v1'), 1, new Headers())
        buffer.put(2, 'k', new Change('v3', 'v2'), 2, new Headers())
        expect(buffer.prior('k')).toBe('v1')
        expect(buffer.prior('other')).toBeUndefined()
        buffer.evictWhile(
          () => true,
          (key, change) => {
            expect(change).toEqual(new Change('v3', compatible ? 'v2' : 'v1'))
            expect(buffer.prior(key)).toBe('v1')
          },
        )
        expect(buffer.prior('k')).toBeUndefined()
      })
    }

    test('suppressed changes survive a crash as committed, and are restored from their changelog', async () => {
      const random = new Random(3)
      const h = (harness = await StateHarness.open([suppressSpec], engine))
      let model = new Map<string, { time: number; value: number }>()
      let committed = structuredClone(model)
      const contents = (from: StateHarness) => {
        const rows: unknown[] = []
        from.store<SuppressBuffer<string, number>>().evictWhile(
          () => true,
          (key, { newValue }) => rows.push([key, newValue]),
        )
        return rows
      }
      const expected = () =>
        [...model].sort(([a, x], [b, y]) => x.time - y.time || byBytes(a, b)).map(([key, { value }]) => [key, value])
      for (let i = 0; i < 600; i++) {
        const buffer: SuppressBuffer<string, number> = h.at(i).store()
        const dice = random.next()
        if (dice < 0.6) {
          const [key, time] = [`${random.pick(KEYS)}${random.below(5)}`, random.below(50)]
          buffer.put(time, key, new Change(i, null), i, new Headers())
          model.set(key, { time: model.get(key)?.time ?? time, value: i })
        } else if (dice < 0.8) {
          const upTo = random.below(30)
          const due = expected().filter(([key]) => (model.get(String(key))?.time ?? 0) <= upTo)
          const rows: unknown[] = []
          buffer.evictWhile(
            () => buffer.minTime <= upTo,
            (key, { newValue }) => rows.push([key, newValue]),
          )
          expect(rows).toEqual(due)
          for (const [key] of due) model.delete(String(key))
        } else if (dice < 0.9) {
          await h.commit()
          committed = structuredClone(model)
        } else if (dice < 0.95) {
          if (random.chance(0.5)) await h.reopen()
          else h.state.discard()
          model = structuredClone(committed)
        }
        expect(h.store<SuppressBuffer<string, number>>().count).toBe(model.size)
      }
      await h.commit()
      const r = (restored = await StateHarness.open([suppressSpec], engine))
      await r.replay(h.log)
      expect(contents(r)).toEqual(expected())
    })

    test('a join buffer returns records in time order and refuses those that are too old', async () => {
      const h = (harness = await StateHarness.open([joinBufferSpec], engine))
      const put = (key: string, value: string, timestamp: number) =>
        h.at(timestamp).store<JoinBuffer<string, string>>().put(key, value, timestamp, new Headers().add('n', value))
      expect(put('k', 'A', 15)).toBe(true)
      expect(put('k', 'B', 24)).toBe(true)
      expect(put('k', 'b', 24)).toBe(true)
      expect(put('a', 'c', 24)).toBe(true)
      expect(put('k', 'C', 14)).toBe(true)
      expect(put('k', 'D', 13)).toBe(false)
      await h.commit()
      await h.reopen()
      const buffer: JoinBuffer<string, string> = h.store()
      expect(put('k', 'E', 13)).toBe(false)
      expect(put('k', 'e', 24)).toBe(true)
      const rows: unknown[] = []
      const take = (key: string, value: string, timestamp: number, headers: Headers) =>
        rows.push([key, value, timestamp, headers.getString('n'), h.record.timestamp])
      buffer.evictWhile(() => buffer.minTime <= 15, take)
      expect(rows.splice(0)).toEqual([
        ['k', 'C', 14, 'C', 14],
        ['k', 'A', 15, 'A', 15],
      ])
      await h.commit()
      const r = (restored = await StateHarness.open([joinBufferSpec], engine))
      await r.replay(h.log)
      const again: JoinBuffer<string, string> = r.store()
      expect(again.put('k', 'late', 13, new Headers())).toBe(false)
      again.evictWhile(
        () => true,
        (key, value) => rows.push([key, value]),
      )
      expect(rows).toEqual([
        ['a', 'c'],
        ['k', 'B'],
        ['k', 'b'],
        ['k', 'e'],
      ])
    })

    /** Restores a join buffer from changelogs, one behind the other, as a new owner of the task does. */
    const joinBufferFrom = async (...logs: readonly (readonly Logged[])[]) => {
      await restored?.close()
      restored = await StateHarness.open([joinBufferSpec], engine)
      await restored.replay(logs.flat())
      return restored
    }
    const putInto = (h: StateHarness, value: string, timestamp: number) =>
      h.at(timestamp).store<JoinBuffer<string, string>>().put('k', value, timestamp, new Headers())
    const evicted = (h: StateHarness, upTo = Infinity) => {
      const buffer: JoinBuffer<string, string> = h.store()
      const rows: string[] = []
      buffer.evictWhile(
        () => buffer.minTime <= upTo,
        (_key, value) => rows.push(value),
      )
      return rows
    }

    test('a waiting record is not lost when one of its key and time comes after a restart', async () => {
      const h = (harness = await StateHarness.open([joinBufferSpec], engine))
      for (const [value, timestamp] of [
        ['A', 10],
        ['B', 20],
        ['C', 19],
      ] as const)
        putInto(h, value, timestamp)
      await h.commit()
      expect(evicted(h, 10)).toEqual(['A'])
      await h.commit()
      // The changelog ends with the tombstone of A, whose number is the lowest.
      const next = await joinBufferFrom(h.log)
      putInto(next, 'D', 20)
      await next.commit()
      const last = await joinBufferFrom(h.log, next.log)
      expect(evicted(last)).toEqual(['C', 'B', 'D'])
    })

    test('records of one key and time stay in order after 2^31 records, too, whatever restarts', async () => {
      const h = (harness = await StateHarness.open([joinBufferSpec], engine))
      putInto(h, 'A', 20)
      const [first] = await h.commit()
      if (first === undefined) throw new Error('nothing was logged')
      first.key.writeInt32BE(0x7ffffffe, first.key.length - 4)
      const next = await joinBufferFrom([first])
      for (const value of ['B', 'C', 'D']) putInto(next, value, 20)
      await next.commit()
      const numbers = next.log.map(({ key }) => key.readInt32BE(key.length - 4))
      expect(numbers).toEqual([0x7fffffff, 0, 1])
      const last = await joinBufferFrom([first], next.log)
      putInto(last, 'E', 20)
      await last.commit()
      expect(last.log[0]?.key.readInt32BE(first.key.length - 4)).toBe(2)
      expect(evicted(last)).toEqual(['A', 'B', 'C', 'D', 'E'])
    })

    test('a buffer that could not be read is not taken for one with fewer records', async () => {
      const h = (harness = await StateHarness.open([joinBufferSpec], engine))
      for (const value of ['A', 'B', 'C']) putInto(h, value, 20)
      await h.commit()
      await h.reopen()
      const { iterate } = h.engine
      h.engine.iterate = (range) => {
        const iterator = iterate.call(h.engine, range)
        let rows = 0
        const next = (): boolean => {
          if (++rows === 3) throw new MillraceError('MR_STATE_IO', 'the disk fails')
          return iterator.next()
        }
        return {
          next,
          get key() {
            return iterator.key
          },
          get value() {
            return iterator.value
          },
          close: () => iterator.close(),
        }
      }
      expect(() => evicted(h)).toThrow(expect.objectContaining({ code: 'MR_STATE_IO' }))
      h.engine.iterate = iterate
      expect(evicted(h)).toEqual(['A', 'B', 'C'])
    })

    test('unmatched records come out by time, right before left, key; and survive a crash', async () => {
      interface Row {
        timestamp: number
        side: 'left' | 'right'
        key: string
        value: number
      }
      const random = new Random(5)
      const h = (harness = await StateHarness.open([outerJoinSpec], engine))
      let model: Row[] = []
      let committed: Row[] = []
      const expected = () =>
        [...model].sort(
          (a, b) =>
            a.timestamp - b.timestamp ||
            (a.side === b.side ? 0 : a.side === 'right' ? -1 : 1) ||
            byBytes(a.key, b.key) ||
            a.value - b.value,
        )
      const contents = (from: StateHarness) => {
        const state = from.store<OuterJoinState<string, number, number>>()
        const seen: string[] = []
        state.visit((timestamp, side) => seen.push(`${timestamp} ${side}`) > 0)
        const rows: Row[] = []
        state.drain(Infinity, Infinity, (timestamp, side, key, value) => rows.push({ timestamp, side, key, value }))
        expect(seen).toEqual(rows.map(({ timestamp, side }) => `${timestamp} ${side}`))
        for (const { timestamp, side, key, value } of rows) state.add(timestamp, side, key, value)
        return rows
      }
      for (let i = 0; i < 600; i++) {
        const state: OuterJoinState<string, number, number> = h.at(i).store()
        const [timestamp, side, key] = [random.below(30), random.pick(['left', 'right'] as const), random.pick(KEYS)]
        const dice = random.next()
        if (dice < 0.5) {
          state.add(timestamp, side, key, i)
          model.push({ timestamp, side, key, value: i })
        } else if (dice < 0.7) {
          state.remove(timestamp, side, key)
          model = model.filter((row) => row.timestamp !== timestamp || row.side !== side || row.key !== key)
        } else if (dice < 0.8) {
          // Records of one side are due later than those of the other, and are passed over.
          const rows: Row[] = []
          const stopsAfter = random.chance(0.3) ? random.below(4) : Infinity
          const drain = (): void =>
            state.drain(timestamp - 5, timestamp, (t, s, k, value) => {
              rows.push({ timestamp: t, side: s, key: k, value })
              if (rows.length > stopsAfter) throw new Error('stopped')
            })
          const due = expected().filter((row) => row.timestamp < (row.side === 'left' ? timestamp - 5 : timestamp))
          if (due.length > stopsAfter) expect(drain).toThrow('stopped')
          else drain()
          expect(rows).toEqual(due.slice(0, stopsAfter + 1))
          model = model.filter((row) => !rows.some(({ value }) => value === row.value))
        } else if (dice < 0.9) {
          await h.commit()
          committed = structuredClone(model)
        } else if (dice < 0.95) {
          if (random.chance(0.5)) await h.reopen()
          else h.state.discard()
          model = structuredClone(committed)
        } else expect(contents(h)).toEqual(expected())
        const now: OuterJoinState<string, number, number> = h.store()
        for (const of of ['left', 'right'] as const)
          expect(now.firstTimestamp(of)).toBe(expected().find((row) => row.side === of)?.timestamp ?? Infinity)
      }
      await h.commit()
      const r = (restored = await StateHarness.open([outerJoinSpec], engine))
      await r.replay(h.log)
      expect(contents(r)).toEqual(expected())
    })
  })
}
