import {
  defineApp,
  json,
  memoryLog,
  session,
  sessionStoreRef,
  storeRef,
  string,
  topic,
  TopicWriter,
  tumbling,
  versionedStoreRef,
  windowStoreRef,
} from 'millrace'
import type { AppConfig, Application, KStream, Log, StreamsBuilder } from 'millrace'

export const words = topic('words', { key: string(), value: string() })
export const cities = topic('cities', { key: string(), value: string() })
export const prices = topic('prices', { key: string(), value: string() })
export const counts = storeRef('counts', { key: string(), value: json<number>() })
export const minutes = windowStoreRef('minutes', { key: string(), value: json<number>() })
export const visits = sessionStoreRef('visits', { key: string(), value: json<number>() })
export const history = versionedStoreRef('history', { key: string(), value: string() })

const PARTITIONS = 3

/**
 * An application with a store of every kind: words counted (`counts`, `minutes`, `visits`), prices by version
 * (`history`), and the rivers of cities (the global table `cities`).
 *
 * @param more adds what a test needs besides
 */
export function everyKind(
  config: Partial<AppConfig> = {},
  more: (builder: StreamsBuilder, stream: KStream<string, string>) => void = () => {},
): Application {
  return defineApp({
    id: 'asked',
    guarantee: 'exactly_once',
    commitInterval: config.guarantee === 'at_least_once' ? '30s' : '20ms',
    build: (builder) => {
      const stream = builder.stream(words)
      const grouped = stream.groupByKey()
      grouped.count({ store: counts })
      grouped.windowedBy(tumbling('1m', { grace: '1h' })).count({ store: minutes })
      grouped.windowedBy(session('30s', { grace: '1h' })).count({ store: { name: visits, retention: '2h' } })
      builder.table(prices, { store: { name: history, versioned: { history: '1h' } } })
      builder.globalTable(cities, { store: 'cities' })
      more(builder, stream)
    },
    ...config,
  })
}

/** A log with the topics of `everyKind`, and others. */
export async function logOfEveryKind(...more: readonly { readonly name: string }[]): Promise<Log> {
  const log = memoryLog()
  await log.createTopics([words, cities, prices, ...more].map(({ name }) => ({ name, partitions: PARTITIONS })))
  return log
}

/** Writes text. Null deletes a key. */
export async function write(
  log: Log,
  to: typeof words,
  ...records: readonly (readonly [key: string, value: string | null, timestamp?: number])[]
): Promise<void> {
  await using writer = await TopicWriter.open(log, to)
  for (const [key, value, timestamp = 0] of records) writer.write(key, value as string, { timestamp })
  await writer.flush()
}

export async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}
