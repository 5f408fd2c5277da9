import { execFile, type ExecFileOptions } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkMemory } from '../../src/cli/memory-check.ts'
import app from './fixtures/words.ts'
import { certificate, type Certificate } from './certificates.ts'
import { ask } from './ask.ts'
import { fixture, runMillrace, type CliResult } from './cli-process.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const words = fixture('words.ts')
let directory: string
let expired: Certificate
let valid: Certificate

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-places-'))
  chmodSync(directory, 0o755)
  const place = (name: string): string => {
    mkdirSync(join(directory, name))
    return join(directory, name)
  }
  expired = certificate(place('expired'), '20200101000000Z', '20200102000000Z')
  valid = certificate(place('valid'), '20200101000000Z', '20990102000000Z')
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Expects one line with a code, a hint, the exit code of a failure, and an application that was not started. */
function expectRefused({ code, stdout, stderr }: CliResult, error: string, ...named: readonly string[]): void {
  expect(stderr).toMatch(new RegExp(`^error ${error}: .*\n {2}hint: [A-Z].*\n$`))
  for (const each of named) expect(stderr).toContain(each)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
}

async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  return await ask('run', words, '--data', join(directory, 'data'), ...args)
}

/** Runs `millrace run` as a process that is started in a way of its own. */
function runAs(command: readonly string[], args: readonly string[], options: ExecFileOptions): Promise<CliResult> {
  const node = [process.execPath, '--conditions=millrace-source', MAIN, 'run', words, ...args]
  const [file = '', ...rest] = [...command, ...node]
  const env = { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(directory, 'cache') }
  return new Promise((resolve) => {
    const child = execFile(file, rest, { ...options, env, encoding: 'utf8' }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}

async function port(server: Server): Promise<number> {
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('a directory that cannot be used', () => {
  test('a volume that belongs to root: path, uid, chown and fsGroup', async () => {
    const volume = join(directory, 'volume')
    mkdirSync(volume, { mode: 0o755 })
    const isRoot = process.getuid?.() === 0
    if (!isRoot) chmodSync(volume, 0o555)
    const uid = isRoot ? 65_534 : process.getuid?.()
    const result = await runAs([], ['--data', volume], isRoot ? { uid: 65_534, gid: 65_534 } : {})
    expectRefused(result, 'MR_STATE_PERMISSION', volume, `uid ${uid}`, 'chown -R', 'fsGroup')
  })

  test('a file in its place', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    expectRefused(await run(['--data', file]), 'MR_STATE_DIRECTORY', file)
  })
})

describe('what would keep the server from serving ends the run before the application is started', () => {
  test('a port that somebody else has', async () => {
    const server = createServer()
    const taken = await port(server)
    const result = await run([], { MILLRACE_HTTP: `localhost:${taken}` })
    server.close()
    expectRefused(result, 'MR_SERVER_LISTEN', String(taken))
  })

  test.each([
    ['tokens', 'MR_SERVER_TOKENS', ['--http-token-file', 'nowhere']],
    ['a certificate', 'MR_SERVER_CERTIFICATE', ['--http-cert', 'nowhere', '--http-key', 'nowhere']],
  ])('a file of %s that is not there', async (_what, code, args) => {
    expectRefused(await run(['--http', '0', ...args]), code, 'nowhere')
  })

  test('a file of tokens of instances that is not there', async () => {
    const args = ['--http', '0', '--peer-token-file', 'nowhere', '--data', join(directory, 'data')]
    const { code, stderr } = await runMillrace('run', words, ...args)
    expect(stderr).toMatch(/^error MR_SERVER_TOKENS: .*nowhere.*\n {2}hint: [A-Z].*\n$/m)
    expect(stderr).not.toContain('tasks assigned')
    expect(code).toBe(1)
  })

  test('a certificate that has expired: its file and when', async () => {
    const result = await run(['--http', '0', '--http-cert', expired.cert, '--http-key', expired.key])
    expectRefused(result, 'MR_SERVER_CERTIFICATE', expired.cert, 'expired', '2020-01-02')
  })
})

describe('a connection that cannot be had', () => {
  test.each([
    ['password', { MILLRACE_KAFKA_SASL: 'PLAIN', MILLRACE_KAFKA_USER: 'p', MILLRACE_KAFKA_PASSWORD_FILE: 'nowhere' }],
    ['authorities', { MILLRACE_KAFKA_CA: 'nowhere' }],
  ])('a file of the %s that is not there: the variable that names it', async (_what, environment) => {
    const result = await run([], { MILLRACE_KAFKA: 'localhost:1', ...environment })
    expectRefused(result, 'MR_CLI_SECRET', 'nowhere', Object.keys(environment).at(-1)!)
  })

  test('a certificate of this client that has expired', async () => {
    const result = await run(['--kafka', 'localhost:1', '--kafka-cert', expired.cert, '--kafka-key', expired.key])
    expectRefused(result, 'MR_LOG_CERTIFICATE', expired.cert, '2020-01-02')
  })

  test.each([
    ['of an authority that is not trusted', () => valid, () => expired, '--kafka-ca'],
    ['that has expired', () => expired, () => expired, 'expired'],
  ])('a broker with a certificate %s', async (_what, own, trusted, named) => {
    const { cert, key } = own()
    const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) })
    const broker = `localhost:${await port(server)}`
    const result = await run(['--kafka', broker, '--kafka-ca', trusted().cert])
    server.close()
    expectRefused(result, 'MR_LOG_CERTIFICATE', broker, named)
  })
})

