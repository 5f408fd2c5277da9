import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve, type Server, type ServerOptions } from 'millrace/server'
import { Running, until } from './support.ts'

let running: Running
beforeAll(async () => {
  running = await Running.start()
})
afterAll(() => running[Symbol.asyncDispose]())

const OPEN = ['/livez', '/readyz', '/startupz']
const READ = ['/v1/app', '/v1/topology', '/v1/tasks', '/v1/stores', '/openapi.json', '/v1/nothing']

const token = (): string => randomBytes(24).toString('base64url')

type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>

/** Opens a server without a socket, and returns what asks it. */
async function inProcess(options: ServerOptions): Promise<Ask & AsyncDisposable> {
  const server = await serve(running.streams, { listen: 'none', ...options })
  return asking(server, (path, init) => server.fetch(new Request(`http://localhost${path}`, init)))
}

/** Opens a server on all addresses of the machine, or the one that is given, and returns what asks it. */
async function onSocket(options: ServerOptions = {}): Promise<Ask & AsyncDisposable> {
  const server = await serve(running.streams, { listen: '0.0.0.0:0', ...options })
  return asking(server, (path, init) => fetch(server.address!.url + path, init))
}

function asking(server: Server, send: (path: string, init: RequestInit) => Promise<Response>): Ask & AsyncDisposable {
  const ask: Ask = (path, headers = {}, method = 'GET') => send(path, { headers, method })
  return Object.assign(ask, { [Symbol.asyncDispose]: () => server.close() })
}

async function codeOf(response: Promise<Response>): Promise<string> {
  const { status, headers, body } = await response.then(async (one) => ({
    status: one.status,
    headers: one.headers,
    body: await one.text(),
  }))
  if (status < 400) return 'fine'
  expect(headers.get('content-type')).toBe('application/problem+json')
  const problem = JSON.parse(body)
  expect(problem).toMatchObject({ status, title: expect.any(String), hint: expect.stringMatching(/^[A-Z]/) })
  return `${status} ${problem.code}`
}

describe.each([
  ['on a wider address', onSocket],
  ['called by fetch', inProcess],
])('a server %s without auth', (_place, openServer) => {
  test('answers probes alone, says why, and warns once', async () => {
    const before = running.lines.length
    await using ask = await openServer({})
    for (const path of OPEN) expect(await codeOf(ask(path))).toBe('fine')
    for (const path of READ) expect(await codeOf(ask(path))).toBe('403 MR_SERVER_OPEN')
    for (const path of READ) {
      expect(await codeOf(ask(path, { authorization: `Bearer ${token()}` }))).toBe('403 MR_SERVER_OPEN')
    }
    expect(await codeOf(ask('/v1/app', {}, 'POST'))).toBe('403 MR_SERVER_OPEN')
    const warned = running.lines.slice(before).filter(({ level }) => level === 'warn')
    expect(warned.map(({ fields }) => fields)).toEqual([{ code: 'MR_SERVER_OPEN' }])
  })

  test("answers everybody with auth: 'none'", async () => {
    await using ask = await openServer({ auth: 'none' })
    for (const path of [...OPEN, ...READ.slice(0, -1)]) expect(await codeOf(ask(path))).toBe('fine')
    expect(await codeOf(ask('/v1/nothing'))).toBe('404 MR_SERVER_ROUTE')
  })

  test('answers whoever has a token, of whichever source', async () => {
    const tokens = { plain: token(), hashed: token(), filed: token(), set: token() }
    const file = join(running.directory, 'tokens')
    await writeFile(file, `\n${tokens.filed}\n`)
    process.env['TEST_MILLRACE_TOKEN'] = tokens.set
    const sha256 = createHash('sha256').update(tokens.hashed).digest('hex')
    const sources = [{ token: tokens.plain }, { sha256 }, { file }, { env: 'TEST_MILLRACE_TOKEN' }]
    await using ask = await openServer({ auth: { tokens: sources.map((each) => ({ ...each, role: 'read' })) } })
    delete process.env['TEST_MILLRACE_TOKEN']
    for (const each of Object.values(tokens)) {
      expect(await codeOf(ask('/v1/app', { authorization: `Bearer ${each}` }))).toBe('fine')
    }
    for (const path of OPEN) expect(await codeOf(ask(path))).toBe('fine')
    for (const path of READ) expect(await codeOf(ask(path))).toBe('401 MR_SERVER_UNAUTHORIZED')
    for (const wrong of [`Bearer ${token()}`, `Bearer ${sha256}`, `Basic ${tokens.plain}`, 'Bearer', tokens.plain]) {
      expect(await codeOf(ask('/v1/app', { authorization: wrong }))).toBe('401 MR_SERVER_UNAUTHORIZED')
    }
    const refused = await ask('/v1/app')
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })
})

