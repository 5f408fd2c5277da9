import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { embeddedLog, TopicWriter } from 'millrace'
import { CliProcess, fixture } from './cli-process.ts'
import { words } from './fixtures/words.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-logs-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function write(data: string, count: number): Promise<void> {
  const log = await embeddedLog({ directory: join(data, 'log') })
  await log.createTopics([{ name: words.name, partitions: 2 }])
  const writer = await TopicWriter.open(log, words)
  for (let i = 0; i < count; i++) writer.write(`word-${i}`, `word-${i}`, { timestamp: 1000 })
  await writer.close()
  await log.close()
}

function linesOf(stderr: string): Record<string, unknown>[] {
  return stderr
    .trim()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line))
}

test('with --log-format json every line of a run is an object, with the task and store that are restored', async () => {
  const data = join(directory, 'restored')
  await write(data, 20)
  const run = ['run', fixture('words.ts'), '--data', data, '--log-format', 'json']
  const first = new CliProcess(run)
  await first.stderrMatches(/"processed":40\b/)
  first.signal('SIGINT')
  linesOf((await first.result()).stderr)
  rmSync(join(data, 'state'), { recursive: true })
  const second = new CliProcess(run, { NODE_OPTIONS: '--trace-warnings' })
  await second.stderrMatches(/"message":"restored"/)
  await second.stderrMatches(/"lag":0\b/)
  second.signal('SIGINT')
  const lines = linesOf((await second.result()).stderr)
  const store = { level: 'info', task: expect.stringMatching(/^1_[01]$/), store: 'counts', records: expect.any(Number) }
  expect(lines).toContainEqual(expect.objectContaining({ message: 'restored', ...store }))
  expect(lines).toContainEqual(expect.objectContaining({ message: 'restoring', stores: expect.any(Number) }))
})

test('an idle application is silent, and SIGUSR2 shows its debug messages until the next one', async () => {
  const data = join(directory, 'idle')
  await write(data, 3)
  const cli = new CliProcess([
    'run',
    fixture('words.ts'),
    '--data',
    data,
    '--log-format',
    'json',
    '--log-level',
    'info',
  ])
  await cli.stderrMatches(/"processed":6\b.*"lag":0\b/)
  // It looks every 2 s whether there is something to say.
  const said = cli.stderr
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect(cli.stderr).toBe(said)
  cli.signal('SIGUSR2')
  const writing = new CliProcess(['produce', words.name, '--data', data], {}, 'mill\n')
  writing.endInput()
  expect((await writing.result()).code).toBe(0)
  await cli.stderrMatches(/"level":"debug".*"message":"committed"/)
  await cli.stderrMatches(/"processed":8\b/)
  cli.signal('SIGINT')
  expect((await cli.result()).code).toBe(0)
})
