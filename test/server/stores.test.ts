import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bytes,
  int64,
  json,
  long,
  memoryLog,
  session,
  string,
  topic,
  TopicWriter,
  tumbling,
  untilWindowCloses,
} from 'millrace'
import type { Topic } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { FAMILIES } from '../../src/server/routes/families.ts'
import { Running, until } from './support.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const payments = topic('payments', { key: string(), value: json<{ cents: number }>() })
const prices = topic('prices', { key: string(), value: json<unknown>() })
const ledger = topic('ledger', { key: int64(), value: int64() })
const blobs = topic('blobs', { key: long(), value: bytes() })
const points = topic('points', { key: json<unknown>(), value: string() })
const rates = topic('rates', { key: string(), value: string() })

/** Keys that a URL has to encode, or cannot have in its path. */
const NASTY = ['a/b', '', '.', '..', '%', '%41', 'ä ö', '?a=b&c#d', '日本', '+', 'a%2Fb', '"', '\\']

const log = memoryLog()
let running: Running
let server: Server
beforeAll(async () => {
  const topics: readonly { readonly name: string }[] = [payments, prices, ledger, blobs, points, rates]
  await log.createTopics(topics.map(({ name }) => ({ name, partitions: 3 })))
  await write(rates, ['EUR', '1.1', 5])
  await write(payments, ...NASTY.map((key) => [key, { cents: 1 }, 0] as const))
  await write(payments, ['alice', { cents: 5 }, 10], ['alice', { cents: 5 }, 20], ['bob', { cents: 1 }, 30])
  await write(payments, ['alice', { cents: 5 }, 5 * MINUTE], ['bob', { cents: 1 }, 12 * 60 * MINUTE])
  await write(prices, ['tea', 3, 0], ['tea', { amount: 4 }, MINUTE], ['tea', null, 3 * MINUTE], ['tea', 5, 4 * MINUTE])
  await write(ledger, [1n, 10n, 0], [2n ** 62n, 2n ** 62n + 1n, 0])
  await write(blobs, [-7, Buffer.from([0, 255]), 0], [9_007_199_254_740_991, Buffer.alloc(0), 0])
  await write(points, [{ x: 1, y: [2] }, 'here', 0], ['text', 'there', 0], [12, 'number', 0], ['12', 'digits', 0])
  running = await Running.start(
    {
      commitInterval: '10ms',
      build: (builder) => {
        builder.globalTable(rates, { store: 'rates' })
        const paid = builder.stream(payments).groupByKey()
        paid.count({ store: 'counts' })
        paid.windowedBy(tumbling('1m', { grace: '1d' })).count({ store: 'minutes' })
        paid.windowedBy(session('30s', { grace: '1d' })).count({ store: { name: 'visits', retention: '2d' } })
        builder.table(prices, { store: { name: 'history', versioned: { history: '1d' } } })
        builder.table(ledger, { store: 'balances' })
        builder.table(blobs, { store: 'blobs' })
        builder.table(points, { store: 'points' })
        paid.windowedBy(tumbling('1d')).count().suppress(untilWindowCloses(), { name: 'held' })
      },
    },
    { log },
  )
  server = await serve(running.streams, { listen: 'none', auth: 'none' })
  await until(() => running.streams.status().processed === 30)
}, 60_000)
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await log.close()
})

async function write<K, V>(to: Topic<K, V>, ...records: readonly (readonly [K, V | null, number])[]): Promise<void> {
  await using writer = await TopicWriter.open(log, to)
  for (const [key, value, timestamp] of records) writer.write(key, value as V, { timestamp })
  await writer.flush()
}

async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return server.fetch(new Request(`http://localhost/v1/stores/${path}`, { headers }))
}

interface Page {
  readonly rows: readonly Record<string, unknown>[]
  readonly next: string | null
  readonly partitions: readonly object[]
}

async function page(path: string): Promise<Page> {
  const response = await get(path)
  const page = (await response.json()) as Page
  expect({ path, status: response.status, page }).toMatchObject({ status: 200 })
  return page
}

