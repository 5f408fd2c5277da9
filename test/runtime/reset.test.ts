import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog, readTopic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CliProcess, fixture, runMillrace } from '../cli/cli-process.ts'
import { counts, words } from '../cli/fixtures/words.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-reset-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

async function withLog<T>(act: (log: Log) => Promise<T>): Promise<T> {
  const log = await embeddedLog({ directory: join(data, 'log') })
  try {
    return await act(log)
  } finally {
    await log.close()
  }
}

const write = (...values: string[]): Promise<void> =>
  withLog(async (log) => {
    await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
    await using writer = await TopicWriter.open(log, words)
    for (const value of values) writer.write(value, value, { timestamp: 1000 })
    await writer.flush()
  })

const lastCounts = (): Promise<Map<string | null, number | null>> =>
  withLog(async (log) => {
    const found = new Map<string | null, number | null>()
    for await (const { key, value } of readTopic(log, counts, { until: 'end' })) found.set(key, value)
    return found
  })

const internalTopics = (): Promise<string[]> =>
  withLog(async (log) => (await log.listTopics()).filter((name) => name.startsWith('word-count-')))

/** Every word is processed twice: from its topic, and from the repartition topic. */
async function runUntilProcessed(count: number): Promise<void> {
  const cli = new CliProcess(['run', fixture('words.ts'), '--data', data, '--log-format', 'json'])
  await cli.stderrMatches(new RegExp(`"processed":${count}\\b`))
  cli.signal('SIGINT')
  expect((await cli.result()).code).toBe(0)
}

const reset = (...more: string[]) => runMillrace('reset', fixture('words.ts'), '--data', data, ...more)

describe('millrace reset on the embedded log', { timeout: 90_000 }, () => {
  beforeEach(async () => {
    await write('mill', 'race', 'mill')
    await runUntilProcessed(6)
  })

  test('deletes internal topics and state, and all input is processed again as if for the first time', async () => {
    const { code, stdout } = await reset('--yes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/process words\/0 from offset 0/)
    expect(stdout).toMatch(/delete topic word-count-\S+-changelog/)
    expect(stdout).toMatch(/word-count has been reset/)
    expect(await internalTopics()).toEqual([])
    expect(existsSync(join(data, 'state/word-count'))).toBe(false)
    await write('mill')
    await runUntilProcessed(8)
    expect(await lastCounts()).toEqual(
      new Map([
        ['mill', 3],
        ['race', 1],
      ]),
    )
  })

  test('with --dry-run it says what it would do and does nothing', async () => {
    const topics = await internalTopics()
    const { code, stdout } = await reset('--dry-run')
    expect(code).toBe(0)
    for (const topic of topics) expect(stdout).toContain(`delete topic ${topic}`)
    expect(stdout).toContain(join(data, 'state/word-count'))
    expect(await internalTopics()).toEqual(topics)
    expect(existsSync(join(data, 'state/word-count'))).toBe(true)
  })

  test('begins at a time, which is UTC unless a zone follows', async () => {
    for (const time of ['1970-01-01T00:00:01.001', '1970-01-01T00:00:01.001Z', '1970-01-01T01:00:01.001+0100']) {
      const { stdout } = await reset('--dry-run', '--to-datetime', time)
      expect(stdout).toMatch(/process words\/\d from offset 2/)
      expect(stdout).not.toMatch(/process words\/\d from offset 0$[^]*from offset 0$/m)
    }
    const { code, stderr } = await reset('--dry-run', '--to-datetime', 'yesterday')
    expect([code, stderr]).toEqual([2, expect.stringContaining('2030-01-31T12:00:00Z')])
  })

  test('does nothing without --yes where nobody can be asked', async () => {
    const topics = await internalTopics()
    const { code, stderr } = await reset()
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error MR_CLI_USAGE: /m)
    expect(stderr).toContain('--yes')
    expect(await internalTopics()).toEqual(topics)
  })

  test('is refused while the application runs', async () => {
    const running = new CliProcess(['run', fixture('words.ts'), '--data', data])
    await running.stderrMatches(/tasks assigned/m)
    const { code, stderr } = await reset('--yes')
    running.signal('SIGINT')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error MR_GROUP_ACTIVE: /m)
    expect((await running.result()).code).toBe(0)
  })

  test('leaves topics of other applications alone, and names those that look like its own', async () => {
    await withLog(async (log) =>
      log.createTopics(['word-count-two-x-changelog', 'words-changelog'].map((name) => ({ name, partitions: 1 }))),
    )
    const { stdout } = await reset('--yes')
    expect(stdout).toContain('keep topic word-count-two-x-changelog')
    expect(await internalTopics()).toEqual(['word-count-two-x-changelog'])
  })

  test('that was cut short is finished by the next run', async () => {
    rmSync(join(data, 'state/word-count'), { recursive: true })
    writeFileSync(join(data, 'word-count.start-over'), '')
    await runUntilProcessed(6)
    expect(existsSync(join(data, 'word-count.start-over'))).toBe(false)
    expect((await lastCounts()).get('mill')).toBe(2)
  })
})

test('a topic that is deleted and created again is another, on a log that is closed in between', async () => {
  const idOf = () => withLog(async (log) => (await log.describeTopics(['words'])).get('words')?.id)
  await write('mill')
  const before = await idOf()
  await withLog(async (log) => log.deleteTopics(['words']))
  expect(await idOf()).toBeUndefined()
  await write()
  expect(await idOf()).not.toBe(before)
  const ends = await withLog(async (log) => log.listOffsets([{ topic: 'words', partition: 0 }], 'latest'))
  expect(ends.get('words', 0)).toBe(0)
})
