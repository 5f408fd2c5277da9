import { defineApp, json, string, topic } from 'millrace'
import type { Application, StoreShape } from 'millrace'

/** The environment variable with the id of the application, which old and new version share. */
export const ROLL_ID = 'MILLRACE_ROLL_ID'
export const PARTITIONS = 4
export const STORE = 'visits'

/** What the store knows of a key: the second version has a field more. */
export interface Visits {
  readonly count: number
  /** Those that the second version has counted. */
  readonly lately?: number
}

export function visitsTopic(id: string) {
  return topic(`${id}-visits`, { key: string(), value: string() })
}

/** The first version writes values as ever, and reads those of the second one. */
const FIRST: StoreShape<Visits> = { version: 0, readsUpTo: 1, migrate: ({ count }: Visits) => ({ count }) }
const SECOND: StoreShape<Visits> = { version: 1, migrate: ({ count }: Visits) => ({ count, lately: 0 }) }

export function rolledApp(version: 1 | 2): Application {
  const id = process.env[ROLL_ID] ?? ''
  const none: Visits = version === 1 ? { count: 0 } : { count: 0, lately: 0 }
  return defineApp({
    id,
    guarantee: 'exactly_once',
    standbyReplicas: 1,
    commitInterval: '100ms',
    build: (builder) =>
      builder
        .stream(visitsTopic(id))
        .groupByKey()
        .aggregate(
          () => none,
          ({ count, lately = 0 }): Visits =>
            version === 1 ? { count: count + 1 } : { count: count + 1, lately: lately + 1 },
          { value: json<Visits>(), store: { name: STORE, ...(version === 1 ? FIRST : SECOND) } },
        ),
  })
}
