import { defineApp, long, readTopic, sliding, Streams, string, topic, TopicWriter, windowed } from 'millrace'
import type { Application, Log, StreamsOptions } from 'millrace'

/** An application that counts in sliding windows, over topics of its own. */
export class Clicks {
  readonly id: string
  readonly #clicks
  readonly #counts

  constructor(id: string) {
    this.id = id
    this.#clicks = topic(`clicks-of-${id}`, { key: string(), value: string() })
    this.#counts = topic(`counts-of-${id}`, { key: windowed(string(), 10), value: long(), tombstones: true })
  }

  /** @param before what is built before the store, and so draws numbers of generated names */
  app(store: string | undefined, before: 'peek' | 'nothing'): Application {
    return defineApp({
      id: this.id,
      commitInterval: 20,
      build: (builder) => {
        const stream = builder.stream(this.#clicks)
        const group = (before === 'peek' ? stream.peek(() => {}) : stream).groupByKey()
        group
          .windowedBy(sliding(10))
          .count(store === undefined ? {} : { store })
          .toStream()
          .to(this.#counts)
      },
    })
  }

  async createTopics(log: Log): Promise<void> {
    await log.createTopics([this.#clicks, this.#counts].map(({ name }) => ({ name, partitions: 1 })))
  }

  async click(log: Log, ...times: readonly number[]): Promise<void> {
    await using writer = await TopicWriter.open(log, this.#clicks)
    for (const time of times) writer.write('key', 'x', { timestamp: time })
    await writer.flush()
  }

  async run(app: Application, options: StreamsOptions, records: number): Promise<void> {
    await using streams = await Streams.start(app, options)
    while (streams.status().processed < records) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** The latest count of each window, by its start. */
  async lastCounts(log: Log): Promise<ReadonlyMap<number, number | null>> {
    const last = new Map<number, number | null>()
    for await (const { key, value } of readTopic(log, this.#counts, { until: 'end' })) {
      if (key !== null) last.set(key.start, value)
    }
    return last
  }
}
