import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { calendar, defineApp, memoryLog, session, Streams, string, topic, TopicWriter, tumbling } from 'millrace'
import type {
  Log,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyTimestampedKeyValueStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
} from 'millrace'

const words = topic('words', { key: string(), value: string() })
const cities = topic('cities', { key: string(), value: string() })
const KEYS = 1000
const READS = 100_000

let directory = ''
let log: Log
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-stores-'))
  log = memoryLog()
  await log.createTopics([words, cities].map(({ name }) => ({ name, partitions: 2 })))
})
afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

const app = defineApp({
  id: 'read-beside',
  cacheBytes: 0,
  build: (builder) => {
    const stream = builder.stream(words)
    const grouped = stream.groupByKey()
    grouped.count({ store: 'counts' })
    grouped.windowedBy(tumbling('1m')).count({ store: 'minutes' })
    grouped.windowedBy(calendar('day', { timeZone: 'UTC' })).count({ store: 'days' })
    grouped.windowedBy(session('30s')).count({ store: 'visits' })
    stream.toTable({ store: { name: 'history', versioned: { history: '1h' } } })
    builder.globalTable(cities, { store: 'cities' })
  },
})

test('100,000 reads of the stores of tasks, of every kind, leave the memory of the application as it was', async () => {
  for (const name of [words, cities]) {
    await using writer = await TopicWriter.open(log, name)
    for (let i = 0; i < KEYS; i++) writer.write(`k${i}`, 'x', { timestamp: i })
  }
  await using streams = await Streams.start(app, { log, engine: 'memory', stateDirectory: directory })
  while (streams.status().processed < KEYS) await new Promise((resolve) => setTimeout(resolve, 5))

  const all = <S>(name: string): S[] => streams.stores<S>(name)
  const counts = all<ReadOnlyTimestampedKeyValueStore<string, number>>('counts')
  const minutes = all<ReadOnlyWindowStore<string, number>>('minutes')
  const days = all<ReadOnlyWindowStore<string, number>>('days')
  const visits = all<ReadOnlySessionStore<string, number>>('visits')
  const history = all<ReadOnlyVersionedKeyValueStore<string, string>>('history')
  const table = all<ReadOnlyKeyValueStore<string, string>>('cities')
  const readers: readonly ((i: number) => unknown)[] = [
    (i) => counts.map((store) => store.get(`k${i}`)?.value),
    (i) => minutes.map((store) => store.get(`k${i}`, 0)?.value),
    (i) => days.map((store) => store.get(`k${i}`, 0)?.value),
    (i) => visits.map((store) => store.get(`k${i}`, i, i)),
    (i) => history.map((store) => store.get(`k${i}`)?.value),
    (i) => history.map((store) => store.get(`k${i}`, i)?.value),
    (i) => table.map((store) => store.get(`k${i}`)),
  ]
  const { entries } = streams.status().memory
  let found = 0
  for (let read = 0; read < READS; read++) {
    const i = read % KEYS
    const answers = readers[Math.floor(read / KEYS) % readers.length]!(i) as unknown[]
    if (answers.some((answer) => answer !== undefined)) found++
  }
  for (const store of [counts, minutes, days, visits, history].map(([first]) => first)) {
    if (store !== undefined && 'all' in store) expect([...store.all()].length).toBeGreaterThan(KEYS / 4)
  }
  expect(found).toBe(READS)
  expect(streams.status().memory.entries).toBe(entries)
})