describe('a token file', () => {
  test('is read again when it changes: the old token ends, and nobody has access while it is unusable', async () => {
    const file = join(running.directory, 'rotated')
    const [first, second, third] = [token(), token(), token()]
    await writeFile(file, first)
    await using ask = await inProcess({ auth: { tokens: [{ file, role: 'read' }] } })
    const isKnown = async (one: string): Promise<boolean> =>
      (await ask('/v1/app', { authorization: `Bearer ${one}` })).status === 200
    expect(await isKnown(first)).toBe(true)
    // As a mounted secret is replaced: another file takes the name.
    await writeFile(`${file}.new`, `${second}\n${third}\n`)
    await rename(`${file}.new`, file)
    await until(() => isKnown(second))
    expect([await isKnown(first), await isKnown(third)]).toEqual([false, true])
    await writeFile(file, 'no token\n')
    await until(async () => !(await isKnown(second)))
    expect(running.lines.at(-1)).toMatchObject({ level: 'error', fields: { file } })
    await writeFile(file, first)
    await until(() => isKnown(first))
    expect(JSON.stringify(running.lines)).not.toContain(first)
  })

  test.each([
    ['that is missing', undefined, /cannot be read: ENOENT/],
    ['that is empty', '\n', /is empty/],
    ['with a line that is no token', `${'a'.repeat(16)}\nshort\n`, /^line 2 of .* is no token/],
  ])('%s keeps the server from starting', async (_what, text, message) => {
    const file = join(running.directory, `unusable-${token()}`)
    if (text !== undefined) await writeFile(file, text)
    await expect(inProcess({ auth: { tokens: [{ file, role: 'read' }] } })).rejects.toMatchObject({
      code: 'MR_SERVER_TOKENS',
      message: expect.stringMatching(message),
    })
  })

  test.each([
    ['is not set', undefined],
    ['holds no token', 'hello'],
  ])('a variable that %s keeps the server from starting', async (_what, value) => {
    if (value !== undefined) process.env['TEST_MILLRACE_TOKEN'] = value
    const opening = inProcess({ auth: { tokens: [{ env: 'TEST_MILLRACE_TOKEN', role: 'read' }] } })
    await expect(opening).rejects.toMatchObject({ code: 'MR_SERVER_TOKENS' })
    delete process.env['TEST_MILLRACE_TOKEN']
  })
})

/** Sends what `fetch` does not let programs send: another host than that of the URL. */
async function asHost(
  server: Server,
  host: string,
  path = '/v1/app',
  more: Record<string, string> = {},
): Promise<string> {
  const { port } = server.address!
  const request = get({ host: '127.0.0.1', port, path, headers: { host, ...more } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const text = await new Response(Readable.toWeb(response) as ReadableStream).text()
  return response.statusCode === 200 ? 'fine' : `${response.statusCode} ${JSON.parse(text).code}`
}

describe('a server without a token', () => {
  test.each<[string, ServerOptions]>([
    ['on the loopback address', { listen: 0 }],
    ["on all addresses, with auth: 'none'", { listen: '0.0.0.0:0', auth: 'none' }],
  ])('%s goes by addresses and its own names alone, so that no web page reaches it', async (_place, options) => {
    await using server = await serve(running.streams, { ...options, hosts: ['Board.local'] })
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]:80', '10.1.2.3', 'a.localhost', 'board.local.:9']) {
      expect([host, await asHost(server, host)]).toEqual([host, 'fine'])
    }
    for (const host of ['evil.example', 'localhost.evil.example', 'evil.example:127', '127.0.0.1.evil.example']) {
      expect([host, await asHost(server, host)]).toEqual([host, '403 MR_SERVER_HOST'])
      for (const path of OPEN) expect(await asHost(server, host, path)).toBe('fine')
    }
  })

  test('called by fetch goes by the name of the URL', async () => {
    await using server = await serve(running.streams, { listen: 'none', auth: 'none' })
    expect(await codeOf(server.fetch(new Request('http://evil.example/v1/app')))).toBe('403 MR_SERVER_HOST')
    expect(await codeOf(server.fetch(new Request('http://localhost/v1/app')))).toBe('fine')
  })

  test('that has tokens goes by any name for those who send one, and for nobody else', async () => {
    const known = token()
    await using server = await serve(running.streams, { listen: 0, auth: { tokens: [{ token: known, role: 'read' }] } })
    const bearing = (one: string) => ({ authorization: `Bearer ${one}` })
    expect(await asHost(server, 'evil.example', '/v1/app', bearing(known))).toBe('fine')
    expect(await asHost(server, 'evil.example', '/v1/app', bearing(token()))).toBe('401 MR_SERVER_UNAUTHORIZED')
    for (const path of READ) {
      expect([path, await asHost(server, 'evil.example', path)]).toEqual([path, '401 MR_SERVER_UNAUTHORIZED'])
    }
    for (const path of OPEN) expect(await asHost(server, 'evil.example', path)).toBe('fine')
  })
})

