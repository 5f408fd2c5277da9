import { afterEach, beforeEach, expect, test } from 'vitest'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { Log } from '../../src/log/log.ts'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import { NodeCounters } from '../../src/runtime/counters/node-counters.ts'
import { PartitionQueue, type SourceBinding } from '../../src/runtime/input/partition-queue.ts'
import { NodeOutput } from '../../src/runtime/node/node-output.ts'
import { string } from '../../src/serde/serdes.ts'
import type { Serde } from '../../src/serde/serde.ts'
import type { KeyValueState } from '../../src/state/states.ts'
import { append } from '../log/log-harness.ts'
import { readingBeside } from '../state/support/reading-beside.ts'
import { keyValueSpec, StateHarness } from '../state/support/state-harness.ts'

const WINDOW = 256
/** Five windows, and a part of one. */
const KEYS = Array.from({ length: 5 * WINDOW + 100 }, (_, i) => `key-${i}`)

let log: Log
let harness: StateHarness
/** Number of keys in each request to the other thread, in order. */
let begun: number[]
/** Number of keys that this thread looked up: one by one, and many at once. */
let looked: { one: number; many: number }

beforeEach(async () => {
  log = memoryLog()
  await log.createTopics([{ name: 'in', partitions: 1 }])
  begun = []
})

afterEach(async () => {
  await harness.close()
  await log.close()
})

/** Opens a store whose rows are in the engine only: there is no memory for them. */
async function open(inTime: () => boolean): Promise<KeyValueState<string, number>> {
  const engine = readingBeside(rocksdbEngine, inTime, (keys) => begun.push(keys))
  harness = await StateHarness.open([keyValueSpec()], engine, { residentBytes: 1 })
  const store = harness.store<KeyValueState<string, number>>()
  for (const key of KEYS) store.put(key, 1, 1)
  await harness.commit()
  for (let i = 0; i < 2; i++) harness.state.trimCache()
  looked = { one: 0, many: 0 }
  const { get, getMany } = harness.engine
  Object.assign(harness.engine, {
    get: (key: Buffer) => (looked.one++, get.call(harness.engine, key)),
    getMany: (keys: readonly Buffer[]) => ((looked.many += keys.length), getMany?.call(harness.engine, keys)),
  })
  return store
}

interface Course {
  /** Returns false if the record never reaches the store. */
  readonly counts?: (i: number) => boolean
  readonly after?: (i: number) => Promise<unknown>
}

/** Adds one to every key of these records, which come in batches of fifty. */
async function count(
  store: KeyValueState<string, number>,
  keys: readonly string[],
  { counts = () => true, after = async () => {} }: Course = {},
): Promise<void> {
  const producer = log.openProducer()
  await producer.loadPartitionCount('in')
  for (let i = 0; i < keys.length; i++) {
    append(producer, 'in', 0, keys[i]!, '')
    if (i % 50 === 0) await producer.flush()
  }
  await producer.flush()
  await producer.close()
  const serde = string() as Serde<unknown>
  const source: SourceBinding = {
    node: 'source',
    index: 0,
    output: new NodeOutput('source', () => {}, new NodeCounters({ subtopologies: [], stores: new Map() })),
    keySerde: serde,
    valueSerde: serde,
    extractor: undefined,
  }
  const failed = (): void => expect.fail('a record could not be read')
  const gate = { undecodable: failed, extractorFailed: failed, noTimestamp: failed, negativeTimestamp: failed }
  const start = { topic: 'in', partition: 0, offset: 0 }
  const queue = new PartitionQueue(start, source, gate, -1, harness.state.prefetchable)
  const reader = log.openReader()
  reader.assign('in', 0, 0)
  await expect
    .poll(() => {
      reader.poll((_topic, _partition, cursor) => queue.add(cursor))
      return queue.size
    })
    .toBe(keys.length)
  for (let i = 0; queue.hasHead; i++) {
    const key = queue.headKey as string
    if (counts(i)) store.put(key, (store.get(key)?.value ?? 0) + 1, 1)
    harness.state.trimCache()
    await after(i)
    queue.advance()
  }
}

function countsOf(store: KeyValueState<string, number>): number[] {
  return KEYS.map((key) => store.get(key)?.value ?? 0)
}

test('rows of a window are read in another thread while the window before it is processed', async () => {
  const underWay: number[] = []
  const store = await open(() => {
    underWay.push(begun.length - underWay.length)
    return true
  })
  await count(store, KEYS)
  expect(begun).toEqual([WINDOW, WINDOW, WINDOW, WINDOW])
  expect(underWay).toEqual([1, 1, 1, 1])
  // The first full window, and those that were not full, could not be asked for beforehand.
  expect(looked).toEqual({ one: 0, many: WINDOW + 100 })
  expect(countsOf(store)).toEqual(KEYS.map(() => 2))
})

test('rows that come too late are looked up by this thread; the more there are, the fewer are asked for', async () => {
  const store = await open(() => false)
  await count(store, KEYS)
  expect(begun).toEqual([WINDOW, WINDOW])
  expect(looked).toEqual({ one: 0, many: KEYS.length })
  expect(countsOf(store)).toEqual(KEYS.map(() => 2))
})

test('rows that were written after they were asked for are not taken from what the other thread read', async () => {
  const store = await open(() => true)
  const again = KEYS.flatMap((key, i) => [key, KEYS[i - WINDOW] ?? key])
  await count(store, again, { after: async (i) => i % 100 === 0 && harness.commit() })
  expect(begun.length).toBeGreaterThan(2)
  const times = new Map<string, number>()
  for (const key of again) times.set(key, (times.get(key) ?? 1) + 1)
  expect(countsOf(store)).toEqual(KEYS.map((key) => times.get(key)))
})

test('a prefetch that was of no use is tried again when the engine has been written to', async () => {
  const store = await open(() => false)
  const commitAt = 3 * WINDOW + 10
  await count(store, KEYS, {
    counts: (i) => i >= commitAt,
    after: async (i) => i === commitAt && harness.commit(),
  })
  // The rest of the window in which the write was is read one by one; only the first window was read in vain.
  expect(looked.one).toBeLessThan(WINDOW)
  expect(looked.one + looked.many - (KEYS.length - commitAt)).toBeLessThanOrEqual(WINDOW)
})

test('while memory is large enough for every row, no other thread is asked', async () => {
  const engine = readingBeside(
    rocksdbEngine,
    () => true,
    (keys) => begun.push(keys),
  )
  harness = await StateHarness.open([keyValueSpec()], engine)
  const store = harness.store<KeyValueState<string, number>>()
  await count(store, KEYS)
  expect(begun).toEqual([])
  expect(countsOf(store)).toEqual(KEYS.map(() => 1))
})
