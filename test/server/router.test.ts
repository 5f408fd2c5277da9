import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from '@hono/zod-openapi'
import { beforeEach, describe, expect, test } from 'vitest'
import { MillraceError, type Logger } from 'millrace'
import { Access } from '../../src/server/access/access.ts'
import { Tokens } from '../../src/server/access/tokens.ts'
import { jsonAnswer, respond, route } from '../../src/server/http/route.ts'
import { Router } from '../../src/server/http/router.ts'
import type { ServerRole } from '../../src/server/access/role.ts'

const Echo = z.object({ name: z.string(), tags: z.array(z.unknown()) })

let lines: object[]
let logger: Logger
beforeEach(() => {
  lines = []
  const line = (fields: object, message: string): void => void lines.push({ ...fields, message })
  logger = { debug: line, info: line, warn: line, error: line }
})

/** What a route throws. */
let thrown: unknown

const routes = [
  route({
    method: 'post',
    path: '/echo/{name}',
    needs: 'read',
    summary: 'Gives back what it was given',
    parameters: { name: z.string() },
    body: z.strictObject({ tags: z.array(z.unknown()) }),
    answers: { 200: jsonAnswer('it', Echo) },
    answer: ({ path, body }) => respond(Echo, { name: path.name, tags: body.tags }),
  }),
  ...(['read', 'write', 'control'] as const).map((needs) =>
    route({
      method: 'get',
      path: `/${needs}`,
      needs,
      summary: 'Says that it was allowed',
      answers: { 200: jsonAnswer('yes', z.literal(true)) },
      answer: () => Response.json(true),
    }),
  ),
  route({
    method: 'get',
    path: '/throw',
    needs: 'nothing',
    summary: 'Fails',
    answers: {},
    answer() {
      throw thrown
    },
  }),
]

const isPeer = async (): Promise<boolean> => false

function router(auth: Tokens | 'none' | 'not given' = 'none'): Router {
  const given = auth === 'not given' ? undefined : auth
  const access = new Access({ auth: given, hosts: [], origins: [], isLoopback: true, isPeer, logger })
  return new Router({ routes, access, mostBody: 1000, origins: [], logger, count() {} })
}

function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  type = 'application/json',
  path = '/echo/a',
): Request {
  return new Request(`http://localhost${path}`, {
    method: 'POST',
    body,
    duplex: 'half',
    headers: type === '' ? {} : { 'content-type': type },
  })
}

async function seen(response: Promise<Response>): Promise<[number, unknown]> {
  const { status, body } = await response.then(async (one) => ({
    status: one.status,
    body: (await one.json()) as object,
  }))
  return [status, Reflect.get(Object(body), 'code') ?? body]
}

function chunks(count: number): ReadableStream {
  let sent = 0
  return new ReadableStream({
    pull: (controller) => (sent++ < count ? controller.enqueue(new Uint8Array(100).fill(32)) : controller.close()),
  })
}

function nested(depth: number): string {
  return `{"tags":${'['.repeat(depth)}${']'.repeat(depth)}}`
}

describe('a route with a body', () => {
  test('gets what fits', async () => {
    expect(await seen(router().handle(post('{"tags":[1,"ä\\"[[["]}'), 'fetch'))).toEqual([
      200,
      { name: 'a', tags: [1, 'ä"[[['] },
    ])
    const plus = post('{"tags":[]}', 'application/json; charset=utf-8', '/echo/a%2Fb%25')
    expect(await seen(router().handle(plus, 'fetch'))).toEqual([200, { name: 'a/b%', tags: [] }])
  })

  test.each<[string, () => Request, [number, string]]>([
    ['a form of a web page', () => post('tags=1', 'application/x-www-form-urlencoded'), [415, 'MR_SERVER_MEDIA_TYPE']],
    ['text that is JSON', () => post('{"tags":[]}', 'text/plain'), [415, 'MR_SERVER_MEDIA_TYPE']],
    ['a body without a type', () => post(new Uint8Array(2), ''), [415, 'MR_SERVER_MEDIA_TYPE']],
    ['no body', () => post(null), [400, 'MR_SERVER_REQUEST']],
    ['what is no JSON', () => post('{"tags":'), [400, 'MR_SERVER_REQUEST']],
    ['what is no UTF-8', () => post(new Uint8Array([34, 255, 34])), [400, 'MR_SERVER_REQUEST']],
    ['another shape', () => post('{"tags":1}'), [400, 'MR_SERVER_REQUEST']],
    ['more than it asks for', () => post('{"tags":[],"more":1}'), [400, 'MR_SERVER_REQUEST']],
    ['a body that is nested too deeply', () => post(nested(200)), [400, 'MR_SERVER_REQUEST']],
    ['a body that is too large', () => post(`{"tags":["${'x'.repeat(1000)}"]}`), [413, 'MR_SERVER_BODY']],
    ['an endless body', () => post(chunks(Infinity)), [413, 'MR_SERVER_BODY']],
    ['a large body that is said to be small', () => withLength(post(chunks(20)), '2'), [413, 'MR_SERVER_BODY']],
    ['a small body that is said to be large', () => withLength(post('{}'), '2000000000'), [413, 'MR_SERVER_BODY']],
  ])('refuses %s', async (_what, request, expected) => {
    expect(await seen(router().handle(request(), 'fetch'))).toEqual(expected)
    expect(lines).toEqual([])
  })

  test('takes a body of 10,000 nested arrays without a failure', async () => {
    const access = new Access({ auth: 'none', hosts: [], origins: [], isLoopback: true, isPeer, logger })
    const wide = new Router({ routes, access, mostBody: 1_000_000, origins: [], logger, count() {} })
    expect(await seen(wide.handle(post(nested(10_000)), 'fetch'))).toEqual([400, 'MR_SERVER_REQUEST'])
  })

  test('is described with its parameters, its body and its problems', async () => {
    const response = await router().handle(new Request('http://localhost/openapi.json'), 'fetch')
    const { paths } = (await response.json()) as { readonly paths: Record<string, { readonly post: object }> }
    expect(paths['/echo/{name}']?.post).toMatchObject({
      parameters: [{ name: 'name', in: 'path', required: true }],
      requestBody: { required: true, content: { 'application/json': { schema: { required: ['tags'] } } } },
      responses: { 200: {}, default: { content: { 'application/problem+json': {} } } },
    })
  })
})

