import { defineApp, long, readTopic, string, topic, TopicWriter } from 'millrace'
import type { Application, AppConfig, Log } from 'millrace'

export interface WordCounts {
  readonly app: Application
  /** Writes each word once, under keys of its own. */
  write(): Promise<void>
  /** Returns the last count of each word that can be read. */
  counted(): Promise<number[]>
}

/** An application that counts words through a repartition topic, with its topics. */
export async function wordCounts(
  log: Log,
  config: Omit<AppConfig, 'build'>,
  { words: size, partitions }: { readonly words: number; readonly partitions: number },
): Promise<WordCounts> {
  const words = topic(`${config.id}-words`, { key: string(), value: string() })
  const counts = topic(`${config.id}-counts`, { key: string(), value: long() })
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions })))
  const app = defineApp({
    ...config,
    build: (builder) => {
      builder
        .stream(words)
        .selectKey((word) => word)
        .groupByKey({ key: string(), value: string() })
        .count({ store: 'counts' })
        .toStream()
        .to(counts)
    },
  })
  return {
    app,
    async write() {
      await using writer = await TopicWriter.open(log, words)
      for (let i = 0; i < size; i++) writer.write(`key-${i}`, `word-${i}`)
      await writer.flush()
    },
    async counted() {
      const last = new Map<string | null, number>()
      for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value ?? 0)
      return [...last.values()]
    },
  }
}
