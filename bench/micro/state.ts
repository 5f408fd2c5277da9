import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Headers } from '../../src/record/headers.ts'
import { RecordContext } from '../../src/record/record-context.ts'
import { json, string, type Serde } from '../../src/serde/serdes.ts'
import type { EngineFactory } from '../../src/engine/engine.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { ChangelogSink, KeyValueState, VersionedState, WindowState } from '../../src/state/states.ts'
import type { StoreSpec } from '../../src/topology/store-spec.ts'
import { TaskState } from '../../src/state/task/task-state.ts'

/*
 * Microseconds per operation of the stores, by themselves. Compare runs on the same machine only.
 *
 *   node bench/micro/state.ts
 */

interface Total {
  count: number
  cents: number
}

const nowhere: ChangelogSink = { append() {} }

function spec(kind: 'keyValue' | 'window' | 'join' | 'versioned', name: string): StoreSpec {
  const base = {
    name,
    keySerde: string() as Serde<unknown>,
    valueSerde: json<Total>() as Serde<unknown>,
    persistent: true,
    logging: {},
    caching: false,
    timestamped: true,
  }
  if (kind === 'keyValue') return { ...base, kind }
  if (kind === 'versioned') return { ...base, kind, historyRetention: 600_000 }
  const window = { ...base, kind: 'window', windowSize: 60_000, timeOrdered: false } as const
  return kind === 'join'
    ? { ...window, retention: 20_000, retainDuplicates: true, inclusiveRetention: true, timestamped: false }
    : { ...window, retention: 600_000, inclusiveRetention: false, retainDuplicates: false }
}