async function lines(path: string): Promise<readonly Record<string, unknown>[]> {
  const response = await get(path, { accept: 'application/x-ndjson' })
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  const text = await response.text()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

async function value(path: string): Promise<unknown> {
  return ((await (await get(path)).json()) as { readonly value?: unknown }).value
}

/** The status of a response, and the code of its problem. */
async function outcome(path: string, headers?: Record<string, string>): Promise<string> {
  const response = await get(path, headers)
  const text = await response.text()
  return `${response.status} ${(JSON.parse(text) as { readonly code?: string }).code}`
}

/** A position in all partitions of a topic. */
function at(topic: string, offset: number): string {
  const offsets = { 0: offset, 1: offset, 2: offset }
  return Buffer.from(JSON.stringify({ [topic]: offsets })).toString('base64url')
}

function position(response: Response): unknown {
  return JSON.parse(Buffer.from(response.headers.get('millrace-position')!, 'base64url').toString())
}

describe('the row of a key', () => {
  test('says what it is, whose, and as of when', async () => {
    const response = await get('counts/entries/alice')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      key: 'alice',
      value: 3,
      timestamp: 5 * MINUTE,
      partition: expect.toBeOneOf([0, 1, 2]),
      role: 'active',
      lag: 0,
      age: 0,
      consistency: 'latest',
    })
    expect(position(response)).toHaveProperty('payments')
    await until(async () => (await value('counts/entries/alice?consistency=committed')) === 3)
    expect(await (await get('rates/entries/EUR')).json()).toMatchObject({
      value: '1.1',
      partition: null,
      role: 'global',
    })
  })

  test('is at the position of an earlier answer, or waited for', async () => {
    const position = (await get('counts/entries/alice')).headers.get('millrace-position')
    expect(await value(`counts/entries/alice?at=${position}&consistency=committed`)).toBe(3)
    expect(await value(`counts/entries/alice?at=${at('payments', 1)}`)).toBe(3)
  })

  test('is sent once to a client that sends its ETag back', async () => {
    const response = await get('counts/entries/alice')
    const etag = response.headers.get('etag')!
    for (const tag of [etag, `"other", ${etag}`, etag.replace('W/', ''), '*']) {
      const again = await get('counts/entries/alice', { 'if-none-match': tag })
      expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, ''])
    }
    expect((await get('counts/entries/bob', { 'if-none-match': etag })).status).toBe(200)
  })

  test.each(NASTY)('is found by the key %j, in ?key= and, if a path can have it, in the path', async (key) => {
    const encoded = encodeURIComponent(key)
    expect(await value(`counts/entries?key=${encoded}`)).toBe(1)
    if (!['', '.', '..'].includes(key)) expect(await value(`counts/entries/${encoded}`)).toBe(1)
  })

  test('is found by keys of any serde, as JSON, base64 or hex', async () => {
    const json = encodeURIComponent('{"x":1,"y":[2]}')
    expect(await value(`points/entries/${json}`)).toBe('here')
    expect(await value('points/entries/%22text%22')).toBe('there')
    expect(await value('points/entries/12')).toBe('number')
    expect(await value('points/entries/%2212%22')).toBe('digits')
    expect(await value('points/entries/text?keyAs=text')).toBe('there')
    expect(await value(`points/entries?keyAs=hex&key=${Buffer.from('"text"').toString('hex')}`)).toBe('there')
    expect(await value('counts/entries?keyAs=json&key=%22alice%22')).toBe(3)
    for (const form of ['base64', 'base64url'] as const) {
      expect(await value(`counts/entries/${Buffer.from('日本').toString(form)}?keyAs=base64`)).toBe(1)
    }
    expect(await value('balances/entries/1')).toBe('10')
    expect(await value('balances/entries/4611686018427387904')).toBe('4611686018427387905')
    expect(await value('balances/entries/%224611686018427387904%22')).toBe('4611686018427387905')
    expect(await value('blobs/entries/-7')).toEqual({ base64: 'AP8=' })
    expect(await value('blobs/entries/9007199254740991')).toEqual({ base64: '' })
    expect(await value('history/entries/tea')).toBe(5)
  })

  test.each([
    ['counts/entries/nobody', '404 MR_QUERY_KEY_ABSENT'],
    ['rates/entries/USD', '404 MR_QUERY_KEY_ABSENT'],
    ['nothing/entries/alice', '404 MR_STORE_UNKNOWN'],
    ['minutes/entries/alice', '409 MR_QUERY_KIND'],
    ['counts/windows/alice', '409 MR_QUERY_KIND'],
    ['counts/sessions', '409 MR_QUERY_KIND'],
    ['counts/versions/alice', '409 MR_QUERY_KIND'],
    ['counts/entries/alice?partition=3', '404 MR_QUERY_PARTITION'],
    ['blobs/entries/x', '400 MR_QUERY_KEY'],
    ['blobs/entries/1.5', '400 MR_QUERY_KEY'],
    ['blobs/entries/9007199254740992', '400 MR_QUERY_KEY'],
    ['blobs/entries/null', '400 MR_QUERY_KEY'],
    ['blobs/entries/text?keyAs=text', '400 MR_QUERY_KEY'],
    ['blobs/entries/abc?keyAs=hex', '400 MR_QUERY_KEY'],
    ['blobs/entries/0102?keyAs=hex', '400 MR_QUERY_KEY'],
    ['blobs/entries/a?keyAs=base64', '400 MR_QUERY_KEY'],
    ['balances/entries/9223372036854775808', '400 MR_QUERY_KEY'],
    ['points/entries?key=[9007199254740993]', '400 MR_QUERY_KEY'],
    ['points/entries/{', '400 MR_QUERY_KEY'],
    ['counts/entries/%ff', '400 MR_SERVER_REQUEST'],
    ['counts/entries?key=%ff', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?key=bob', '400 MR_SERVER_REQUEST'],
    ['counts/entries?key=alice&key=bob', '400 MR_SERVER_REQUEST'],
    ['counts/entries?key=alice&limit=3', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?keyAs=xml', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?consistency=some', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?timeout=61s', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?timeout=60001', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?timeout=-1', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?maxLag=1e3', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?maxLag=9999999999', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?partition=-1', '400 MR_SERVER_REQUEST'],
    ['counts/entries/alice?at=x', '400 MR_SERVER_REQUEST'],
    [`counts/entries/alice?at=${at('payments', 0.5)}`, '400 MR_SERVER_REQUEST'],
    [`counts/entries/alice?timeout=1ms&at=${at('payments', 1000)}`, '412 MR_QUERY_BEHIND'],
    [`counts/entries/alice?at=${at('ledger', 1)}`, '422 MR_QUERY_POSITION'],
  ])('%s: %s', async (path, expected) => {
    expect(await outcome(path)).toBe(expected)
  })

  test('that is absent comes with a position, so that a reader knows as of when', async () => {
    expect(position(await get('counts/entries/nobody'))).toBeTypeOf('object')
  })

  test.each(['60s', '60000', '60000ms', '0', '500ms', '5s'])('is waited for as long as timeout=%s', async (timeout) => {
    expect(await value(`counts/entries/alice?timeout=${timeout}&role=any&maxLag=5`)).toBe(3)
  })
})

