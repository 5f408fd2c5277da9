import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTopic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kafka } from '../../src/kafka/index.ts'
import { CliProcess, runMillrace } from '../cli/cli-process.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-reset-kafka-'))
const prefix = `${uniqueName('reset')}-`
const app = join(import.meta.dirname, 'support/tally.ts')
let brokers: string
let log: Log

beforeAll(async () => {
  vi.stubEnv('TEST_PREFIX', prefix)
  brokers = await sharedBroker()
  log = kafka({ brokers })
})

afterAll(async () => {
  await log.close()
  vi.unstubAllEnvs()
  rmSync(data, { recursive: true, force: true })
})

const place = (): string[] => ['--data', data, '--kafka', brokers]
const start = (): CliProcess => new CliProcess(['run', app, ...place(), '--log-format', 'json'])

async function end(cli: CliProcess): Promise<void> {
  cli.signal('SIGTERM')
  expect(await cli.result()).toMatchObject({ code: 0 })
}

test(
  'millrace reset on Kafka makes an application start over, and is refused while it runs',
  { timeout: 180_000 },
  async () => {
    const { tallies, words } = await import('./support/tally.ts')
    const id = `${prefix}tally`
    await log.createTopics([words, tallies].map(({ name }) => ({ name, partitions: 2 })))
    const writer = await TopicWriter.open(log, words)
    for (let i = 0; i < 100; i++) writer.write(`key-${i}`, `word-${i % 10}`)
    await writer.flush()
    await writer.close()

    const first = start()
    await first.stderrMatches(/"processed":200\b/)
    const refused = await runMillrace('reset', app, ...place(), '--yes')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^error MR_GROUP_ACTIVE: .*StreamThread-1/m)
    await end(first)

    const internal = (await log.listTopics()).filter((name) => name.startsWith(`${id}-`))
    expect(internal).toHaveLength(2)
    const shown = await runMillrace('reset', app, ...place(), '--dry-run')
    expect(shown.code).toBe(0)
    for (const topic of internal) expect(shown.stdout).toContain(`delete topic ${topic}`)

    expect(await runMillrace('reset', app, ...place(), '--yes')).toMatchObject({ code: 0 })
    expect((await log.listTopics()).filter((name) => name.startsWith(`${id}-`))).toEqual([])
    expect(existsSync(join(data, 'state', id))).toBe(false)
    const committed = await log.committedOffsets(
      id,
      [0, 1].map((partition) => ({ topic: words.name, partition })),
    )
    expect([...committed.entries()].map(([, , { offset }]) => offset)).toEqual([0, 0])

    const second = start()
    await second.stderrMatches(/"processed":200\b/)
    await end(second)
    const last = new Map<string | null, number | null>()
    for await (const { key, value } of readTopic(log, tallies, { until: 'end' })) last.set(key, value)
    expect([...last.values()]).toEqual(Array.from({ length: 10 }, () => 10))

    writeFileSync(join(data, `${id}.start-over`), '')
    const unfinished = await start().result()
    expect(unfinished.stderr).toContain('MR_RESET_UNFINISHED')
  },
)