function withLength(request: Request, length: string): Request {
  request.headers.set('content-length', length)
  return request
}

describe('a role', () => {
  const token = (role: ServerRole): string => `token-of-${role}-token`

  test('may do what those before it may', async () => {
    const roles = ['read', 'write', 'control'] as const
    const sources = roles.map((role) => ({ source: { kind: 'token' as const, text: token(role) }, role }))
    const asked = router(await Tokens.open(sources, logger))
    const statusOf = async (path: string, role: ServerRole): Promise<number> => {
      const headers = { authorization: `Bearer ${token(role)}` }
      return (await asked.handle(new Request(`http://localhost/${path}`, { headers }), 'fetch')).status
    }
    const table = await Promise.all(roles.map((role) => Promise.all(roles.map((path) => statusOf(path, role)))))
    expect(table).toEqual([
      [200, 403, 403],
      [200, 200, 403],
      [200, 200, 200],
    ])
  })

  test('is read for those on this machine, where nobody has a token', async () => {
    const asked = router('not given')
    const statusOf = async (path: string): Promise<[number, unknown]> =>
      await seen(asked.handle(new Request(`http://localhost/${path}`), 'socket'))
    expect(await statusOf('read')).toEqual([200, true])
    expect(await statusOf('write')).toEqual([403, 'MR_SERVER_ROLE'])
    expect(await statusOf('control')).toEqual([403, 'MR_SERVER_ROLE'])
  })
})

describe('a route that fails', () => {
  test.each([
    ['an error', new Error('the password is mill')],
    ['an error of Millrace that is not for clients', new MillraceError('MR_ENGINE', 'the password is mill')],
    ['no error', 'the password is mill'],
    ['nothing', undefined],
  ])('with %s shows nothing of it, and logs it', async (_what, what) => {
    thrown = what
    const response = await router().handle(new Request('http://localhost/throw'), 'fetch')
    expect([response.status, await response.json()]).toEqual([
      500,
      {
        title: 'Internal Server Error',
        status: 500,
        code: 'MR_SERVER_FAILED',
        detail: 'the request failed',
        hint: 'See the log of the application.',
      },
    ])
    expect(lines).toEqual([{ code: 'MR_SERVER_FAILED', err: what, message: 'a request failed' }])
  })

  test('with an error for clients shows its place', async () => {
    thrown = new MillraceError('MR_CLOSED', 'not now', { store: 'totals', partition: 3, hint: 'Ask later.' })
    const response = await router().handle(new Request('http://localhost/throw'), 'fetch')
    expect(await response.json()).toEqual({
      title: 'Service Unavailable',
      status: 503,
      code: 'MR_CLOSED',
      detail: 'not now (store=totals, partition=3)',
      hint: 'Ask later.',
      store: 'totals',
      partition: 3,
    })
  })
  test('by a query has the status that docs/errors.md says, and says when to try again', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
    const rows = [...page.matchAll(/^\| (\d{3}) +\| (.+?) +\|$/gm)]
    const documented = rows.flatMap(([, status, codes]) =>
      [...codes!.matchAll(/`(MR_\w+)`/g)].map(([, code]) => [code, Number(status)] as const),
    )
    expect(documented.length).toBeGreaterThan(15)
    for (const [code, status] of documented) {
      thrown = new MillraceError(code!, 'not now')
      const response = await router().handle(new Request('http://localhost/throw'), 'fetch')
      expect([code, response.status]).toEqual([code, status])
      expect(response.headers.has('retry-after')).toBe(status === 429 || status === 503)
    }
  })
})
