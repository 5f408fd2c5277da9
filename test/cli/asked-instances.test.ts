import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { TopicWriter } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { Running, until, words } from '../server/support.ts'
import { ask } from './ask.ts'
import { CliProcess, fixture, runMillrace, type CliResult } from './cli-process.ts'

const token = 'a-token-that-nobody-guesses'
let running: Running
let url: string
let locked: Server
let tokenFile: string

beforeAll(async () => {
  running = await Running.start({}, { advertise: '10.0.0.5:8080' })
  url = (await serve(running.streams, { listen: 0 })).address!.url
  locked = await serve(running.streams, { listen: 0, auth: { tokens: [{ token, role: 'read' }] } })
  tokenFile = join(running.directory, 'token')
  writeFileSync(tokenFile, `${token}\n`)
  await using writer = await TopicWriter.open(running.streams.log, words)
  for (const word of ['mill', 'race', 'mill']) writer.write(word, word, { timestamp: 1000 })
  await writer.flush()
  await until(() => running.streams.status().processed === 3)
})
afterAll(() => running[Symbol.asyncDispose]())
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('millrace status', () => {
  test('shows what an instance is, its probes, and each task with its stream time', async () => {
    const { code, stdout, stderr } = await ask('status', '--url', url)
    expect(stderr).toBe('')
    const [about = '', tasks = ''] = stdout.split('\n\n')
    expect(about.replace(/\d+\.\d+\.\d+/, 'x.y.z').split('\n')).toEqual([
      'application  word-counts',
      'state        running',
      'guarantee    exactly_once',
      'threads      1',
      'lag          0',
      'version      x.y.z',
      'livez        ok',
      'readyz       ok',
      'startupz     ok',
    ])
    const rows = tasks.trimEnd().split('\n')
    expect(rows[0]).toMatch(/^task {2}role {4}stream time +processed {2}lag {2}thread$/)
    expect(rows.slice(1).map((row) => row.split(/ {2,}/))).toEqual(
      ['1_0', '1_1'].map((id) => {
        const time = expect.toBeOneOf(['1970-01-01T00:00:01.000Z', '-'])
        return [id, 'active', time, expect.stringMatching(/^[0-3]$/), '-', expect.stringMatching(/-StreamThread-1$/)]
      }),
    )
    expect(code).toBe(0)
  })

  test('as JSON has all that the routes have', async () => {
    const { code, stdout } = await ask('status', '--url', `${url}/`, '--json')
    const get = async (path: string): Promise<object> => (await (await fetch(`${url}/${path}`)).json()) as object
    expect(JSON.parse(stdout)).toEqual({
      ...(await get('v1/app')),
      ...(await get('v1/tasks')),
      health: {
        livez: { ok: true, checks: expect.arrayContaining([{ name: 'state', ok: true, message: 'running' }]) },
        readyz: { ok: true, checks: expect.arrayContaining([{ name: 'drain', ok: true, message: 'ok' }]) },
        startupz: { ok: true, checks: expect.arrayContaining([{ name: 'group', ok: true, message: 'ok' }]) },
      },
    })
    expect(code).toBe(0)
  })

  test('names the checks that fail', async () => {
    await using other = await Running.start()
    const server = await serve(other.streams, { listen: 0 })
    other.streams.drain()
    const { code, stdout } = await ask('status', '--url', server.address!.url)
    expect(stdout).toMatch(/^livez {8}ok\nreadyz {7}drain the instance is about to close\nstartupz {5}ok$/m)
    expect(code).toBe(0)
  })

  test('of a process that runs, by a process', async () => {
    const cli = new CliProcess(['run', fixture('words.ts'), '--data', join(running.directory, 'data'), '--http', '0'])
    await cli.stderrMatches(/^serving HTTP url=\S+/m)
    const [, at = ''] = /^serving HTTP url=(\S+)/m.exec(cli.stderr) ?? []
    const { code, stdout, stderr } = await runMillrace('status', '--url', at)
    expect(stdout).toMatch(/^application {2}word-count$/m)
    expect([code, stderr]).toEqual([0, ''])
    cli.signal('SIGINT')
    await cli.result()
  })
})

describe('millrace instances', () => {
  test('shows where each instance is, with its tasks', async () => {
    expect(await ask('instances', '--url', url)).toEqual({
      code: 0,
      stdout: 'endpoint       active   standby\n10.0.0.5:8080  1_0 1_1  -\n',
      stderr: '',
    })
  })

  test('as JSON shows an instance a line', async () => {
    const { stdout } = await ask('instances', '--url', url, '--json')
    const instance = { endpoint: '10.0.0.5:8080', isLocal: true, active: ['1_0', '1_1'], standby: [] }
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([instance])
  })
})