test('a store says its kind, its partitions, and which lists it has', async () => {
  const details = async (name: string): Promise<unknown> => (await get(name)).json()
  expect(await details('counts')).toEqual({
    name: 'counts',
    kind: 'keyValue',
    global: false,
    keySerde: 'string',
    valueSerde: 'long',
    partitions: 3,
    lists: ['entries'],
  })
  expect(await details('rates')).toMatchObject({ global: true, partitions: null, lists: ['entries'] })
  expect(await details('history')).toMatchObject({ kind: 'versioned', lists: ['entries', 'versions'] })
  expect(await details('minutes')).toMatchObject({ kind: 'window', lists: ['windows'] })
  expect(await details('visits')).toMatchObject({ kind: 'session', lists: ['sessions'] })
  expect(await outcome('nothing')).toBe('404 MR_STORE_UNKNOWN')
  const buffer = [...running.streams.topology.stores.keys()].find((name) => name.includes('held'))!
  expect(await details(buffer)).toMatchObject({ lists: [] })
  expect(await outcome(`${buffer}/entries`)).toBe('409 MR_QUERY_KIND')
})

describe('a list', () => {
  const all = [...NASTY, 'alice', 'bob'].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

  /** The rows of all pages of a list. */
  async function paged(path: string, limit: number): Promise<readonly Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = []
    const separator = path.includes('?') ? '&' : '?'
    for (let cursor = ''; ;) {
      const found = await page(`${path}${separator}limit=${limit}${cursor}`)
      rows.push(...found.rows)
      if (found.next === null) return rows
      expect(found.rows).toHaveLength(limit)
      cursor = `&cursor=${found.next}`
    }
  }

  const keys = async (path: string, limit = 4): Promise<unknown[]> => (await paged(path, limit)).map(({ key }) => key)

  test('has the rows of all partitions in the order of keys, and who they are from', async () => {
    const { rows, next, partitions } = await page('counts/entries')
    expect(rows.map(({ key }) => key)).toEqual(all)
    expect(rows[0]).toEqual({ key: '', value: 1, timestamp: 0, partition: expect.toBeOneOf([0, 1, 2]) })
    expect(next).toBeNull()
    expect(partitions).toHaveLength(3)
    expect(partitions[0]).toMatchObject({ role: 'active', lag: 0, consistency: 'latest' })
    const third = await page('counts/entries?partition=2')
    expect(third.rows.every(({ partition }) => partition === 2)).toBe(true)
    expect((await page('rates/entries')).rows).toEqual([{ key: 'EUR', value: '1.1', timestamp: 5, partition: null }])
  })

  test.each([1, 2, 3, 5, 100])('goes on where a page of %i rows ended, in both directions', async (limit) => {
    expect(await keys('counts/entries', limit)).toEqual(all)
    expect(await keys('counts/entries?reverse', limit)).toEqual(all.toReversed())
    const some = all.filter((key) => key >= '.' && key <= 'alice')
    expect(await keys('counts/entries?from=.&to=alice', limit)).toEqual(some)
    expect(await keys('counts/entries?from=.&to=alice&reverse=true', limit)).toEqual(some.toReversed())
    const prefixed = all.filter((key) => key.startsWith('a'))
    expect(await keys('counts/entries?prefix=a', limit)).toEqual(prefixed)
    expect(await keys('counts/entries?prefix=a&reverse', limit)).toEqual(prefixed.toReversed())
    expect(await keys('counts/entries?keyAs=hex&prefix=61', limit)).toEqual(
      prefixed.map((key) => Buffer.from(key).toString('hex')),
    )
    expect(await keys('counts/entries?from=b&to=a', limit)).toEqual([])

    for (const list of ['minutes/windows', 'visits/sessions']) {
      const whole = (await page(list)).rows
      expect(whole.length).toBeGreaterThan(all.length)
      expect(await paged(list, limit)).toEqual(whole)
      expect(await paged(`${list}?reverse`, limit)).toEqual(whole.toReversed())
    }
    const windows = await paged('minutes/windows/alice', limit)
    expect(windows).toMatchObject([
      { key: 'alice', value: 2, start: 0, end: MINUTE },
      { key: 'alice', value: 1, start: 5 * MINUTE, end: 6 * MINUTE },
    ])
    expect(await paged('minutes/windows?key=alice&reverse', limit)).toEqual(windows.toReversed())
    expect(await paged('visits/sessions/alice', limit)).toMatchObject([
      { key: 'alice', value: 2, start: 10, end: 20 },
      { key: 'alice', value: 1, start: 5 * MINUTE, end: 5 * MINUTE },
    ])
    const versions = await paged('history/versions/tea', limit)
    expect(versions).toEqual([
      { key: 'tea', value: 3, timestamp: 0, validTo: MINUTE, partition: expect.any(Number) },
      { key: 'tea', value: { amount: 4 }, timestamp: MINUTE, validTo: 3 * MINUTE, partition: expect.any(Number) },
      { key: 'tea', value: 5, timestamp: 4 * MINUTE, validTo: null, partition: expect.any(Number) },
    ])
    expect(await paged('history/versions?key=tea&reverse', limit)).toEqual(versions.toReversed())
  })

  test('has bounds of time, as ms or as dates', async () => {
    const starts = async (bounds: string): Promise<unknown[]> =>
      (await page(`minutes/windows/bob${bounds}`)).rows.map(({ start }) => start)
    const noon = 12 * 60 * MINUTE
    expect(await starts('')).toEqual([0, noon])
    expect(await starts('?from=1')).toEqual([noon])
    expect(await starts('?to=1970-01-01')).toEqual([0])
    expect(await starts('?from=1970-01-01T12:00:00Z')).toEqual([noon])
    expect(await starts('?from=1970-01-01T13:00:00%2B01:00&to=1970-01-01T12:00:00.000Z')).toEqual([noon])
    expect(await starts('?from=-5&to=-1')).toEqual([])
    expect(await starts('?from=2&to=1')).toEqual([])
    expect(await starts('?to=999999999999999')).toEqual([0, noon])
    for (const bounds of ['from=x', 'from=1e30', 'to=', 'from=1970-13-01', 'to=1970-01-01T12:00', 'from=1&from=2']) {
      expect(await outcome(`minutes/windows/bob?${bounds}`)).toBe('400 MR_SERVER_REQUEST')
    }
  })

  test('has the version of a time', async () => {
    expect(await value('history/versions/tea?asOf=0')).toBe(3)
    expect(await value(`history/versions/tea?asOf=1970-01-01T00:02:00Z`)).toEqual({ amount: 4 })
    expect(await (await get(`history/versions?key=tea&asOf=${DAY}`)).json()).toEqual({
      key: 'tea',
      value: 5,
      timestamp: 4 * MINUTE,
      validTo: null,
      partition: expect.any(Number),
      role: 'active',
      lag: 0,
      age: 0,
      consistency: 'latest',
    })
    expect(await outcome(`history/versions/tea?asOf=${3 * MINUTE}`)).toBe('404 MR_QUERY_KEY_ABSENT')
    expect(await outcome('history/versions/tea?asOf=1&from=2')).toBe('400 MR_SERVER_REQUEST')
    expect(await outcome('history/versions')).toBe('400 MR_SERVER_REQUEST')
  })

  test('refuses cursors of other lists, and what is none', async () => {
    const { next } = await page('counts/entries?limit=1')
    const ofKey = (await page('minutes/windows/alice?limit=1')).next
    for (const path of [
      `rates/entries?cursor=${next}`,
      `minutes/windows?cursor=${next}`,
      `counts/entries?reverse&cursor=${next}`,
      `minutes/windows?cursor=${ofKey}`,
      `minutes/windows/bob?cursor=${ofKey}`,
      `counts/entries?cursor=${next?.slice(1)}`,
      'counts/entries?cursor=',
      'counts/entries?cursor=bnVsbA',
      `counts/entries?cursor=${Buffer.from('{"store":"counts"}').toString('base64url')}`,
    ]) {
      expect({ path, outcome: await outcome(path) }).toEqual({ path, outcome: '400 MR_SERVER_REQUEST' })
    }
  })

  test.each(['limit=0', 'limit=-1', 'limit=1e9', 'limit=10001', 'reverse=maybe', 'prefix=a&from=b', 'since=3'])(
    'refuses %s',
    async (query) => {
      expect(await outcome(`counts/entries?${query}`)).toBe('400 MR_SERVER_REQUEST')
    },
  )

  test('comes line by line to those who accept that, with a last line that says that it is whole', async () => {
    for (const path of ['counts/entries', 'counts/entries?reverse', 'minutes/windows', 'visits/sessions/alice']) {
      const { rows, partitions } = await page(path)
      expect(await lines(path)).toEqual([...rows, { end: true, rows: rows.length, partitions, next: null }])
    }
    const { rows, next } = await page('counts/entries?limit=3')
    const some = await lines('counts/entries?limit=3')
    expect(some).toEqual([...rows, { end: true, rows: 3, partitions: expect.any(Array), next }])
    expect(await lines('counts/entries?from=x&to=a')).toEqual([{ end: true, rows: 0, partitions: [], next: null }])
    expect(await outcome('counts/entries?partition=7', { accept: 'application/x-ndjson' })).toBe(
      '404 MR_QUERY_PARTITION',
    )
  })
})

