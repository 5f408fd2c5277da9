import {
  defineApp,
  json,
  keyValueStore,
  session,
  sessionStoreRef,
  storeRef,
  string,
  topic,
  TopicWriter,
  tumbling,
  untilWindowCloses,
  versionedStoreRef,
  windowed,
  windowStoreRef,
} from 'millrace'
import type { AppConfig, Application, KeyValueStore, Log, StoreShape } from 'millrace'

/** What a store knew of visits at first. */
export interface Count {
  readonly count: number
}

/** What it knows now. */
export interface Visits extends Count {
  readonly pages: readonly string[]
}

export type Shape = StoreShape<Visits>

export const visits = topic('visits', { key: string(), value: string() })
export const closed = topic('closed', { key: windowed(string(), 10), value: json<Visits>(), tombstones: true })

const value = json<Visits>()
export const totals = storeRef('totals', { key: string(), value })
export const inMemory = storeRef('in-memory', { key: string(), value })
export const plain = storeRef('plain', { key: string(), value })
export const tens = windowStoreRef('tens', { key: string(), value })
export const sessions = sessionStoreRef('sessions', { key: string(), value })
export const history = versionedStoreRef('history', { key: string(), value })

/** The shape that the stores had when they were made: a count alone, without a version. */
export const FIRST: Shape = {}

export const SECOND: Shape = {
  version: 1,
  migrate: (old: Count) => ({ ...old, pages: [`${old.count} before`] }),
}

/**
 * An application with stores of every kind.
 *
 * @param shape of all their values; one without a version counts alone
 */
export function visitsApp(shape: Shape, config: Partial<AppConfig> = {}): Application {
  const hasPages = (shape.version ?? 0) > 0
  const add = (so: Visits, page: string): Visits =>
    (hasPages ? { count: so.count + 1, pages: [...so.pages, page] } : { count: so.count + 1 }) as Visits
  const none = (): Visits => (hasPages ? { count: 0, pages: [] } : { count: 0 }) as unknown as Visits
  const merge = (one: Visits, other: Visits): Visits =>
    (hasPages
      ? { count: one.count + other.count, pages: [...one.pages, ...other.pages] }
      : { count: one.count + other.count }) as Visits
  return defineApp({
    id: 'visits',
    guarantee: 'exactly_once',
    commitInterval: 20,
    build: (builder) => {
      const stream = builder.stream(visits)
      const group = stream.groupByKey()
      group.aggregate(none, add, { value, store: { name: 'totals', ...shape } })
      group.aggregate(none, add, {
        value,
        store: { name: 'in-memory', type: 'memory', ...shape },
      })
      group.aggregate(none, add, {
        value,
        store: { name: 'history', versioned: { history: '1d' }, ...shape },
      })
      group
        .windowedBy(tumbling(10, { grace: 30 }))
        .aggregate(none, add, { value, store: { name: 'tens', ...shape } })
        .suppress(untilWindowCloses(), { name: 'until-closed' })
        .toStream()
        .to(closed)
      group.windowedBy(session(10)).aggregate(none, add, merge, { value, store: { name: 'sessions', ...shape } })
      stream.process<string, string>(
        () => {
          let store: KeyValueStore<string, Visits>
          return {
            init: (context) => void (store = context.store('plain')),
            process: ({ key, value: page }) => store.put(key, add(store.get(key) ?? none(), page)),
          }
        },
        { stores: [keyValueStore('plain', { key: string(), value, ...shape })] },
      )
    },
    ...config,
  })
}

export async function visit(log: Log, ...records: readonly (readonly [key: string, page: string, time: number])[]) {
  await using writer = await TopicWriter.open(log, visits)
  for (const [key, page, timestamp] of records) writer.write(key, page, { timestamp })
  await writer.flush()
}
