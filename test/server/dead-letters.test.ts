import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, Headers, memoryLog, readDeadLetters, string, Streams, topic } from 'millrace'
import { afterAll, describe, expect, test } from 'vitest'
import { serve, type Server, type ServerOptions, type ServerRole } from 'millrace/server'
import { letterJson } from '../../src/dead-letters/letter-json.ts'
import {
  addLetter,
  addLetters,
  all,
  createTopics,
  originHeaders,
  recordsIn,
  writeTexts,
} from '../dead-letters/letters.ts'
import { paymentsApp } from '../dead-letters/payments-app.ts'
import { until } from './support.ts'

const log = memoryLog()
const directory = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
const open: Streams[] = []
afterAll(async () => {
  await Promise.all(open.map((streams) => streams.close()))
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

interface Place {
  readonly streams: Streams
  readonly server: Server
  readonly payments: string
  readonly totals: string
  readonly rejected: string
  /** Ids of the letters of bob (no JSON), carol (not by the schema) and dave (refused by a function). */
  readonly ids: readonly [string, string, string]
}

/** An application that runs and has put three records aside, and its server, by which everybody may do everything. */
async function setUp(options: ServerOptions = { auth: 'none', deadLetters: true }): Promise<Place> {
  const { app, payments, totals, rejected } = paymentsApp(`letters${open.length}-`)
  await createTopics(log, [payments, totals.name, rejected], 1)
  await writeTexts(log, payments, [
    ['alice', '{"cents":200}', 1_000],
    ['bob', 'no json', 2_000, new Headers().add('trace', 'abc')],
    ['carol', '{"cents":"many"}', 3_000],
    ['dave', '{"cents":-5}', 4_000],
  ])
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  open.push(streams)
  await until(async () => (await recordsIn(log, rejected)).length === 3)
  const server = await serve(streams, { listen: 'none', ...options })
  const id = (offset: number): string => `${rejected}-0-${offset}`
  return { streams, server, payments, totals: totals.name, rejected, ids: [id(0), id(1), id(2)] }
}

/** What responses have, each some of it. */
interface Body {
  readonly code: string
  readonly hint: string
  readonly rows: readonly object[]
  readonly next: string | null
  readonly replayed: boolean
  readonly outcomes: readonly { readonly id: string; readonly problem?: { readonly code: string } }[]
  readonly paths: object
}

interface Answered {
  readonly status: number
  readonly body: Body
  readonly text: string
}

interface Asked {
  readonly server: Server
}

async function ask({ server }: Asked, path: string, init: RequestInit = {}): Promise<Answered> {
  const response = await server.fetch(new Request(`http://localhost${path}`, init))
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '')
  const text = await response.text()
  return { status: response.status, text, body: isJson ? JSON.parse(text) : {} }
}

function replay(place: Asked, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  return ask(place, '/v1/dead-letters/replay', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Asks all routes of dead letters. */
async function askAll(place: Place, headers: Record<string, string> = {}): Promise<Answered[]> {
  const paths = ['/v1/dead-letters', `/v1/dead-letters/${place.ids[0]}`]
  const shown = await Promise.all(paths.map((path) => ask(place, path, { headers })))
  return [...shown, await replay(place, { ids: [place.ids[0]], dryRun: true }, headers)]
}

const seen = ({ status, body }: Answered): string => (status < 400 ? 'fine' : `${status} ${body.code}`)

describe('dead letters over HTTP', () => {
  test('are off: nobody is shown that there are any, and who may read is shown how they are turned on', async () => {
    const place = await setUp({ auth: 'none' })
    for (const answered of await askAll(place)) {
      expect(seen(answered)).toBe('404 MR_SERVER_ROUTE')
      expect(answered.body.hint).toContain('deadLetters of serve()')
    }
    const { paths } = (await ask(place, '/openapi.json')).body
    expect(Object.keys(paths).filter((path) => path.includes('dead'))).toEqual([])
    await using closed = await serve(place.streams, { listen: 'none' })
    expect((await askAll({ ...place, server: closed })).map(seen)).toEqual(Array(3).fill('403 MR_SERVER_OPEN'))
  })

  test('cannot be turned on where there are none', async () => {
    const words = topic('words', { key: string(), value: string() })
    const app = defineApp({ id: 'plain', build: (builder) => builder.stream(words).to('copies') })
    await createTopics(log, ['words', 'copies'])
    await using streams = await Streams.start(app, { log, stateDirectory: directory })
    await expect(serve(streams, { listen: 'none', deadLetters: true })).rejects.toMatchObject({
      code: 'MR_CONFIG',
      hint: expect.stringContaining('deadLetterTopic'),
    })
  })
})

describe('the role of dead letters', () => {
  const tokens: Readonly<Record<ServerRole, string>> = {
    read: 'a-token-that-may-read',
    write: 'a-token-that-may-write',
    control: 'a-token-that-may-control',
    'dead-letters': 'a-token-for-dead-letters',
    'topics.read': 'a-token-that-reads-topics',
    'topics.write': 'a-token-that-writes-topics',
  }
  const both = 'a-token-with-two-roles'
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  test('is included in no other, and includes none', async () => {
    const given = Object.entries(tokens).map(([role, token]) => ({ token, role: role as ServerRole }))
    const twice = (['read', 'dead-letters'] as const).map((role) => ({ token: both, role }))
    const place = await setUp({ deadLetters: true, auth: { tokens: [...given, ...twice] } })
    for (const role of ['read', 'write', 'control', 'topics.read', 'topics.write'] as const) {
      const answers = await askAll(place, bearer(tokens[role]))
      expect(answers.map(seen)).toEqual(Array(3).fill('403 MR_SERVER_ROLE'))
      expect(answers[0]?.body.hint).toContain('dead-letters')
    }
    for (const token of [tokens['dead-letters'], both]) {
      expect((await askAll(place, bearer(token))).map(seen)).toEqual(['fine', 'fine', 'fine'])
      const stored = await ask(place, '/v1/app', { headers: bearer(token) })
      expect(seen(stored)).toBe(token === both ? 'fine' : '403 MR_SERVER_ROLE')
    }
    expect((await askAll(place)).map(seen)).toEqual(Array(3).fill('401 MR_SERVER_UNAUTHORIZED'))
    const wrong = await ask(place, '/v1/dead-letters', { method: 'PUT', headers: bearer(tokens['dead-letters']) })
    expect(seen(wrong)).toBe('405 MR_SERVER_METHOD')
    const nowhere = await ask(place, '/v1/nothing', { headers: bearer(tokens['dead-letters']) })
    expect(seen(nowhere)).toBe('404 MR_SERVER_ROUTE')
    expect(seen(await ask(place, '/livez'))).toBe('fine')
  })

  test('is nobody’s on the loopback address without tokens', async () => {
    const place = await setUp()
    await using server = await serve(place.streams, { listen: 0, deadLetters: true })
    const refused = (await (await fetch(`${server.address!.url}/v1/dead-letters`)).json()) as object
    expect(refused).toMatchObject({ status: 403, code: 'MR_SERVER_ROLE' })
    expect((await fetch(`${server.address!.url}/v1/app`)).status).toBe(200)
  })
})

describe('a list of dead letters', () => {
  test('shows what reading them shows, page by page, line by line, and each alone', async () => {
    const place = await setUp()
    await addLetter(log, place.rejected, new Headers(), 'k', 'v')
    const shown = (await all(readDeadLetters(place.streams.app, log))).map(letterJson)
    const expected = JSON.parse(JSON.stringify(shown)) as { id: string; kind: string; replayed?: boolean }[]
    expect(expected.map(({ kind }) => kind)).toEqual([...Array(3).fill('dead-letter'), 'other'])
    expect((await ask(place, '/v1/dead-letters')).body).toEqual({ rows: expected, next: null })
    const pages: unknown[] = []
    for (let next: string | null = ''; next !== null;) {
      const { body }: Answered = await ask(place, `/v1/dead-letters?limit=1${next === '' ? '' : `&cursor=${next}`}`)
      pages.push(...body.rows)
      next = body.next
    }
    expect(pages).toEqual(expected)
    const lines = await ask(place, '/v1/dead-letters', { headers: { accept: 'application/x-ndjson' } })
    expect(
      lines.text
        .trimEnd()
        .split('\n')
        .map(JSON.parse as (line: string) => unknown),
    ).toEqual([...expected, { end: true, rows: 4, next: null }])
    for (const letter of expected) {
      expect((await ask(place, `/v1/dead-letters/${letter.id}`)).body).toEqual(letter)
    }
    const { replayed, ...rest } = expected[0]!
    expect(replayed).toBe(false)
    expect((await ask(place, `/v1/dead-letters/${place.ids[0]}?replays=false`)).body).toEqual(rest)
  })

  test('shows nothing of other topics, and says of ids of nowhere that there is nothing', async () => {
    const place = await setUp()
    await replay(place, { ids: [place.ids[0]] })
    const mark = `${place.rejected}-0-3`
    for (const id of [`${place.payments}-0-0`, mark, `${place.rejected}-7-0`, 'no id', '%00']) {
      const answered = await ask(place, `/v1/dead-letters/${encodeURIComponent(id)}`)
      expect(seen(answered)).toBe('404 MR_DEAD_LETTER_UNKNOWN')
    }
    expect(seen(await ask(place, '/v1/dead-letters/replay'))).toBe('405 MR_SERVER_METHOD')
    for (const query of [`cursor=${place.payments}-0-0`, 'cursor=x', 'limit=0', 'replays=2', 'timeout=0x', 'topic=t']) {
      expect(seen(await ask(place, `/v1/dead-letters?${query}`))).toBe('400 MR_SERVER_REQUEST')
    }
    expect((await ask(place, `/v1/dead-letters?cursor=${place.rejected}-99-0`)).body).toEqual({ rows: [], next: null })
  })

  test('is waited for as long as the client says, while a transaction is open in the topic', async () => {
    const place = await setUp()
    const openReader = log.openReader.bind(log)
    // Readers of the log in memory see of no transaction that it is open.
    log.openReader = () => Object.assign(openReader(), { poll: () => 0 })
    for (const path of ['', `/${place.ids[0]}`]) {
      expect(seen(await ask(place, `/v1/dead-letters${path}?timeout=50`))).toBe('504 MR_QUERY_TIMEOUT')
    }
    log.openReader = openReader
    expect((await ask(place, '/v1/dead-letters?timeout=50')).body.rows).toHaveLength(3)
    // What is at hand takes no waiting.
    expect((await ask(place, '/v1/dead-letters?timeout=0')).body.rows).toHaveLength(3)
  })

  test('of thousands leaves time for the application and its probes', async () => {
    const place = await setUp()
    await addLetters(log, place.rejected, originHeaders(place.payments, 0, 0), 40_000)
    const listed = ask(place, '/v1/dead-letters?replays=true&limit=1')
    let turns = 0
    let isDone = false
    void listed.then(() => (isDone = true))
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve))
      turns++
    }
    expect((await listed).body.rows).toHaveLength(1)
    expect(turns).toBeGreaterThan(5)
  })
})

