import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripTypeScriptTypes } from 'node:module'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { CliProcess } from '../../cli/cli-process.ts'
import { EXHAUST, THROW } from './fixtures/sums.ts'
import { SumsCase, until } from './sums-case.ts'

const root = join(import.meta.dirname, '../../..')
/** A project in which the built package is installed. */
const project = mkdtempSync(join(tmpdir(), 'millrace-installed-'))
const library = join(project, 'node_modules/millrace')
const source = join(import.meta.dirname, 'fixtures/sums.ts')

beforeAll(async () => {
  mkdirSync(library, { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const out = ['--outDir', join(library, 'dist')]
  await promisify(execFile)(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), ...out])
  cpSync(join(root, 'package.json'), join(library, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(library, 'node_modules'))
  writeFileSync(join(project, 'app.mjs'), stripTypeScriptTypes(readFileSync(source, 'utf8')))
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

let sums: SumsCase
beforeEach(async () => {
  sums = await SumsCase.create()
})
afterEach(() => sums[Symbol.asyncDispose]())

const args = (app: string): string[] => {
  const place = ['--kafka', sums.brokers, '--data', join(sums.directory, 'data')]
  return ['run', app, ...place, '--threads', '2', '--log-format', 'json']
}

async function expectTwoThreads(): Promise<void> {
  await until(() => sums.allShown())
  expect(await sums.shown()).toEqual(sums.expected())
  expect(new Set([...(await sums.totals()).values()].map(({ thread }) => thread)).size).toBe(2)
}

test('millrace run --threads runs an application from source in threads of their own', async () => {
  const cli = new CliProcess(args(source))
  await cli.stderrMatches(/"state":"running","tasks":8\b/)
  await sums.pay(400)
  await expectTwoThreads()
  await cli.stderrMatches(/"processed":800\b/)
  cli.signal('SIGTERM')
  const { code, stderr } = await cli.result()
  if (code !== 0) expect.unreachable(stderr)
  expect(stderr).toMatch(/StreamThread-2/)
})

/** `millrace run` of the built package. */
function runInstalled(...nodeOptions: string[]): {
  child: ChildProcess
  printed: () => string
  ended: Promise<unknown>
} {
  const main = join(library, 'dist/cli/main.js')
  const child = spawn(process.execPath, [...nodeOptions, main, ...args(join(project, 'app.mjs'))], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return { child, printed: () => stderr, ended: new Promise((resolve) => child.once('close', resolve)) }
}

test('millrace run --threads of the built package does, too', async () => {
  const { child, printed, ended } = runInstalled()
  await until(() => /"state":"running","tasks":8\b/.test(printed()) || child.exitCode !== null)
  if (child.exitCode !== null) expect.unreachable(printed())
  await sums.pay(400)
  await expectTwoThreads()
  child.kill('SIGTERM')
  if ((await ended) !== 0) expect.unreachable(printed())
})

test('a thread that runs out of memory ends alone: the other commits, and the error says what happened', async () => {
  const { printed, ended } = runInstalled('--max-old-space-size=128')
  await sums.pay(400)
  await until(() => sums.allShown())
  await sums.payWithFault(EXHAUST)
  expect(await ended).toBe(1)
  const last: unknown = JSON.parse(printed().trim().split('\n').at(-1) ?? '')
  expect(last).toMatchObject({ code: 'MR_THREAD_DIED', message: expect.stringContaining('out of memory') })
})

test('an impossible number of threads is refused with what is wrong', async () => {
  const { code, stderr } = await new CliProcess(['run', source, '--threads', 'many']).result()
  expect(code).toBe(2)
  expect(stderr).toMatch(/^error MR_CLI_USAGE: .*argument 'many' is invalid\. Give a whole number from 1 to 1024\.$/m)
})

test('an error in a thread ends millrace run with one message that names its place', async () => {
  const cli = new CliProcess(args(source).slice(0, -2))
  await sums.payWithFault(THROW)
  const { code, stderr } = await cli.result()
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error MR_PROCESSING: .*poison.*topic=\S+payments, partition=\d, offset=0/m)
  expect(stderr.match(/MR_PROCESSING/g)).toHaveLength(1)
  expect(stderr.match(/poison/g)).toHaveLength(1)
})
