import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve, type Server } from 'millrace/server'
import { buildConsole } from '../../console/build.ts'
import { readFiles } from '../../src/server/routes/pages/files.ts'
import { Running } from '../server/support.ts'

/** Bytes that the whole console may take on the wire. */
const MOST = 120 * 1024

let sizes: ReadonlyMap<string, number>
let running: Running
let server: Server
beforeAll(async () => {
  sizes = await buildConsole()
  running = await Running.start()
  server = await serve(running.streams, { listen: '127.0.0.1:0' })
})
afterAll(() => running[Symbol.asyncDispose]())

const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.address!.url}${path}`, { redirect: 'manual', ...init })

describe('the console', () => {
  test('is smaller than 120 KB on the wire, with its fonts', () => {
    const sent = [...sizes].filter(([name]) => name !== 'licenses.txt')
    expect(sent.reduce((sum, [, size]) => sum + size, 0)).toBeLessThan(MOST)
  })

  test('is found under /console, which leads to it, whatever stands before the server', async () => {
    const response = await get('/console')
    expect([response.status, response.headers.get('location')]).toEqual([308, 'console/'])
    const page = await (await get('/console/')).text()
    const names = Array.from(page.matchAll(/(?:href|src)="([^"]+)"/g), ([, name = '']) => name)
    const responses = await Promise.all(names.map((name) => get(`/console/${name}`)))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test.each([
    ['', 'text/html; charset=utf-8'],
    ['.js', 'text/javascript; charset=utf-8'],
    ['.css', 'text/css; charset=utf-8'],
    ['.svg', 'image/svg+xml'],
    ['.woff2', 'font/woff2'],
    ['.txt', 'text/plain; charset=utf-8'],
  ])('sends files %s as %s, under a policy that lets the page ask its own server alone', async (ending, type) => {
    const name = ending === '' ? '' : [...sizes.keys()].find((each) => each.endsWith(ending))
    const { status, headers } = await get(`/console/${name}`)
    expect([status, headers.get('content-type')]).toEqual([200, type])
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'self';.*frame-ancestors 'none'/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-cache')
  })

  test('sends a file again only if it is another one', async () => {
    const etag = (await get('/console/')).headers.get('etag') ?? ''
    const known = await get('/console/', { headers: { 'if-none-match': `"other", ${etag}` } })
    expect([known.status, await known.text()]).toEqual([304, ''])
    expect((await get('/console/', { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    const head = await get('/console/', { method: 'HEAD' })
    expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, ''])
  })

  test.each([
    '..%2f..%2fpackage.json',
    '%2e%2e%2fserver%2findex.js',
    'console/../../package.json',
    'nothing.js',
    '%00',
  ])('sends nothing but its own files: not %s', async (name) => {
    const response = await get(`/console/${name}`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'MR_SERVER_ROUTE' })
  })

  test('takes no other method', async () => {
    const response = await get('/console/', { method: 'POST' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('that was not built has no files, and other files beside it are not taken for its own', () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-console-'))
    expect(readFiles(join(directory, 'nowhere')).size).toBe(0)
    writeFileSync(join(directory, 'index.html'), '<p>')
    writeFileSync(join(directory, 'notes.key'), 'secret')
    expect([...readFiles(directory).keys()]).toEqual(['index.html'])
    rmSync(directory, { recursive: true })
  })
})

describe('pages of the user', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-pages-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  test('are shown under their names, beside the routes of the server', async () => {
    writeFileSync(join(directory, 'index.html'), '<script src="page.js"></script>')
    writeFileSync(join(directory, 'page.js'), 'fetch("../v1/app")')
    await using shown = await serve(running.streams, { listen: '127.0.0.1:0', pages: { board: directory } })
    const { url } = shown.address!
    expect(await (await fetch(`${url}/board`)).text()).toBe('<script src="page.js"></script>')
    expect(await (await fetch(`${url}/board/page.js`)).text()).toBe('fetch("../v1/app")')
    expect((await fetch(`${url}/board/other.js`)).status).toBe(404)
    expect((await fetch(`${url}/v1/app`)).status).toBe(200)
  })

  test.each([
    [{ v1: directory }, 'is a path of the server'],
    [{ '../etc': directory }, 'is no name of a page'],
    [{ board: '' }, 'pages.board'],
    [{ board: tmpdir() }, 'the page board of serve() has no index.html in'],
    ['board', 'pages'],
  ])('of %j are refused when the server starts', async (pages, message) => {
    await expect(serve(running.streams, { listen: 'none', pages: pages as never })).rejects.toMatchObject({
      code: 'MR_CONFIG',
      message: expect.stringContaining(message),
    })
  })
})

test('on a wider address without tokens the files are there, and no figures', async () => {
  await using wide = await serve(running.streams, { listen: '0.0.0.0:0' })
  const { url } = wide.address!
  expect((await fetch(`${url}/console/`)).status).toBe(200)
  const response = await fetch(`${url}/console/overview`)
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ code: 'MR_SERVER_OPEN' })
})

test('what an instance shows to others is shown to nobody else', async () => {
  const response = await get('/internal/v1/view')
  expect(response.status).toBe(401)
})
