import { embeddedLog, defineApp, long, Streams, string, topic } from '../../src/index.ts'

export const words = topic('words', { key: string(), value: string() })
export const counts = topic('counts', { key: string(), value: long() })

export const app = defineApp({
  id: 'counting',
  guarantee: 'exactly_once',
  commitInterval: 5,
  build: (builder) =>
    builder
      .stream(words)
      .groupBy((word) => word, { key: string(), value: string() })
      .count({ store: 'counts' })
      .toStream()
      .to(counts),
})

/** A process of its own that counts until it is killed, and prints its progress. */
if (import.meta.main) {
  const directory = process.argv[2] ?? ''
  const log = await embeddedLog({ directory: `${directory}/log` })
  const streams = await Streams.start(app, { log, stateDirectory: `${directory}/state`, engine: 'rocksdb' })
  setInterval(() => process.stdout.write(`${streams.status().processed}\n`), 5)
}
