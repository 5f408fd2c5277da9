import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fixture, runMillrace } from './cli-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function writeApp(name: string, code: string): string {
  const file = join(directory, name)
  writeFileSync(file, code)
  return file
}

/** One error: a code and a message on the first line, a hint, no stack trace, nothing on standard output. */
function expectError(
  result: { code: number | null; stdout: string; stderr: string },
  exit: number,
  code: string,
): string {
  expect(result.stderr).toMatch(new RegExp(`^error ${code}: `, 'm'))
  expect(result.stderr.match(/^error /gm)).toHaveLength(1)
  expect(result.stderr).toMatch(/^ {2}hint: \S/m)
  expect(result.stderr).not.toMatch(/^\s+at /m)
  expect(result.stdout).toBe('')
  expect(result.code).toBe(exit)
  return result.stderr
}

describe('a command line that is not understood ends with exit code 2 and a hint', () => {
  test.each([
    [[], 'no command'],
    [['rnu', 'app.ts'], 'rnu'],
    [['run'], 'app'],
    [['run', fixture('words.ts'), '--kakfa', 'localhost:9092'], '--kakfa'],
    [['run', fixture('words.ts'), '--kafka', 'localhost'], 'HOST:PORT'],
    [['run', fixture('words.ts'), '--kafka', 'localhost:70000'], 'HOST:PORT'],
    [['run', fixture('words.ts'), '--for', '5 parsecs'], '--for'],
    [['run', fixture('words.ts'), '--log-format', 'xml'], 'xml'],
    [['run', fixture('words.ts'), '--kafka', 'localhost:9092', '--group-protocol', 'paxos'], 'paxos'],
    [['run', fixture('words.ts'), '--group-protocol', 'classic'], '--group-protocol'],
    [['run', fixture('words.ts'), 'another.ts'], 'argument'],
    [['describe', fixture('words.ts'), '--json', '--mermaid'], '--mermaid'],
  ])('%j', async (args, named) => {
    expect(expectError(await runMillrace(...args), 2, 'MR_CLI_USAGE')).toContain(named)
  })

  test('--from-beginning with --kafka names the command to use instead', async () => {
    const result = await runMillrace('run', fixture('words.ts'), '--kafka', 'localhost:9092', '--from-beginning')
    expect(expectError(result, 2, 'MR_CLI_USAGE')).toContain('--from-beginning')
    expect(result.stderr).toContain('millrace reset')
  })

  test('a misspelt option names the one that was meant', async () => {
    const { stderr } = await runMillrace('run', fixture('words.ts'), '--kakfa', 'localhost:9092')
    expect(stderr).toContain('--kafka')
  })
})

describe.each(['run', 'describe'])('an application that cannot be loaded: %s says why', (command) => {
  test('a file that is not there', async () => {
    const result = await runMillrace(command, fixture('nowhere.ts'))
    expect(expectError(result, 1, 'MR_APP_MISSING')).toContain(fixture('nowhere.ts'))
  })

  test('a directory', async () => {
    const result = await runMillrace(command, fixture('.'))
    expect(expectError(result, 1, 'MR_APP_MISSING')).toContain('fixtures')
  })

  test('a file without a default export', async () => {
    const result = await runMillrace(command, fixture('no-default.ts'))
    expect(expectError(result, 1, 'MR_APP_DEFAULT')).toContain('defineApp')
  })

  test('a default export of another kind', async () => {
    const result = await runMillrace(command, fixture('function-default.ts'))
    expect(expectError(result, 1, 'MR_APP_DEFAULT')).toContain('the function buildTopology')
  })

  test('an import that does not resolve', async () => {
    const result = await runMillrace(command, writeApp('bad-import.ts', "import './not-there.ts'"))
    expect(expectError(result, 1, 'MR_APP_LOAD')).toContain('not-there.ts')
  })

  test('a module that throws', async () => {
    const { code, stderr } = await runMillrace(
      command,
      writeApp('throws.ts', "throw new Error('the config server is down')"),
    )
    expect(stderr).toMatch(/^error MR_APP_LOAD: .*throws\.ts.*the config server is down/m)
    expect(code).toBe(1)
  })

  test('a module in a package that npm init has made CommonJS', async () => {
    mkdirSync(join(directory, 'fresh'), { recursive: true })
    writeApp('fresh/package.json', '{ "name": "fresh", "type": "commonjs" }')
    for (const name of ['app.ts', 'app.js']) {
      const file = writeApp(`fresh/${name}`, "import { join } from 'node:path'\nexport default join")
      const { code, stderr } = await runMillrace(command, file)
      expect(stderr).toMatch(/^error MR_APP_LOAD: /m)
      expect(stderr).toMatch(/^ {2}hint: Run npm pkg set type=module.*app\.m[jt]s: .*fresh\/package\.json/m)
      expect(code).toBe(1)
    }
  })

  test('TypeScript that Node cannot run', async () => {
    const result = await runMillrace(command, writeApp('enum.ts', 'enum Colour { Red }\nexport default Colour'))
    expect(expectError(result, 1, 'MR_APP_LOAD')).toContain('enums')
  })
})
