import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../cli/ask.ts'
import { CliProcess } from '../cli/cli-process.ts'

const connectors = join(import.meta.dirname, 'fixtures', 'count.ts')
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const data = (): string => join(directory, 'data')
const written = (): string[] => readFileSync(join(directory, 'out'), 'utf8').trimEnd().split('\n')

function connect(count: number, ...args: string[]): CliProcess {
  const env = { COUNT: String(count), COUNT_FILE: join(directory, 'out') }
  return new CliProcess(['connect', connectors, '--data', data(), ...args], env)
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index))
}

test('millrace connect --until-end moves what there is, says its guarantees, and goes on the next time', async () => {
  const first = await connect(10, '--until-end', '--log-format', 'json').result()
  expect(first).toMatchObject({ code: 0, stdout: '' })
  const lines = first.stderr
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line))
  const starts = lines.filter(({ message }) => message === 'connector starts')
  expect(starts.map(({ connector, guarantee }) => `${String(connector)}: ${String(guarantee)}`)).toEqual([
    'numbers: exactly-once',
    'file: effectively-once',
  ])
  expect(written()).toEqual(numbers(10))
  expect((await connect(25, '--until-end').result()).code).toBe(0)
  expect(written()).toEqual(numbers(25))
})

test('connectors are listed, paused beside the process that runs them, set and resumed', async () => {
  const running = connect(30)
  await running.stderrMatches(/tasks assigned[\s\S]*tasks assigned/)
  const place = [connectors, '--data', data()]
  const listed = await ask('connectors', 'list', ...place)
  expect(listed.stderr).toBe('')
  expect(listed.stdout).toMatch(/^NAME +KIND +GUARANTEE +STATE +MEMBERS +LAG\n/)
  expect(listed.stdout).toMatch(/^numbers +source +exactly-once +running +1 +-$/m)
  expect(listed.stdout).toMatch(/^file +sink +effectively-once +running +1 +\d+$/m)

  const refused = await ask('connectors', 'set', connectors, 'numbers', 'all', '{"next":28}', '--data', data())
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('MR_CONNECTOR_RUNNING')

  expect(await ask('connectors', 'pause', connectors, 'numbers', '--data', data())).toMatchObject({
    code: 0,
    stderr: 'numbers is paused\n',
  })
  expect((await ask('connectors', 'status', connectors, 'numbers', '--data', data())).stdout).toContain('paused')
  const set = await ask('connectors', 'set', connectors, 'numbers', 'all', '{"next":28}', '--data', data())
  expect(set).toMatchObject({ code: 0 })
  const positions = await ask('connectors', 'positions', connectors, 'numbers', '--data', data(), '--json')
  expect(JSON.parse(positions.stdout)).toEqual({ partition: 'all', position: '{"next":28}' })
  expect(await ask('connectors', 'resume', connectors, 'numbers', '--data', data())).toMatchObject({ code: 0 })
  await running.stderrMatches(/tasks assigned[\s\S]*tasks assigned[\s\S]*tasks assigned/)
  running.signal('SIGTERM')
  expect((await running.result()).code).toBe(0)
})

test.each([
  [['connectors', 'status', connectors, 'number'], 'MR_CONNECTOR_UNKNOWN', 'Did you mean numbers?'],
  [['connectors', 'set', connectors, 'numbers', 'all', '{row: 1}'], 'MR_CLI_USAGE', 'Quote it for the shell'],
  [['connect', join(import.meta.dirname, 'kit.ts')], 'MR_APP_DEFAULT', 'defineConnectors'],
  [['connect', 'nowhere.ts'], 'MR_APP_MISSING', 'Give the path'],
] as const)('%j is %s', async (args, code, hint) => {
  const { stderr } = await ask(...args, '--data', join(directory, 'other'))
  expect(stderr).toContain(code)
  expect(stderr).toContain(hint)
})