describe('a replay over HTTP', () => {
  test('is processed while the application runs, once, and again only if that is asked for', async () => {
    const place = await setUp()
    const { payments, totals, ids } = place
    const [id] = ids
    const request = { ids: [id], patch: { value: { cents: 300 }, headers: { trace: null, by: 'support' } } }
    const before = await recordsIn(log, payments)
    const shown = await replay(place, { ...request, dryRun: true })
    expect(await recordsIn(log, payments)).toEqual(before)
    const done = await replay(place, request)
    expect([done.status, done.body]).toEqual([200, shown.body])
    expect(done.body.outcomes).toEqual([
      {
        id,
        replay: {
          topic: payments,
          partition: 0,
          timestamp: 2000,
          headers: [
            ['by', 'support'],
            ['millrace.replay-of', id],
          ],
          key: 'bob',
          value: '{"cents":300}',
        },
      },
    ])
    await until(async () => (await recordsIn(log, totals)).length === 2)
    expect((await recordsIn(log, payments)).length).toBe(before.length + 1)
    expect((await ask(place, `/v1/dead-letters/${id}`)).body.replayed).toBe(true)

    const second = await replay(place, request)
    expect(second.status).toBe(409)
    expect(second.body).toMatchObject({
      code: 'MR_DEAD_LETTER_REPLAYED',
      outcomes: [{ id, problem: { status: 409, code: 'MR_DEAD_LETTER_REPLAYED' } }],
    })
    expect((await recordsIn(log, payments)).length).toBe(before.length + 1)
    expect((await replay(place, { ...request, again: true })).status).toBe(200)
    await until(async () => (await recordsIn(log, totals)).length === 3)
  })

  test('says of each what became of it, and replays those that can go back', async () => {
    const place = await setUp()
    const { payments, rejected, ids } = place
    const foreign = await addLetter(log, rejected, originHeaders(`${payments}-of-others`, 0, 0))
    const none = await addLetter(log, rejected, new Headers())
    await replay(place, { ids: [ids[1]] })
    const count = (await recordsIn(log, payments)).length
    const far = `${rejected}-0-${Number.MAX_SAFE_INTEGER}`
    const asked = [ids[0], ids[1], foreign, none, far, `${payments}-0-0`, 'x', ids[0], ids[2]]
    for (const dryRun of [true, false]) {
      const { status, body } = await replay(place, { ids: asked, dryRun })
      expect([status, body.code]).toEqual([409, 'MR_DEAD_LETTER_REPLAYED'])
      expect(body.outcomes.map(({ id }) => id)).toEqual(asked)
      expect(body.outcomes.map(({ problem }) => problem?.code ?? 'replayed')).toEqual([
        'replayed',
        'MR_DEAD_LETTER_REPLAYED',
        'MR_DEAD_LETTER_ORIGIN',
        'MR_DEAD_LETTER_INVALID',
        'MR_DEAD_LETTER_UNKNOWN',
        'MR_DEAD_LETTER_UNKNOWN',
        'MR_DEAD_LETTER_UNKNOWN',
        'replayed',
        'replayed',
      ])
    }
    expect((await recordsIn(log, payments)).length).toBe(count + 2)
    // What is asked for once more because the answer was lost is not written twice.
    const { body } = await replay(place, { ids: asked })
    expect(body.outcomes.some((outcome) => 'replay' in outcome)).toBe(false)
    expect((await recordsIn(log, payments)).length).toBe(count + 2)
  })

  test('waits for those before it: at the same time each is written once', async () => {
    const place = await setUp()
    const { payments, ids } = place
    const count = (await recordsIn(log, payments)).length
    const requests = [[ids[0]], [ids[1], ids[0]], [ids[2]], [ids[0]], [ids[1]]]
    const answers = await Promise.all(requests.map((each) => replay(place, { ids: each })))
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 200, 409, 409])
    expect((await recordsIn(log, payments)).length).toBe(count + 3)
  })

  test('writes nothing that the serdes of the topic refuse', async () => {
    const place = await setUp()
    const { payments, ids } = place
    const count = (await recordsIn(log, payments)).length
    const twice = { ids: [ids[0], ids[0]], patch: { value: { cents: 1 } }, dryRun: true }
    expect(seen(await replay(place, twice))).toBe('fine')
    for (const patch of [{ value: 'text' }, { value: { cents: 1.5 } }, { key: 5 }]) {
      expect(seen(await replay(place, { ids: [ids[0]], patch }))).toBe('400 MR_DEAD_LETTER_PATCH')
    }
    expect((await recordsIn(log, payments)).length).toBe(count)
  })

  test('takes no body that is none of its own', async () => {
    const place = await setUp()
    const { payments, ids } = place
    const count = (await recordsIn(log, payments)).length
    const bodies: unknown[] = [
      null,
      [],
      {},
      { ids: [] },
      { ids: 'x' },
      { ids: [5] },
      { ids: Array(1001).fill(ids[0]) },
      { ids: [ids[0]], to: [payments] },
      { ids: [ids[0]], dryRun: 'yes' },
      { ids: [ids[0]], patch: [] },
      { ids: [ids[0]], patch: { values: {} } },
      { ids: [ids[0]], patch: { headers: { a: 5 } } },
      { ids: [ids[0]], patch: { headers: { 'millrace.replay-of': 'x' } } },
      { ids: [ids[0]], patch: { value: { cents: 2 ** 53 } } },
      { ids: [ids[0], ids[1]], patch: { value: { cents: 5 } } },
    ]
    for (const body of bodies) expect([body, seen(await replay(place, body))]).toEqual([body, '400 MR_SERVER_REQUEST'])
    const untyped = await ask(place, '/v1/dead-letters/replay', { method: 'POST', body: `{"ids":["${ids[0]}"]}` })
    expect(seen(untyped)).toBe('415 MR_SERVER_MEDIA_TYPE')
    const crossed = await replay(place, { ids: [ids[0]] }, { origin: 'https://evil.example' })
    expect(seen(crossed)).toBe('403 MR_SERVER_ORIGIN')
    expect((await recordsIn(log, payments)).length).toBe(count)
  })
})
