import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { embeddedLog, readTopic, Streams, TopicWriter } from '../../src/index.ts'
import { app, counts, words } from './counting-app.ts'
import { eventually } from './instance-promises.ts'

const RECORDS = 60_000
const WORDS = 50

test('kill -9 inside transactions counts nothing twice and loses nothing in a persistent store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-acceptance-kill-'))
  try {
    const input = await embeddedLog({ directory: join(directory, 'log') })
    await input.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
    const writer = await TopicWriter.open(input, words)
    for (let i = 0; i < RECORDS; i++) writer.write(`line-${i}`, `word-${i % WORDS}`, { timestamp: i })
    await writer.close()
    await input.close()

    for (const processed of [1, 3000, 8000, 200, 15_000]) await killAfter(directory, processed)

    const log = await embeddedLog({ directory: join(directory, 'log') })
    const streams = await Streams.start(app, { log, stateDirectory: join(directory, 'state'), engine: 'rocksdb' })
    const last = new Map<string | null, number | null>()
    const total = (): number => [...last.values()].reduce<number>((sum, count) => sum + (count ?? 0), 0)
    await eventually(async () => {
      for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value)
      return total() >= RECORDS
    })
    await streams.close()
    await log.close()
    expect(last).toEqual(new Map(Array.from(last.keys(), (word) => [word, RECORDS / WORDS])))
    expect(last.size).toBe(WORDS)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)

/** Lets a process work until it has processed this many records, most of which are not committed yet. */
async function killAfter(directory: string, processed: number): Promise<void> {
  const script = join(import.meta.dirname, 'counting-app.ts')
  const child = spawn(process.execPath, ['--conditions=millrace-source', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  for await (const chunk of child.stdout) {
    if (Number(String(chunk).trimEnd().split('\n').at(-1)) >= processed) break
  }
  child.kill('SIGKILL')
  await exited
}
