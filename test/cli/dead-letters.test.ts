import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog, readTopic, string, topic, TopicWriter } from 'millrace'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CliProcess, fixture, runMillrace, type CliResult } from './cli-process.ts'
import { amounts, payments } from './fixtures/letters.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
const data = join(directory, 'data')
const app = fixture('letters.ts')

function letters(command: string, ...args: string[]): Promise<CliResult> {
  return runMillrace('dead-letters', command, app, ...args, '--data', data)
}

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

beforeAll(async () => {
  const log = await embeddedLog({ directory: join(data, 'log') })
  await log.createTopics([{ name: payments.name, partitions: 1 }])
  const writer = await TopicWriter.open(log, topic(payments.name, { key: string(), value: string() }))
  // Once alice's is processed, those before it have been put aside.
  for (const [key, value] of Object.entries({ bob: '\u001b[31mred', carol: '{"cents":"2"}', alice: '{"cents":1}' }))
    writer.write(key, value, { timestamp: 1_000 })
  await writer.close()
  await log.close()
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('ls shows dead letters while the application runs and after it, and replay waits for its end', async () => {
  const run = new CliProcess(['run', app, '--data', data, '--log-format', 'json'])
  await run.stderrMatches(/"processed":1\b/)
  const shown = await letters('ls')
  expect(shown).toMatchObject({ code: 0, stderr: '' })
  const refused = await letters('replay', 'rejected-0-0')
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toMatch(/^error MR_STATE_LOCKED: .*by an application, process \d+/m)
  run.signal('SIGINT')
  // The run has created the topic: nobody else can on an embedded log.
  const { code, stderr } = await run.result()
  expect(stderr).toContain('"rejected"')
  expect(code).toBe(0)

  const all = await letters('ls')
  expect(all).toEqual(shown)
  expect(all.stdout.split('\n')).toEqual([
    expect.stringMatching(/^rejected-0-0 {2}1970-01-01T00:00:01\.000Z {2}payments\/0@0 {2}MR_DESERIALIZE {2}\S.*/),
    expect.stringMatching(/^rejected-0-1 .* {2}payments\/0@1 {2}MR_DESERIALIZE {2}json: .*\$\.cents/),
    '',
  ])
})

test('ls shows a page and where the next one begins, as text or JSON', async () => {
  const page = await letters('ls', '--limit', '1', '--json')
  expect(page.stderr).toBe('more: --from rejected-0-1\n')
  expect(JSON.parse(page.stdout)).toMatchObject({
    kind: 'dead-letter',
    id: 'rejected-0-0',
    replayed: false,
    origin: { topic: 'payments', partition: 0, offset: 0, timestamp: 1_000 },
    code: 'MR_DESERIALIZE',
    node: 'KSTREAM-SOURCE-0000000000',
    task: '0_0',
    headers: [],
    key: { value: 'bob' },
    value: { bytes: '\u001b[31mred', error: expect.stringContaining('json') },
  })
})

test('show prints one dead letter whole, and nothing that a terminal would obey', async () => {
  const { code, stdout, stderr } = await letters('show', 'rejected-0-0')
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^id {8}rejected-0-0$/m)
  expect(stdout).toMatch(/^from {6}payments\/0@0 of 1970-01-01T00:00:01\.000Z$/m)
  expect(stdout).toMatch(/^key {7}"bob"$/m)
  expect(stdout).toMatch(/^value {5}\\x1b\[31mred\n +\(json: .*\)$/m)
  expect(stdout).toMatch(/^stack {5}SyntaxError: /m)
  expect(code).toBe(0)
})

test('replay writes a patched record once, and says so the second time', async () => {
  const patch = file('patch.json', '{ "value": { "cents": 7 } }')
  const dry = await letters('replay', 'rejected-0-0', '--patch', patch, '--dry-run')
  expect(dry).toMatchObject({ code: 0, stderr: '' })
  expect(dry.stdout).toBe(
    'id      rejected-0-0\nto      payments/0\nheader  millrace.replay-of: rejected-0-0\n' +
      'key     bob\nvalue   {"cents":7}\n\n',
  )
  const replayed = await letters('replay', 'rejected-0-0', '--patch', patch)
  expect(replayed).toEqual({ code: 0, stdout: 'rejected-0-0 -> payments/0\n', stderr: '' })
  expect((await letters('ls', '--from', 'rejected-0-0')).stdout).toMatch(
    /^rejected-0-0 .* {2}\(replayed\)\nrejected-0-1 .*(?<!\))\n$/,
  )
  const again = await letters('replay', 'rejected-0-0')
  expect(again).toMatchObject({ code: 1, stdout: '' })
  expect(again.stderr).toMatch(/^error MR_DEAD_LETTER_REPLAYED: replayed already: rejected-0-0\n {2}hint: .*--again/)

  const rest = await letters('replay', '--all', '--json')
  expect(JSON.parse(rest.stdout)).toEqual({
    id: 'rejected-0-1',
    topic: 'payments',
    partition: 0,
    timestamp: 1_000,
    headers: [['millrace.replay-of', 'rejected-0-1']],
    key: 'carol',
    value: '{"cents":"2"}',
  })

  const run = new CliProcess(['run', app, '--data', data, '--log-format', 'json'])
  await run.stderrMatches(/"processed":1\b/)
  run.signal('SIGINT')
  await run.result()
  const log = await embeddedLog({ directory: join(data, 'log') })
  const found: unknown[] = []
  for await (const { key, value } of readTopic(log, amounts, { until: 'end' })) found.push([key, value])
  await log.close()
  expect(found).toEqual([
    ['alice', 1],
    ['bob', 7],
  ])
})

test.each([
  [2, 'MR_CLI_USAGE', 'no dead letter was named', ['replay']],
  [2, 'MR_CLI_USAGE', 'both ids and --all', ['replay', 'rejected-0-0', '--all']],
  [2, 'MR_CLI_USAGE', '--limit', ['ls', '--limit', '0']],
  [1, 'MR_TOPIC_UNKNOWN', 'topic=nowhere', ['ls', '--topic', 'nowhere']],
  [1, 'MR_DEAD_LETTER_UNKNOWN', 'offset=99', ['show', 'rejected-0-99']],
  [1, 'MR_DEAD_LETTER_PATCH', 'none.json', ['replay', 'rejected-0-0', '--patch', 'none.json']],
] as const)('bad input ends with %i and %s: %s', async (exit, code, named, [command, ...args]) => {
  const { code: exited, stdout, stderr } = await letters(command, ...args)
  expect(stdout).toBe('')
  expect(stderr).toMatch(new RegExp(`^error ${code}: `))
  expect(stderr).toContain(named)
  expect(stderr).toMatch(/^ {2}hint: \S/m)
  expect(exited).toBe(exit)
})

test('a directory without a log is named, and no log is made there', async () => {
  const empty = mkdtempSync(join(directory, 'empty-'))
  const { code, stderr } = await runMillrace('dead-letters', 'ls', app, '--data', empty)
  expect(stderr).toMatch(/^error MR_TOPIC_UNKNOWN: there is no embedded log in /)
  expect(code).toBe(1)
  expect(readdirSync(empty)).toEqual([])
})
