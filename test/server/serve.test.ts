import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Streams } from 'millrace'
import { serve, type ServerOptions } from 'millrace/server'
import { exchange, open, received, Running, until } from './support.ts'

let running: Running
beforeAll(async () => {
  running = await Running.start()
})
afterAll(() => running[Symbol.asyncDispose]())

describe('a server', () => {
  test('answers on its address, and says in the status of the application where that is', async () => {
    const { streams } = running
    await using server = await serve(streams, { listen: '127.0.0.1:0' })
    const { host, port, url } = server.address!
    expect({ host, url }).toEqual({ host: '127.0.0.1', url: `http://127.0.0.1:${port}` })
    expect(await (await fetch(`${url}/livez`)).text()).toBe('ok\n')
    expect([...streams.status().companions]).toEqual([
      [`server ${url}`, { url, requests: 1, connections: 1, watches: 0 }],
    ])
  })

  test('ends when it is closed; the application goes on, and may have another one', async () => {
    const { streams } = running
    const server = await serve(streams, { listen: 0 })
    const { url, port } = server.address!
    await server.close()
    await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed')
    const response = await server.fetch(new Request('http://localhost/livez'))
    expect([response.status, (await response.json()) as object]).toEqual([
      503,
      expect.objectContaining({ code: 'MR_CLOSED' }),
    ])
    expect(streams.state).toBe('running')
    await using again = await serve(streams, { listen: port })
    await using beside = await serve(streams, { listen: 'none', auth: 'none' })
    expect(again.address?.port).toBe(port)
    expect(beside.address).toBeUndefined()
    expect(streams.status().companions.size).toBe(2)
  })

  test('of an application that drains answers, and has clients connect elsewhere for the next request', async () => {
    await using draining = await Running.start()
    await using server = await serve(draining.streams, { listen: 0 })
    const request = 'GET /v1/app HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const socket = await open(server.address!)
    socket.write(request)
    await once(socket, 'data')
    draining.streams.drain()
    socket.write(request)
    const text = await received(socket)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toMatch(/^connection: close\r$/im)
  })

  test('ends with the application', async () => {
    await using ending = await Running.start()
    const { streams } = ending
    const { address } = await serve(streams, { listen: 0 })
    await streams.close()
    await expect(fetch(`${address!.url}/livez`)).rejects.toThrow('fetch failed')
    await expect(serve(streams, { listen: 0 })).rejects.toMatchObject({ code: 'MR_CLOSED' })
  })
})

describe('a server that cannot start', () => {
  test('names an address that is taken, leaves the application running, and starts on another', async () => {
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(serve(running.streams, { listen: port })).rejects.toMatchObject({
      code: 'MR_SERVER_LISTEN',
      message: `the server cannot listen on 127.0.0.1:${port}: somebody else listens there`,
      hint: expect.stringContaining('port 0'),
    })
    expect(running.streams.state).toBe('running')
    other.close()
    await using server = await serve(running.streams, { listen: 0 })
    expect(server.address?.port).not.toBe(port)
  })

  test('names an address that this machine does not have', async () => {
    await expect(serve(running.streams, { listen: '192.0.2.1:0' })).rejects.toMatchObject({ code: 'MR_SERVER_LISTEN' })
  })

  test('says that the application is a promise, and what to await', async () => {
    const promise = Promise.resolve(running.streams) as unknown as Streams
    await expect(serve(promise)).rejects.toMatchObject({ code: 'MR_CONFIG', hint: expect.stringContaining('await') })
  })

  const token = 'a'.repeat(16)
  test.each<[string, object, string, RegExp]>([
    ['an unknown option', { tokens: [] }, 'serve() has no option "tokens"', /^Did you mean auth\?/],
    ['the name of another server for it', { port: 8080 }, 'serve() has no option "port"', /^Did you mean listen\?/],
    [
      'an unknown limit',
      { limits: { bodies: 1 } },
      'the option limits of serve() has no option "bodies"',
      /are body, header, connections/,
    ],
    ['a port that is none', { listen: 70_000 }, 'the option listen of serve() is 70000', /'8080'/],
    ['an address that is none', { listen: 'localhost' }, 'the option listen of serve() is "localhost"', /HOST:PORT/],
    ['an address with a path', { listen: 'http://localhost:80' }, 'is "http://localhost:80"', /HOST:PORT/],
    ['a word for auth', { auth: 'open' }, 'the option auth of serve() is "open"', /'none'/],
    ['no token', { auth: { tokens: [] } }, 'the option auth.tokens of serve() is an array', /at least one/],
    [
      'a token without a role',
      { auth: { tokens: [{ token }] } },
      'auth.tokens[0].role of serve() is missing',
      /'read'/,
    ],
    [
      'a role that is none',
      { auth: { tokens: [{ token, role: 'admin' }] } },
      'role of serve() is "admin"',
      /'control'/,
    ],
    ['two sources', { auth: { tokens: [{ token, env: 'A', role: 'read' }] } }, 'has both env and token', /one of/],
    ['no source', { auth: { tokens: [{ role: 'read' }] } }, 'auth.tokens[0] of serve() has no token', /one of/],
    [
      'a token to guess',
      { auth: { tokens: [{ token: 'secret', role: 'read' }] } },
      'token of serve() is a string',
      /16/,
    ],
    [
      'what is no SHA-256',
      { auth: { tokens: [{ sha256: 'ab', role: 'read' }] } },
      'sha256 of serve() is a string',
      /64/,
    ],
    ['a host with a port', { hosts: ['a.example:80'] }, 'hosts[0] of serve() is "a.example:80"', /without a port/],
    ['any origin', { cors: ['*'] }, 'the option cors[0] of serve() is "*"', /no path/],
    ['an origin with a path', { cors: ['https://a.example/'] }, 'is "https://a.example/"', /no slash/],
    ['headers of no size', { limits: { header: 1 } }, 'the option limits.header of serve() is 1', /at least 1024/],
  ])('refuses %s by name', async (_what, options, message, hint) => {
    const error = await serve(running.streams, options as ServerOptions).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'MR_CONFIG', hint: expect.stringMatching(hint) })
    expect(String(error)).toContain(message)
    expect(String(error)).not.toContain('secret')
  })
})

describe('connections', () => {
  test('beyond the limit take the place of those that are idle longest: a probe comes through', async () => {
    await using server = await serve(running.streams, { listen: 0, limits: { connections: 100 } })
    const idle = await Promise.all(Array.from({ length: 1000 }, () => open(server.address!)))
    expect(
      await exchange(server.address!, 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ).toContain('ok\n')
    await until(() => idle.filter((socket) => socket.closed).length >= 900)
    const [status] = running.streams.status().companions.values()
    expect(status).toMatchObject({ connections: expect.toSatisfy((count: number) => count <= 100) })
    for (const socket of idle) socket.destroy()
  })
})
