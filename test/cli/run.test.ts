import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { embeddedLog, readTopic, TopicWriter } from 'millrace'
import { CliProcess, fixture, runMillrace } from './cli-process.ts'
import { counts, words } from './fixtures/words.ts'
import { sliceOf } from '../record/slice-of.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-run-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let data = ''
let dataCount = 0
beforeEach(() => {
  data = join(directory, `data-${++dataCount}`)
})

async function write(...values: string[]): Promise<void> {
  const log = await embeddedLog({ directory: join(data, 'log') })
  await log.createTopics([{ name: words.name, partitions: 2 }])
  const writer = await TopicWriter.open(log, words)
  for (const value of values) writer.write(value, value, { timestamp: 1000 })
  await writer.close()
  await log.close()
}

async function readCounts(): Promise<Map<string | null, number | null>> {
  const log = await embeddedLog({ directory: join(data, 'log') })
  const found = new Map<string | null, number | null>()
  for await (const { key, value } of readTopic(log, counts, { until: 'end' })) found.set(key, value)
  await log.close()
  return found
}

/** The status lines of `--log-format json`. */
function statuses(stderr: string): { processed?: unknown }[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): { processed?: unknown } => JSON.parse(line))
}

async function runUntilProcessed(count: number, options: readonly string[] = []): Promise<CliProcess> {
  const cli = new CliProcess(['run', fixture('words.ts'), '--data', data, '--log-format', 'json', ...options])
  await cli.stderrMatches(new RegExp(`"processed":${count}\\b`))
  return cli
}

describe('millrace run on the embedded log', () => {
  test('creates the topics that are missing, says so, and ends by itself after --for', async () => {
    const { code, stderr } = await runMillrace('run', fixture('words.ts'), '--data', data, '--for', '500ms')
    expect(stderr).toMatch(/^created the topics that the log lacked topics=\["words","counts"\] partitions=4$/m)
    expect(stderr).toMatch(/^starting app=word-count log=embedded engine=\S+/m)
    expect(stderr).toMatch(/^closing reason="time is up"$/m)
    expect(stderr).toMatch(/^done: 0 records in \d+\.\d s, \d+ commits, lag 0, stream time -$/m)
    expect(code).toBe(0)
  })

  test.each([
    ['SIGINT', ['--drain', '30d']],
    ['SIGTERM', ['--for', '30d']],
  ] as const)('%s commits and ends with exit code 0, at once despite %j', async (signal, options) => {
    await write('mill', 'race', 'mill')
    // Every word is processed twice: from its topic, and from the repartition topic.
    const cli = await runUntilProcessed(6, options)
    cli.signal(signal)
    const { code, stderr } = await cli.result()
    expect(code).toBe(0)
    expect(stderr).not.toMatch(/time is up|draining/)
    expect(statuses(stderr).at(-1)).toMatchObject({ message: 'done', processed: 6, lag: 0 })
    expect(await readCounts()).toEqual(
      new Map([
        ['mill', 2],
        ['race', 1],
      ]),
    )
  })

  test('goes on where it was after kill -9, counting nothing twice', async () => {
    await write('mill', 'race', 'mill')
    const killed = await runUntilProcessed(6)
    killed.signal('SIGKILL')
    await killed.result()
    await write('mill')
    const cli = new CliProcess(['run', fixture('words.ts'), '--data', data, '--log-format', 'json'])
    await cli.stderrMatches(/"processed":[1-9]/)
    cli.signal('SIGINT')
    expect((await cli.result()).code).toBe(0)
    expect((await readCounts()).get('mill')).toBe(3)
  })

  test('--from-beginning processes all input again as if for the first time', async () => {
    await write('mill', 'race', 'mill')
    const first = await runUntilProcessed(6)
    first.signal('SIGINT')
    await first.result()
    await write('mill')
    const again = new CliProcess([
      'run',
      fixture('words.ts'),
      '--data',
      data,
      '--from-beginning',
      '--log-format',
      'json',
    ])
    await again.stderrMatches(/"processed":8\b/)
    again.signal('SIGINT')
    const { code, stderr } = await again.result()
    expect(code).toBe(0)
    expect(stderr).toContain('input is processed from the beginning')
    expect(await readCounts()).toEqual(
      new Map([
        ['mill', 3],
        ['race', 1],
      ]),
    )
  })

  test('starting over that was cut short is finished by the next run, asked for or not', async () => {
    await write('mill')
    const first = await runUntilProcessed(2)
    first.signal('SIGINT')
    await first.result()
    writeFileSync(join(data, 'word-count.start-over'), '')
    const again = await runUntilProcessed(2)
    again.signal('SIGINT')
    expect((await again.result()).code).toBe(0)
    expect(existsSync(join(data, 'word-count.start-over'))).toBe(false)
    expect((await readCounts()).get('mill')).toBe(1)
  })

  test('a second process on the same directory is refused with its name', async () => {
    const first = new CliProcess(['run', fixture('words.ts'), '--data', data])
    await first.stderrMatches(/^starting/m)
    const second = await runMillrace('run', fixture('words.ts'), '--data', data)
    first.signal('SIGINT')
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/^error MR_STATE_LOCKED: /m)
    expect(second.stderr).toContain(data)
    expect(second.stderr).toMatch(/^ {2}hint: \S/m)
    expect((await first.result()).code).toBe(0)
  })

  test('a record that cannot be processed ends the run with one error that names its place', async () => {
    const log = await embeddedLog({ directory: join(data, 'log') })
    await log.createTopics([{ name: 'numbers', partitions: 1 }])
    const producer = log.openProducer()
    await producer.loadPartitionCount('numbers')
    const bytes = Buffer.from('not a long')
    producer.append('numbers', 0, sliceOf(1000, bytes, [-1, 0], [0, bytes.length]))
    await producer.flush()
    await producer.close()
    await log.close()
    const { code, stderr } = await runMillrace('run', fixture('numbers.ts'), '--data', data)
    expect(stderr).toMatch(/^error MR_DESERIALIZE: .*topic=numbers, partition=0, offset=0/m)
    expect(stderr.match(/MR_DESERIALIZE/g)).toHaveLength(1)
    expect(code).toBe(1)
  })
})

test('a broker that does not answer is reported at once, with its address', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await new Promise((resolve) => server.close(resolve))
  const broker = `127.0.0.1:${port}`
  const { code, stderr } = await runMillrace('run', fixture('words.ts'), '--data', data, '--kafka', broker)
  expect(stderr).toMatch(/^error MR_LOG_UNREACHABLE: /m)
  expect(stderr).toContain(broker)
  expect(stderr).toMatch(/^ {2}hint: \S/m)
  expect(code).toBe(1)
})

test('with --log-format json every line is an object, errors too', async () => {
  const { stderr } = await runMillrace('run', fixture('nowhere.ts'), '--log-format', 'json')
  expect(
    stderr
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([expect.objectContaining({ level: 'error', code: 'MR_APP_MISSING', hint: expect.any(String) })])
})

test('standard error that cannot be written to costs lines, not the application', async () => {
  const targets = ['pipe', ...(existsSync('/dev/full') ? ['/dev/full'] : [])]
  const codes = targets.map(async (target, index) => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts')
    const place = ['--data', join(data, String(index)), '--for', '500ms']
    const args = ['--conditions=millrace-source', main, 'run', fixture('words.ts'), ...place]
    const stderr = target === 'pipe' ? 'pipe' : openSync(target, 'w')
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', stderr] })
    child.stderr?.destroy()
    const [code] = await once(child, 'close')
    return [target, code]
  })
  expect(await Promise.all(codes)).toEqual(targets.map((target) => [target, 0]))
})
