import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineApp, memoryLog, readTopic, Streams, string, topic, TopicWriter } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const copies = topic('copies', { key: string(), value: string() })

// The timeout is less than the 30 s of at-least-once.
test(
  'a log that is always exactly-once has a commit every 100 ms, whatever guarantee was asked for',
  { timeout: 10_000 },
  async () => {
    const stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-commit-interval-'))
    const log = memoryLog()
    try {
      await log.createTopics([words, copies].map(({ name }) => ({ name, partitions: 1 })))
      const app = defineApp({ id: 'copy', build: (builder) => builder.stream(words).to(copies) })
      await using streams = await Streams.start(app, { log, engine: 'memory', stateDirectory })
      await using writer = await TopicWriter.open(log, words)
      writer.write('a', 'mill')
      await writer.flush()
      for await (const { value } of readTopic(log, copies)) {
        expect(value).toBe('mill')
        break
      }
      await streams.close()
    } finally {
      await log.close()
      await rm(stateDirectory, { recursive: true, force: true })
    }
  },
)