test('a server goes by the name that other instances call it by', async () => {
  await using advertised = await Running.start({}, { advertise: 'pod-0.app:8080' })
  await using server = await serve(advertised.streams, { listen: 0 })
  expect(await asHost(server, 'pod-0.app:8080')).toBe('fine')
  expect(await asHost(server, 'pod-1.app:8080')).toBe('403 MR_SERVER_HOST')
})

describe('a web page', () => {
  const board = 'https://board.example.com'

  test('of another site may neither write nor see what it reads', async () => {
    await using ask = await onSocket({ listen: 0 })
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'not an origin']) {
      expect(await codeOf(ask('/v1/app', { origin }, 'POST'))).toBe('403 MR_SERVER_ORIGIN')
    }
    const read = await ask('/v1/app', { origin: board })
    expect(read.headers.get('access-control-allow-origin')).toBeNull()
    expect(await codeOf(ask('/v1/app', { origin: board, 'access-control-request-method': 'GET' }, 'OPTIONS'))).toBe(
      '403 MR_SERVER_ORIGIN',
    )
  })

  test('of the server itself may write', async () => {
    await using server = await serve(running.streams, { listen: 0 })
    const { url } = server.address!
    const response = fetch(`${url}/v1/app`, { method: 'POST', headers: { origin: url } })
    expect(await codeOf(response)).toBe('405 MR_SERVER_METHOD')
  })

  test('of an origin in cors may write, and sees answers and problems', async () => {
    const known = token()
    const tokens = [{ token: known, role: 'read' } as const]
    await using ask = await onSocket({ cors: [board], auth: { tokens } })
    const headers = { origin: board, authorization: `Bearer ${known}` }
    expect(await codeOf(ask('/v1/app', headers, 'POST'))).toBe('405 MR_SERVER_METHOD')
    for (const path of READ) {
      for (const response of [await ask(path, headers), await ask(path, { origin: board })]) {
        const seen = ['allow-origin', 'expose-headers'].map((name) => response.headers.get(`access-control-${name}`))
        expect([path, ...seen]).toEqual([path, board, 'ETag,Millrace-Position,Retry-After'])
        expect(response.headers.get('vary')).toBe('Origin')
      }
    }
    expect(await codeOf(ask('/v1/nothing', headers))).toBe('404 MR_SERVER_ROUTE')
    const preflight = { origin: board, 'access-control-request-method': 'GET' }
    const allowed = await ask('/v1/app', { ...preflight, 'access-control-request-headers': 'authorization' }, 'OPTIONS')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization')
    const other = await ask('/v1/app', { ...headers, origin: 'https://evil.example' })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('no answer', () => {
  test('shows a token, and none is kept by a cache', async () => {
    const known = token()
    await using ask = await inProcess({ auth: { tokens: [{ token: known, role: 'read' }] } })
    const all = await Promise.all([...OPEN, ...READ].map((path) => ask(path, { authorization: `Bearer ${known}` })))
    for (const response of all) {
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await response.text()).not.toContain(known)
    }
  })
})