describe('many keys', () => {
  async function ask(store: string, body: unknown, query = ''): Promise<Response> {
    return server.fetch(
      new Request(`http://localhost/v1/stores/${store}/query${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    )
  }

  test('have an outcome each, in their order', async () => {
    const response = await ask('counts', { keys: ['bob', 'nobody', '', 5, 'bob'] })
    const { outcomes } = (await response.json()) as { readonly outcomes: readonly object[] }
    expect(outcomes).toMatchObject([
      { key: 'bob', entry: { key: 'bob', value: 2, role: 'active' } },
      { key: 'nobody', problem: { status: 404, code: 'MR_QUERY_KEY_ABSENT' } },
      { key: '', entry: { value: 1 } },
      { key: 5, problem: { status: 400, code: 'MR_QUERY_KEY' } },
      { key: 'bob', entry: { value: 2 } },
    ])
    const points = await ask('points', { keys: [{ x: 1, y: [2] }, 12, '12'] })
    expect(await points.json()).toMatchObject({
      outcomes: [{ entry: { value: 'here' } }, { entry: { value: 'number' } }, { entry: { value: 'digits' } }],
    })
    const balances = await ask('balances', { keys: ['4611686018427387904', 1, 4611686018427387904] })
    expect(await balances.json()).toMatchObject({
      outcomes: [
        { entry: { value: '4611686018427387905' } },
        { entry: { value: '10' } },
        { problem: { code: 'MR_QUERY_KEY' } },
      ],
    })
    expect(await (await ask('counts', { keys: ['YWxpY2U='] }, '?keyAs=base64')).json()).toMatchObject({
      outcomes: [{ key: 'YWxpY2U=', entry: { key: 'YWxpY2U=', value: 3 } }],
    })
  })

  test('are 1,000 at most', async () => {
    const keys = Array.from({ length: 1000 }, (_, number) => `key ${number}`)
    const response = await ask('counts', { keys })
    const { outcomes } = (await response.json()) as { readonly outcomes: readonly object[] }
    expect(outcomes).toHaveLength(1000)
    for (const body of [{ keys: [...keys, 'more'] }, {}, { keys: 'alice' }, { keys: [], other: 1 }, []]) {
      const refused = await ask('counts', body)
      expect(await refused.json()).toMatchObject({ status: 400, code: 'MR_SERVER_REQUEST' })
    }
    expect((await ask('nothing', { keys: [] })).status).toBe(404)
    expect((await ask('minutes', { keys: [] })).status).toBe(409)
    expect((await ask('counts', { keys: [] }, '?limit=3')).status).toBe(400)
  })
})

test('answers are those that the document describes, nothing more and nothing less', async () => {
  const routes = FAMILIES.flatMap((family) => family(running.served))
  for (const [path, query] of [
    ['/v1/stores/{store}', 'counts'],
    ['/v1/stores/{store}/entries/{key}', 'counts/entries/alice'],
    ['/v1/stores/{store}/entries', 'points/entries?limit=2'],
    ['/v1/stores/{store}/entries', 'rates/entries?key=EUR'],
    ['/v1/stores/{store}/windows', 'minutes/windows'],
    ['/v1/stores/{store}/sessions', 'visits/sessions'],
    ['/v1/stores/{store}/versions/{key}', 'history/versions/tea'],
    ['/v1/stores/{store}/versions/{key}', 'history/versions/tea?asOf=3'],
  ] as const) {
    const { content } = routes.find((each) => each.path === path)!.answers[200]!
    const answer: unknown = await (await get(query)).json()
    expect(content['application/json']!.parse(answer)).toEqual(answer)
    const schema = content['application/x-ndjson']
    if (schema === undefined || query.includes('=')) continue
    for (const line of await lines(query)) expect(schema.parse(line)).toEqual(line)
  }
})
