import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve, type Server } from 'millrace/server'
import { answers, exchange, open, received, Running } from './support.ts'

let running: Running
let server: Server
beforeAll(async () => {
  running = await Running.start()
  server = await serve(running.streams, { listen: 0 })
})
afterAll(() => running[Symbol.asyncDispose]())

const END = 'Host: localhost\r\nConnection: close\r\n\r\n'

async function ask(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(server.address!.url + path, init)
  const text = await response.text()
  const { code = '' } = response.status < 400 ? {} : JSON.parse(text)
  return `${response.status} ${code}`.trim()
}

test.each([
  ['a route that there is not', '/v2/app', '404 MR_SERVER_ROUTE'],
  ['a slash at the end', '/v1/app/', '404 MR_SERVER_ROUTE'],
  ['no path', '/', '404 MR_SERVER_ROUTE'],
  ['a way out of a folder', '/v1/..%2f..%2fetc%2fpasswd', '404 MR_SERVER_ROUTE'],
  ['a way out of a folder, encoded twice', '/%252e%252e/etc/passwd', '404 MR_SERVER_ROUTE'],
  ['what is no UTF-8', '/v1/%ff', '404 MR_SERVER_ROUTE'],
  ['a null byte', '/v1/app%00', '404 MR_SERVER_ROUTE'],
  ['an unknown parameter', '/v1/app?verbos', '400 MR_SERVER_REQUEST'],
  ['a parameter twice', '/livez?verbose&verbose', '400 MR_SERVER_REQUEST'],
  ['a value that a parameter cannot have', '/livez?verbose=perhaps', '400 MR_SERVER_REQUEST'],
  ['the name of what every object has', '/livez?__proto__=1&constructor=2', '400 MR_SERVER_REQUEST'],
])('%s is a problem: %s', async (_what, path, expected) => {
  expect(await ask(path)).toBe(expected)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
  '%s is not a method of the app',
  async (method) => {
    const response = await fetch(`${server.address!.url}/v1/app`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await ask('/livez', { method })).toBe('405 MR_SERVER_METHOD')
  },
)

test('HEAD is answered like GET, without the body', async () => {
  const response = await fetch(`${server.address!.url}/v1/app`, { method: 'HEAD' })
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    200,
    'application/json',
    '',
  ])
})

describe('bytes that are no request, or a strange one:', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', ['400 MR_SERVER_REQUEST']],
    ['TLS', '\u0016\u0003\u0001\u0002', ['400 MR_SERVER_REQUEST']],
    ['HTTP/1.1 without Host', 'GET /livez HTTP/1.1\r\n\r\n', ['400 MR_SERVER_REQUEST']],
    ['an expectation that nobody meets', `GET /livez HTTP/1.1\r\nExpect: foo\r\n${END}`, ['417 MR_SERVER_EXPECT']],
    ['HTTP/1.0 without Host', 'GET /livez HTTP/1.0\r\n\r\n', ['200']],
    ['HTTP/1.0 with a path to read', 'GET /v1/app HTTP/1.0\r\n\r\n', ['200']],
    [
      'a Host that is none',
      `GET /v1/app HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n`,
      ['400 MR_SERVER_REQUEST'],
    ],
    ['a URL with another host', `GET http://evil.example/v1/app HTTP/1.1\r\n${END}`, ['200']],
    ['a URL that cannot be read', `GET http://[/v1/app HTTP/1.1\r\n${END}`, ['400 MR_SERVER_REQUEST']],
    ['a backslash', `GET /v1\\app HTTP/1.1\r\n${END}`, ['400 MR_SERVER_REQUEST']],
    ['dots', `GET /v1/../v1/app HTTP/1.1\r\n${END}`, ['200']],
    ['headers too large', `GET /livez HTTP/1.1\r\nX: ${'x'.repeat(17_000)}\r\n${END}`, ['431 MR_SERVER_HEADERS']],
    ['a URL too large', `GET /livez?${'x'.repeat(17_000)} HTTP/1.1\r\n${END}`, ['431 MR_SERVER_HEADERS']],
    [
      'two lengths',
      `POST /livez HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${END}`,
      ['400 MR_SERVER_REQUEST'],
    ],
    [
      'a length and chunks',
      `POST /livez HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${END}0\r\n\r\n`,
      ['400 MR_SERVER_REQUEST'],
    ],
    [
      'a length that is less than the body',
      'POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{} and more\r\n\r\n',
      ['405 MR_SERVER_METHOD', '400 MR_SERVER_REQUEST'],
    ],
    ['an upgrade', `GET /livez HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n${END}`, ['200']],
  ])('%s', async (_what, bytes, expected) => {
    expect(answers(await exchange(server.address!, bytes))).toEqual(expected)
    expect(await ask('/livez')).toBe('200')
  })

  test('a body that ends early, of a client that has gone, harms nobody', async () => {
    const socket = await open(server.address!)
    socket.end('POST /v1/app HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{')
    await received(socket)
    expect(await ask('/livez')).toBe('200')
    expect(running.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})