describe('memory that is not enough', () => {
  const MIB = 2 ** 20
  const settings = (memory: number) => ({ ...app.settings, memory, cacheBytes: 0 })

  test('for stores and buffers alone is refused, with the figures', () => {
    expect(() => checkMemory(settings(512 * MIB), 512 * MIB, 256 * MIB)).toThrow(
      expect.objectContaining({ code: 'MR_MEMORY_LIMIT', message: expect.stringMatching(/627 MB .* 537 MB: 537 MB /) }),
    )
  })

  test('if the heap grows as far as V8 lets it is a warning, with the heap that would fit', () => {
    expect(checkMemory(settings(128 * MIB), 512 * MIB, 256 * MIB)).toBeUndefined()
    expect(checkMemory(settings(128 * MIB), 512 * MIB, 512 * MIB)).toContain('--max-old-space-size=')
  })

  describe.runIf(process.env['CI'] === 'true' || canLimit())('of a container', () => {
    test('V8 is given what fits into a small one, and one that is too small is refused', async () => {
      const small = await inContainer(300 * MIB)
      expect(small).toMatchObject({ code: 0, stderr: expect.not.stringContaining('memory may run out') })
      expectRefused(await inContainer(96 * MIB), 'MR_MEMORY_LIMIT', '101 MB')
      expectRefused(await inContainer(512 * MIB, '--memory', '500MiB'), 'MR_MEMORY_LIMIT', '537 MB')
    })
  })
})

const GROUPS = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup']

/** Makes a control group with a limit, and returns its directory. */
function limited(bytes: number): string {
  const root = GROUPS.find((each) => existsSync(each))!
  const group = join(root, `millrace-test-${process.pid}`)
  mkdirSync(group)
  const file = ['memory.limit_in_bytes', 'memory.max'].find((each) => existsSync(join(group, each)))
  writeFileSync(join(group, file ?? 'memory.max'), String(bytes))
  return group
}

/** Runs the application for a moment in a control group with a limit. */
async function inContainer(bytes: number, ...args: readonly string[]): Promise<CliResult> {
  const group = limited(bytes)
  const enter = ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group]
  try {
    return await runAs(enter, ['--data', join(directory, 'data'), '--for', '100ms', ...args], {})
  } finally {
    rmdirSync(group)
  }
}

/** Returns false in most containers, and for users other than root. */
function canLimit(): boolean {
  try {
    rmdirSync(limited(2 ** 30))
    return true
  } catch {
    return false
  }
}