async function withState(
  factory: EngineFactory,
  body: (state: TaskState, record: RecordContext) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const record = new RecordContext()
  record.set('in', 0, 0, 0, new Headers())
  const engine = await factory.open(directory)
  const specs = [
    spec('keyValue', 'totals'),
    spec('window', 'windows'),
    spec('join', 'join'),
    spec('versioned', 'versioned'),
  ]
  const state = await TaskState.open(engine, specs, {
    task: '0_0',
    record,
    drop() {},
    cacheBytes: 0,
    compatible: false,
  })
  try {
    await body(state, record)
  } finally {
    await state.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function measure(what: string, operations: number, body: () => void): void {
  const start = process.hrtime.bigint()
  body()
  const micros = Number(process.hrtime.bigint() - start) / 1000
  console.log(`${what.padEnd(64)} ${(micros / operations).toFixed(3)} us`)
}

async function commit(what: string, state: TaskState, entries: number): Promise<void> {
  const start = process.hrtime.bigint()
  state.logChanges(() => nowhere)
  const logged = process.hrtime.bigint()
  await state.write(new Map())
  const written = process.hrtime.bigint()
  const log = Number(logged - start) / 1000 / entries
  const write = Number(written - logged) / 1000 / entries
  console.log(`${`${what}: commit, per entry`.padEnd(64)} ${log.toFixed(3)} us log, ${write.toFixed(3)} us write`)
}

function update(store: KeyValueState<string, Total>, key: string, time: number): void {
  const entry = store.get(key)
  const total = entry === undefined ? { count: 0, cents: 0 } : entry.value
  total.count++
  total.cents += 7
  store.put(key, total, time)
}

const HOT = 10_000
const hotKeys = Array.from({ length: HOT }, (_, i) => `account-${i * 7919}`)

for (const factory of [memoryEngine, rocksdbEngine]) {
  await withState(factory, async (state) => {
    const store = state.state('totals') as KeyValueState<string, Total>
    const name = factory.name
    for (let round = 0; round < 3; round++) {
      measure(`${name}: first get-update-put of ${HOT} keys, round ${round}`, HOT, () => {
        for (const key of hotKeys) update(store, key, 1)
      })
      measure(`${name}: get-update-put, ${HOT} hot keys, round ${round}`, 2_000_000, () => {
        let at = 1
        for (let i = 0; i < 2_000_000; i++) {
          at = (at * 48271) % 2147483647
          update(store, hotKeys[at % HOT]!, i)
        }
      })
      await commit(`${name}: ${HOT} keys, round ${round}`, state, HOT)
    }
    const windows = state.state('windows') as WindowState<string, Total>
    measure(`${name}: window get-update-put, ${HOT} keys, 60 s windows`, 2_000_000, () => {
      let at = 1
      for (let i = 0; i < 2_000_000; i++) {
        at = (at * 48271) % 2147483647
        const key = hotKeys[at % HOT]!
        const start = Math.floor(i / 500_000) * 60_000
        const entry = windows.get(key, start)
        const total = entry === undefined ? { count: 0, cents: 0 } : entry.value
        total.count++
        windows.put(key, start, total, i)
      }
    })
    await commit(`${name}: windows`, state, 4 * HOT)
    const join = state.state('join') as WindowState<string, Total>
    for (let round = 0; round < 3; round++) {
      let found = 0
      measure(`${name}: join window put and fetch of 20 s, round ${round}`, 100_000, () => {
        let at = 1
        for (let i = 0; i < 100_000; i++) {
          at = (at * 48271) % 2147483647
          const time = (round * 100_000 + i) / 10
          const cursor = join.fetch(hotKeys[at % 1000]!, Math.max(0, time - 10_000), time + 10_000, false)
          while (cursor.next()) found++
          cursor.close()
          join.put(hotKeys[at % 1000]!, Math.floor(time), { count: i, cents: 1 }, -1)
        }
      })
      console.log(`${name}: entries found per fetch`.padEnd(64), (found / 100_000).toFixed(1))
      await commit(`${name}: join window`, state, 100_000)
    }
    const versioned = state.state('versioned') as VersionedState<string, Total>
    measure(`${name}: versioned put and get, ${HOT} keys`, 500_000, () => {
      let at = 1
      for (let i = 0; i < 500_000; i++) {
        at = (at * 48271) % 2147483647
        versioned.get(hotKeys[at % HOT]!)
        versioned.put(hotKeys[at % HOT]!, { count: i, cents: 1 }, i)
      }
    })
    await commit(`${name}: versioned`, state, 500_000)
  })
}

const MANY = 1_000_000
await withState(rocksdbEngine, async (state) => {
  const store = state.state('totals') as KeyValueState<string, Total>
  const keys = Array.from({ length: MANY }, (_, i) => `account-${i}`)
  const start = process.hrtime.bigint()
  for (let i = 0; i < MANY; i++) {
    update(store, keys[(i * 7919) % MANY]!, i)
    if (i % 50_000 === 49_999) {
      state.logChanges(() => nowhere)
      await state.write(new Map())
      state.trimCache()
    }
  }
  console.log(
    `rocksdb: load ${MANY} keys, commits included`.padEnd(64),
    (Number(process.hrtime.bigint() - start) / 1000 / MANY).toFixed(3),
    'us',
  )
  for (const size of [0, 1000]) {
    let operations = 0
    const began = process.hrtime.bigint()
    let at = 1
    const slice: string[] = []
    for (let round = 0; round < 200; round++) {
      slice.length = 0
      for (let i = 0; i < 1000; i++) {
        at = (at * 48271) % 2147483647
        slice.push(keys[at % MANY]!)
      }
      if (size > 0 && 'prefetch' in store && typeof store.prefetch === 'function') store.prefetch(slice)
      for (const key of slice) update(store, key, operations++)
      if (round % 20 === 19) {
        state.logChanges(() => nowhere)
        await state.write(new Map())
      }
      state.trimCache()
    }
    const micros = Number(process.hrtime.bigint() - began) / 1000 / operations
    const way = size === 0 ? 'one by one' : 'prefetched'
    console.log(
      `rocksdb: get-update-put, uniform over ${MANY}, ${way}, commits included`.padEnd(64),
      micros.toFixed(3),
      'us',
    )
  }
  console.log('resident memory, MB', Math.round(process.memoryUsage().rss / 1e6))
})
