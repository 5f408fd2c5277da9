import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { embeddedLog, readTopic, TopicWriter } from 'millrace'
import { CliProcess, fixture } from './cli-process.ts'
import { counts, words } from './fixtures/words.ts'

let data = ''
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-drain-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

async function write(...values: string[]): Promise<void> {
  const log = await embeddedLog({ directory: join(data, 'log') })
  await log.createTopics([{ name: words.name, partitions: 2 }])
  const writer = await TopicWriter.open(log, words)
  for (const value of values) writer.write(value, value)
  await writer.close()
  await log.close()
}

async function countsOnTheLog(): Promise<Map<string | null, number | null>> {
  const log = await embeddedLog({ directory: join(data, 'log') })
  const found = new Map<string | null, number | null>()
  for await (const { key, value } of readTopic(log, counts, { until: 'end' })) found.set(key, value)
  await log.close()
  return found
}

const COUNTED = new Map([
  ['mill', 2],
  ['race', 1],
])

/** Runs an application until it has processed so many records. */
async function run(app: string, processed: number, ...options: readonly string[]): Promise<CliProcess> {
  const cli = new CliProcess(['run', fixture(app), '--data', data, '--log-format', 'json', ...options])
  await cli.stderrMatches(new RegExp(`"processed":${processed}\\b`))
  return cli
}

interface Line {
  readonly message: string
  readonly state?: string
  readonly time?: string
}

function linesAfter(stderr: string, message: string): Line[] {
  const lines = stderr
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line))
  return lines.slice(lines.findIndex((line) => line.message.startsWith(message)) + 1)
}

describe('SIGTERM', () => {
  test('drains for --drain, then commits and ends', async () => {
    await write('mill', 'race', 'mill')
    const cli = await run('words.ts', 6, '--drain', '2500ms')
    cli.signal('SIGTERM')
    const { code, stderr } = await cli.result()
    expect(code).toBe(0)
    const [closing, ...after] = linesAfter(stderr, 'draining')
    expect([closing, after.at(-1)]).toMatchObject([{ message: 'closing' }, { message: 'done' }])
    const draining = stderr.split('\n').find((line) => line.includes('"draining: ')) ?? '{}'
    const { time } = JSON.parse(draining) as { time: string }
    expect(Date.parse(String(closing?.time)) - Date.parse(time)).toBeGreaterThan(2000)
    expect(await countsOnTheLog()).toEqual(COUNTED)
  })

  test('drains for 5 seconds where requests are served; a second one has it commit and end at once', async () => {
    await write('mill', 'race', 'mill')
    const cli = await run('words.ts', 6, '--http', '0')
    cli.signal('SIGTERM')
    await cli.stderrMatches(/"draining: .*"for":"5000 ms"/)
    cli.signal('SIGTERM')
    const { code, stderr } = await cli.result()
    expect(code).toBe(0)
    expect(linesAfter(stderr, 'draining').at(-1)).toMatchObject({ message: 'done', state: 'not-running' })
    expect(await countsOnTheLog()).toEqual(COUNTED)
  })

  test('a second time while it closes: it commits, and no longer waits for calls', async () => {
    await write('mill')
    const cli = await run('calls.ts', 1, '--close-timeout', '1h')
    cli.signal('SIGTERM')
    await cli.stderrMatches(/"closing takes long/)
    cli.signal('SIGTERM')
    const { code, stderr } = await cli.result()
    expect(code).toBe(0)
    expect(linesAfter(stderr, 'closing').at(-1)).toMatchObject({ message: 'done', state: 'not-running' })
    const log = await embeddedLog({ directory: join(data, 'log') })
    const partitions = [0, 1].map((partition) => ({ topic: words.name, partition }))
    const committed = await log.committedOffsets('calls', partitions)
    await log.close()
    expect([...committed.entries()].reduce((sum, [, , { offset }]) => sum + offset, 0)).toBe(1)
  })
})
