import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describe as describeText, describeJson, TopicWriter } from 'millrace'
import { serve, type Server } from 'millrace/server'
import type { Route } from '../../src/server/http/route.ts'
import { FAMILIES } from '../../src/server/routes/families.ts'
import { Running, until, words } from './support.ts'

let running: Running
let server: Server

/** The routes that are on without further options. */
function routesOf({ served }: Running): Route[] {
  return FAMILIES.flatMap((family) => family(served)).filter(({ off, hidden }) => off === undefined && hidden !== true)
}

beforeAll(async () => {
  running = await Running.start()
  server = await serve(running.streams, { listen: 'none', auth: 'none' })
  await using writer = await TopicWriter.open(running.streams.log, words)
  for (const word of ['mill', 'race', 'mill']) writer.write(word, word, { timestamp: 1000 })
  await writer.flush()
  await until(() => running.streams.status().processed === 3)
})
afterAll(() => running[Symbol.asyncDispose]())

async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return server.fetch(new Request(`http://localhost${path}`, { headers }))
}

async function json(path: string): Promise<unknown> {
  return (await get(path)).json()
}

test('/v1/app says what runs', async () => {
  expect(await json('/v1/app')).toEqual({
    id: 'word-counts',
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    state: 'running',
    guarantee: 'exactly_once',
    threads: 1,
    lag: 0,
  })
})

test('/v1/tasks has the tasks of the process', async () => {
  const { tasks } = (await json('/v1/tasks')) as { readonly tasks: readonly { readonly processed: number }[] }
  expect(tasks.map((task) => ({ ...task, processed: 0 }))).toEqual(
    ['1_0', '1_1'].map((id) => ({
      role: 'active',
      id,
      thread: expect.stringMatching(/^word-counts-.*-StreamThread-1$/),
      streamTime: expect.toBeOneOf([1000, null]),
      processed: 0,
    })),
  )
  expect(tasks.reduce((sum, { processed }) => sum + processed, 0)).toBe(3)
})

test('/v1/instances has this one and its tasks', async () => {
  expect(await json('/v1/instances')).toEqual({
    instances: [{ endpoint: null, isLocal: true, active: ['1_0', '1_1'], standby: [] }],
  })
})

test('/v1/topology is what describeJson makes, or the text of Kafka Streams for those who accept text', async () => {
  const { topology } = running.streams
  expect(await json('/v1/topology')).toEqual(JSON.parse(JSON.stringify(describeJson(topology, running.streams.app.id))))
  for (const accept of ['text/plain', 'text/plain; q=0.9, application/json; q=0.5']) {
    const response = await get('/v1/topology', { accept })
    expect([response.headers.get('content-type'), await response.text()]).toEqual([
      expect.stringMatching(/^text\/plain; ?charset=UTF-8$/),
      describeText(topology),
    ])
  }
  for (const accept of ['*/*', 'application/json', 'text/html', 'nonsense']) {
    expect((await get('/v1/topology', { accept })).headers.get('content-type')).toBe('application/json')
  }
})

test('/v1/stores has the names and kinds of all stores', async () => {
  expect(await json('/v1/stores')).toEqual({
    stores: [
      { name: 'rates', kind: 'keyValue', global: true, keySerde: 'string', valueSerde: 'string' },
      { name: 'totals', kind: 'keyValue', global: false, keySerde: 'string', valueSerde: 'long' },
    ],
  })
})

describe('a probe', () => {
  test.each([
    ['/livez', 'state running'],
    ['/readyz', 'drain ok'],
    ['/startupz', 'group ok'],
  ])('%s is ok, and shows its checks when asked to', async (path, check) => {
    const short = await get(path)
    expect([short.status, await short.text()]).toEqual([200, 'ok\n'])
    for (const query of ['?verbose', '?verbose=true', '?verbose=1']) {
      const long = await get(path + query)
      const lines = (await long.text()).split('\n')
      expect(long.status).toBe(200)
      expect(lines).toContain(`[+]${check}`)
      expect(lines.slice(-2)).toEqual([`${path.slice(1)} check passed`, ''])
    }
  })

  test('that fails says why', async () => {
    await using draining = await Running.start()
    await using server = await serve(draining.streams, { listen: 'none' })
    draining.streams.drain()
    const response = await server.fetch(new Request('http://localhost/readyz'))
    expect(response.status).toBe(503)
    expect((await response.text()).split('\n')).toEqual([
      '[+]state running',
      '[-]drain the instance is about to close',
      'readyz check failed',
      '',
    ])
    expect((await server.fetch(new Request('http://localhost/livez'))).status).toBe(200)
  })
})

describe('the OpenAPI document', () => {
  interface Document {
    readonly openapi: string
    readonly paths: Record<string, Record<string, { readonly security?: readonly object[] }>>
    readonly components: { readonly securitySchemes?: object }
  }

  test('has every route, as OpenAPI 3.1', async () => {
    const { openapi, paths } = (await json('/openapi.json')) as Document
    const routes = routesOf(running)
    expect(openapi).toBe('3.1.0')
    expect(Object.keys(paths)).toEqual([...new Set(routes.map(({ path }) => path)), '/openapi.json'])
    for (const { path, method } of routes) expect(paths[path]).toHaveProperty(method)
  })

  test('is kept by every answer: nothing more, and nothing less', async () => {
    const routes = routesOf(running)
    const simple = routes.filter(({ method, path }) => method === 'get' && !path.includes('{'))
    expect(simple.length).toBeGreaterThan(5)
    for (const { path, answers } of simple) {
      for (const accept of ['application/json', 'text/plain']) {
        const response = await get(path, { accept })
        const type = response.headers.get('content-type')!.split(';')[0]!
        const schema = answers[response.status]!.content[type]!
        const value: unknown = type === 'text/plain' ? await response.text() : await response.json()
        expect(schema.parse(value)).toEqual(value)
      }
    }
  })

  test('says that a token is needed where one is', async () => {
    const token = 'a-token-that-is-long'
    await using closed = await serve(running.streams, { listen: 'none', auth: { tokens: [{ token, role: 'read' }] } })
    const headers = { authorization: `Bearer ${token}` }
    const response = await closed.fetch(new Request('http://localhost/openapi.json', { headers }))
    const { paths, components } = (await response.json()) as Document
    expect(components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } })
    expect(paths['/v1/app']?.['get']?.security).toEqual([{ token: [] }])
    expect(paths['/livez']?.['get']?.security).toEqual([])
    const open = (await json('/openapi.json')) as Document
    expect(open.components.securitySchemes).toBeUndefined()
  })
})