describe('a token', () => {
  test('is sent from a file, or from the environment', async () => {
    const at = locked.address!.url
    expect((await ask('instances', '--url', at, '--token-file', tokenFile)).code).toBe(0)
    vi.stubEnv('MILLRACE_TOKEN', token)
    expect((await ask('instances', '--url', at)).code).toBe(0)
    expect((await ask('status', '--url', at)).code).toBe(0)
  })

  test('that is missing or unknown is the error of the server, with what to do here', async () => {
    const refused = {
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error MR_SERVER_UNAUTHORIZED: .+\n {2}hint: Give a token .*--token-file/),
    }
    expect(await ask('status', '--url', locked.address!.url)).toEqual(refused)
    vi.stubEnv('MILLRACE_TOKEN', 'another-token-of-somebody')
    const { stderr, ...rest } = await ask('status', '--url', locked.address!.url)
    expect({ stderr, ...rest }).toEqual(refused)
    expect(stderr).not.toContain('another-token')
  })

  test.each([
    ['an empty file', ' \n', 'is empty'],
    ['a file with something else', 'clé secrète', 'holds no token'],
    ['no file', undefined, 'cannot be read: ENOENT'],
  ])('from %s is refused, and nothing of it shown', async (_what, text, message) => {
    const file = join(running.directory, `token-${message.length}`)
    if (text !== undefined) writeFileSync(file, text)
    const { code, stderr } = await ask('status', '--url', url, '--token-file', file)
    expect(stderr).toMatch(/^error MR_CLI_TOKEN: .*\n {2}hint: \S/)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('secr')
    expect(code).toBe(1)
  })
})

describe('what is no instance', () => {
  const servers: HttpServer[] = []
  afterEach(() => {
    for (const each of servers.splice(0)) each.close().closeAllConnections()
  })

  async function listening(answer: RequestListener): Promise<string> {
    const server = createServer(answer).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const answering =
    (status: number, type: string, body: string): RequestListener =>
    (_request, response) =>
      void response.writeHead(status, { 'content-type': type }).end(body)

  function refused(code: string, message: RegExp): CliResult {
    const stderr = expect.stringMatching(new RegExp(`^error ${code}: ${message.source}\\n {2}hint: \\S.*\\n$`))
    return { code: 1, stdout: '', stderr: stderr as string }
  }

  test('is nobody, in one line', async () => {
    const free = await listening(() => {})
    servers.splice(0).forEach((each) => each.close())
    expect(await ask('status', '--url', free)).toEqual(
      refused('MR_CLI_UNREACHABLE', /no answer from http:\/\/127\.0\.0\.1:\d+\/: ECONNREFUSED/),
    )
  })

  test('is silent, and not waited for longer than --timeout', async () => {
    const at = await listening(() => {})
    expect(await ask('instances', '--url', at, '--timeout', '50ms')).toEqual(
      refused('MR_CLI_UNREACHABLE', /no answer from http:\S+: none came within 50 ms/),
    )
  })

  test('hangs up in the middle', async () => {
    const at = await listening((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"inst')
      setImmediate(() => response.destroy())
    })
    expect(await ask('instances', '--url', at)).toEqual(refused('MR_CLI_UNREACHABLE', /no answer from \S+: \S.*/))
  })

  test.each([
    ['another server', answering(404, 'text/html', '<h1>Not Found'), /with status 404/],
    ['a page', answering(200, 'text/html', '<h1>Welcome'), /GET \/v1\/instances with something else/],
    ['null', answering(200, 'application/json', 'null'), /GET \/v1\/instances with something else/],
    ['another object', answering(200, 'application/json', '{"instances":[null]}'), /.* something else/],
    ['a problem of others', answering(400, 'application/problem+json', '{"title":"no"}'), /with status 400/],
  ])('is %s', async (_what, answer, how) => {
    const at = await listening(answer)
    expect(await ask('instances', '--url', at)).toEqual(
      refused('MR_CLI_ANSWER', new RegExp(`what listens at \\S+ answers ${how.source}`)),
    )
  })

  test('sends elsewhere, where no token goes', async () => {
    let asked = 0
    const other = await listening((_request, response) => void (asked++, response.end()))
    const at = await listening((_request, response) => void response.writeHead(302, { location: other }).end())
    expect(await ask('instances', '--url', at, '--token-file', tokenFile)).toEqual(
      refused('MR_CLI_ANSWER', /what listens at \S+ answers with status 302/),
    )
    expect(asked).toBe(0)
  })

  test('sends what a terminal would obey', async () => {
    const problem = { code: 'MR_CLOSED', detail: '\u001b[31mred', hint: '\u009b2J' }
    const at = await listening(answering(503, 'application/problem+json', JSON.stringify(problem)))
    expect((await ask('instances', '--url', at)).stderr).toBe('error MR_CLOSED: \\x1b[31mred\n  hint: \\x9b2J\n')
  })
})

test.each([
  [['status', '--url', 'localhost:8080'], 'http://HOST:PORT'],
  [['status', '--url', 'ftp://localhost'], 'http://HOST:PORT'],
  [['status', '--url', 'http://localhost:8080/?token=x'], 'http://HOST:PORT'],
  [['status', '--timeout', '0'], 'at least 1 ms'],
  [['status', '--url', 'http://me:secret@localhost'], 'has a user or a password'],
  [['instances', '--kafka', 'localhost:9092'], '--kafka cannot be used without --app'],
  [['instances', '--app', 'word-counts'], '--app cannot be used without --kafka'],
  [['instances', '--url', 'http://localhost', '--kafka', 'localhost:9092', '--app', 'a'], 'both --url and --kafka'],
])('%j was not understood, and says why', async (args, message) => {
  const { code, stdout, stderr } = await ask(...args)
  expect(stderr).toMatch(/^error MR_CLI_USAGE: .*\n {2}hint: \S/)
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('secret')
  expect([code, stdout]).toEqual([2, ''])
})
