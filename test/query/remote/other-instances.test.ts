import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { defineApp, storeRef, Streams, string, TopicWriter, type Log } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { MillraceError } from '../../../src/errors/millrace-error.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { RowOwners } from '../../../src/query/ask.ts'
import type { Hosts } from '../../../src/query/remote/hosts.ts'
import { InstanceRows } from '../../../src/query/remote/instance-rows.ts'
import { PeerClient } from '../../../src/query/remote/peer-client.ts'
import { encodePage, formatOf, PEER_PATH, PEER_TYPE } from '../../../src/query/remote/wire.ts'
import { StoreQueries, type AskedStore, type CheckedQuery } from '../../../src/query/store-queries.ts'
import { viewOf } from '../../../src/query/store-views.ts'
import type { StoreKind, StoreRef } from '../../../src/topology/store-ref.ts'
import { until } from '../../server/support.ts'
import { all, counts, everyKind, history, logOfEveryKind, minutes, prices, visits, words } from '../every-kind.ts'

const TOKEN = 'the token of all instances'.replaceAll(' ', '-')
const texts = storeRef('texts', { key: string(), value: string() })
const LONG = 'x'.repeat(1000)
const ROWS = 600

const app = everyKind({ id: 'spread' }, (_builder, stream) => void stream.toTable({ store: texts }))

let log: Log
let streams: Streams
let server: Server
/** Address of the instance that has the tasks. */
let owner = ''

beforeAll(async () => {
  vi.stubEnv('PEER_TOKEN', TOKEN)
  log = await logOfEveryKind()
  await using word = await TopicWriter.open(log, words)
  for (let row = 0; row < ROWS; row++) word.write(`word ${row}`, LONG, { timestamp: 1000 + row })
  word.write('word 7', 'again', { timestamp: 70_000 })
  await word.flush()
  await using price = await TopicWriter.open(log, prices)
  price.write('tea', 'cheap', { timestamp: 1000 })
  price.write('tea', 'dear', { timestamp: 2000 })
  await price.flush()
  streams = await Streams.start(app, { log, engine: 'memory', peerToken: { env: 'PEER_TOKEN' } })
  server = await serve(streams, { listen: 0, auth: { tokens: [{ token: 'a-user-with-all-roles', role: 'control' }] } })
  owner = `127.0.0.1:${server.address!.port}`
  await until(async () => (await streams.store(history).get('tea')) === 'dear')
  await until(async () => (await streams.store(counts).get('word 7')) === 2)
})
afterAll(async () => {
  await streams.close()
  await log.close()
  vi.unstubAllEnvs()
})

/** Has no task: whatever is asked is elsewhere. */
const nobody: RowOwners = {
  open: async ({ store, partition }) => {
    throw new MillraceError('MR_QUERY_NOT_OWNER', 'the task is not here', { store, partition })
  },
}

/** An instance without tasks, and what it knows of the others. */
class Asker {
  hosts: Hosts = { active: owner, standbys: [] }
  /** Called when the instance doubts its routes. Returns whether they are new. */
  onDoubt = vi.fn<() => boolean>(() => true)
  readonly #client: PeerClient | undefined
  readonly #queries: StoreQueries

  constructor(given: { token?: string | undefined; application?: string; format?: string } = {}) {
    const { token = TOKEN, application = app.id, format } = given
    const topology = app.topology()
    this.#client =
      'token' in given && given.token === undefined
        ? undefined
        : new PeerClient({ application, clock: systemClock, token: async () => token, pems: undefined })
    const owners = new InstanceRows({
      local: nobody,
      own: '127.0.0.1:1',
      hostsOf: () => this.hosts,
      doubt: () => this.onDoubt(),
      client: this.#client,
      formatOf: (store) => format ?? formatOf(topology.stores.get(store)!.spec),
    })
    this.#queries = new StoreQueries({
      topology,
      applicationId: app.id,
      log,
      clock: systemClock,
      owners,
      guarantee: 'exactly_once',
    })
  }

  store<Kind extends StoreKind, K, V>(
    ref: StoreRef<Kind, K, V>,
  ): ReturnType<typeof Streams.prototype.store<Kind, K, V>> {
    return viewOf(this.#queries, ref) as ReturnType<typeof Streams.prototype.store<Kind, K, V>>
  }

  asked({ name }: { readonly name: string }): AskedStore {
    return this.#queries.store(name)
  }

  close(): void {
    this.#client?.close()
  }
}

let asker: Asker
beforeEach(() => {
  asker = new Asker()
})
afterEach(() => asker.close())

function connections(): number {
  return Number(Reflect.get(Object([...streams.status().companions.values()][0]), 'connections'))
}

describe('an instance that does not have the task', () => {
  test('answers what the owner answers, of every kind of store', async () => {
    const here = asker.store.bind(asker)
    const there = streams.store.bind(streams)
    expect(await here(counts).read('word 7')).toEqual(await there(counts).read('word 7'))
    expect([await here(counts).get('nobody'), await here(counts).get('')]).toEqual([undefined, undefined])
    expect(await here(history).get('tea', { asOf: 1500 })).toBe('cheap')
    const pairs = [
      [here(texts).range(), there(texts).range()],
      [
        here(texts).range({ from: 'word 1', to: 'word 2', reverse: true }),
        there(texts).range({ from: 'word 1', to: 'word 2', reverse: true }),
      ],
      [here(texts).prefix('word 59'), there(texts).prefix('word 59')],
      [here(minutes).fetch('word 7'), there(minutes).fetch('word 7')],
      [here(minutes).range({ limit: 5 }), there(minutes).range({ limit: 5 })],
      [here(visits).sessions('word 7', { reverse: true }), there(visits).sessions('word 7', { reverse: true })],
      [here(history).versions('tea'), there(history).versions('tea')],
    ] as const
    const lengths: number[] = []
    for (const [mine, theirs] of pairs) {
      const rows = await all<unknown>(mine)
      expect(rows).toEqual(await all<unknown>(theirs))
      lengths.push(rows.length)
    }
    expect(lengths).toEqual([ROWS, 112, 11, 2, 5, 2, 2])
  })

  test('shows changes as the owner does, and goes on when the owner is reached elsewhere', async () => {
    const other = await serve(streams, { listen: 0, auth: 'none' })
    asker.hosts = { active: `127.0.0.1:${other.address!.port}`, standbys: [] }
    const one = asker.store(history).watch({ key: 'rum 1' })
    const some = asker.store(history).watch({ prefix: 'rum' })
    /** Reads up to this row, and returns all that came. */
    const read = async (watch: typeof one, last: string): Promise<string[]> => {
      const shown: string[] = []
      while (shown.at(-1) !== last) {
        const { value } = await watch.next()
        shown.push(`${value.key}: ${value.value}`)
      }
      return shown
    }
    await using writer = await TopicWriter.open(log, prices)
    const write = async (key: string, price: string): Promise<void> => {
      writer.write(key, price, { timestamp: 2000 })
      await writer.flush()
    }
    await read(one, 'rum 1: undefined')
    await write('rum 1', '1')
    await read(one, 'rum 1: 1')
    await read(some, 'rum 1: 1')
    await write('rum 2', '1')
    await read(some, 'rum 2: 1')
    asker.hosts = { active: owner, standbys: [] }
    await other.close()
    await write('rum 1', '2')
    expect(await read(one, 'rum 1: 2')).toEqual(['rum 1: 2'])
    expect(await read(some, 'rum 1: 2')).toEqual(['rum 1: 2'])
    const timed = [asker.store(minutes).watch({ key: 'word 7' }), asker.store(visits).watch({ key: 'word 7' })] as const
    const windows = [streams.store(minutes).fetch('word 7'), streams.store(visits).sessions('word 7')] as const
    for (const [index, theirs] of windows.entries()) {
      for (const { start, end, value } of await all(theirs)) {
        expect((await timed[index]!.next()).value).toMatchObject({ key: 'word 7', start, end, value })
      }
    }
    const before = connections()
    await Promise.all([one, some, ...timed].map((watch) => watch.return!()))
    await until(() => connections() < before)
  })

  test('asks for many keys by one request for each partition', async () => {
    const store = asker.asked(texts)
    const looks = vi.spyOn(log, 'describeTopics')
    const keys = Array.from({ length: ROWS }, (_, number) => () => `word ${number}`)
    const none = (): unknown => {
      throw new TypeError('this is no key')
    }
    const options = { role: 'active', maxLag: 0, timeout: 5000 } as const
    const found = await store.firstOfEach([...keys, () => 'nobody', none], options as CheckedQuery)
    const names = found.slice(0, ROWS).map((each) => each.status === 'fulfilled' && each.value.row?.key.toString())
    expect(names).toEqual(keys.map((key) => key()))
    expect(found.slice(ROWS)).toMatchObject([
      { status: 'fulfilled', value: { row: undefined } },
      { status: 'rejected', reason: { message: 'this is no key' } },
    ])
    expect(connections()).toBeLessThanOrEqual(3)
    expect(looks).toHaveBeenCalledTimes(1)
    looks.mockRestore()
  })

  test('hands on why the owner does not answer', async () => {
    const behind = asker.store(counts).get('word 7', { at: { words: { 0: 1e6, 1: 1e6, 2: 1e6 } }, timeout: 100 })
    await expect(behind).rejects.toMatchObject({
      code: 'MR_QUERY_BEHIND',
      topic: 'words',
      hint: 'Ask again, with a longer `timeout`, or without `at`.',
    })
    const foreign = asker.store(counts).get('word 7', { at: { other: { 0: 1 } } })
    await expect(foreign).rejects.toMatchObject({
      code: 'MR_QUERY_POSITION',
      message: expect.stringMatching(/"other" \(task=.*\)$/),
    })
  })

  test('keeps its connections open, and closes those of scans that are left', async () => {
    await until(() => connections() === 0)
    for (let times = 0; times < 100; times++) await asker.store(counts).get(`word ${times}`)
    expect(connections()).toBeLessThanOrEqual(2)
    for await (const row of asker.store(texts).range()) {
      expect(row.key).toBe('word 0')
      break
    }
    await until(() => connections() <= 2)
    expect((await all(asker.store(texts).range())).length).toBe(ROWS)
  })

  test('looks for the owner until the timeout has passed', async () => {
    asker.hosts = { active: undefined, standbys: [owner] }
    asker.onDoubt.mockImplementation(() => {
      asker.hosts = { active: owner, standbys: [] }
      return true
    })
    expect(await asker.store(counts).get('word 7')).toBe(2)
    expect(asker.onDoubt).toHaveBeenCalledTimes(1)
    asker.hosts = { active: undefined, standbys: [] }
    asker.onDoubt.mockReset()
    await expect(asker.store(counts).get('word 7', { timeout: 50 })).rejects.toMatchObject({
      code: 'MR_QUERY_NOT_OWNER',
    })
  })
})

describe('an instance that cannot be reached', () => {
  const opened: (HttpServer | ReturnType<typeof createServer>)[] = []
  afterEach(() => {
    for (const each of opened.splice(0)) each.close()
  })

  async function listen<S extends HttpServer | ReturnType<typeof createServer>>(given: S): Promise<string> {
    opened.push(given)
    given.listen(0, '127.0.0.1')
    await once(given, 'listening')
    return `127.0.0.1:${(given.address() as AddressInfo).port}`
  }

  test('is an error that names it, once the timeout has passed', async () => {
    asker.hosts = { active: '127.0.0.1:2', standbys: [] }
    await expect(asker.store(counts).get('word 7', { timeout: 100 })).rejects.toMatchObject({
      code: 'MR_QUERY_PEER',
      message: expect.stringMatching(/^the instance at 127\.0\.0\.1:2 does not answer: ECONNREFUSED/),
    })
    expect(asker.onDoubt).toHaveBeenCalled()
  })

  test('or is no instance, is the same', async () => {
    const page = await listen(createHttpServer((_, response) => response.end('<p>welcome</p>')))
    asker.hosts = { active: page, standbys: [] }
    await expect(asker.store(counts).get('word 7', { timeout: 100 })).rejects.toMatchObject({
      code: 'MR_QUERY_PEER',
      message: expect.stringContaining('it answers 200 without a problem of Millrace'),
    })
  })

  test('is waited for no longer than the timeout, and left when another has the task', async () => {
    const silent = await listen(createServer(() => {}))
    asker.hosts = { active: silent, standbys: [] }
    await expect(asker.store(counts).get('word 7', { timeout: 50 })).rejects.toMatchObject({ code: 'MR_QUERY_TIMEOUT' })
    asker.onDoubt.mockImplementation(() => {
      asker.hosts = { active: owner, standbys: [] }
      return true
    })
    expect(await asker.store(counts).get('word 7')).toBe(2)
  })

  test('is passed over where a standby will do', async () => {
    asker.hosts = { active: '127.0.0.1:2', standbys: [owner] }
    expect(await asker.store(counts).get('word 7', { role: 'any' })).toBe(2)
    asker.hosts = { active: await listen(createServer(() => {})), standbys: [owner] }
    expect(await asker.store(counts).get('word 7', { role: 'any' })).toBe(2)
  })

  test('any more in the middle of a scan, ends the scan with an error', async () => {
    const cutting = createServer((socket) => {
      const upstream = connect(server.address!.port, '127.0.0.1')
      let passed = 0
      upstream.on('data', (chunk) => {
        passed += chunk.length
        socket.write(chunk)
        if (passed > 70_000) socket.destroy()
      })
      socket.on('data', (chunk) => upstream.write(chunk))
      for (const each of [socket, upstream]) each.on('error', () => {})
      socket.on('close', () => upstream.destroy())
    })
    asker.hosts = { active: await listen(cutting), standbys: [] }
    await expect(all(asker.store(texts).range({ partition: 0 }))).rejects.toMatchObject({ code: 'MR_QUERY_PEER' })
  })
})

describe('a page that was garbled on its way', () => {
  const source = { partition: 0, role: 'active', consistency: 'committed', lag: 0, age: 0, position: {} } as const
  let garbling: HttpServer
  beforeEach(async () => {
    garbling = createHttpServer((_request, response) => {
      response.setHeader('content-type', PEER_TYPE)
      response.end(encodePage({ rows: Buffer.alloc(7, 255), source, more: undefined }))
    })
    garbling.listen(0, '127.0.0.1')
    await once(garbling, 'listening')
    asker.hosts = { active: `127.0.0.1:${(garbling.address() as AddressInfo).port}`, standbys: [] }
  })
  afterEach(() => garbling.close())

  test('is an error that names the instance', async () => {
    const store = asker.store(counts)
    const expected = { code: 'MR_QUERY_PEER', message: expect.stringContaining(asker.hosts.active!) }
    await expect(store.get('word 7', { timeout: 300 })).rejects.toMatchObject(expected)
    await expect(store.range({ timeout: 300 }).next()).rejects.toMatchObject(expected)
    await expect(store.watch({ key: 'word 7', timeout: 300 }).next()).rejects.toMatchObject(expected)
  })

  test('is passed over where a standby will do', async () => {
    asker.hosts = { ...asker.hosts, standbys: [owner] }
    expect(await asker.store(counts).get('word 7', { role: 'any' })).toBe(2)
  })
})

describe('an instance that has the task, but closes', () => {
  test('is asked again, or another one instead', async () => {
    const closing = createHttpServer((_, response) => {
      response.writeHead(503, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ code: 'MR_CLOSED', detail: 'the server is closed', status: 503, title: '' }))
    })
    closing.listen(0, '127.0.0.1')
    await once(closing, 'listening')
    asker.hosts = { active: `127.0.0.1:${(closing.address() as AddressInfo).port}`, standbys: [owner] }
    expect(await asker.store(counts).get('word 7', { role: 'any' })).toBe(2)
    await expect(asker.store(counts).get('word 7', { timeout: 1000 })).rejects.toMatchObject({
      code: 'MR_QUERY_PEER',
      message: expect.stringContaining('does not answer: the server is closed'),
    })
    closing.close()
  })
})

describe('scans of other instances', () => {
  test('that are left, or are read slowly, keep nothing from being read', async () => {
    const open: AsyncIterator<unknown>[] = []
    for (let scans = 0; scans < 200; scans++) {
      const rows = asker.store(texts).range({ partition: 0 })
      await rows.next()
      open.push(rows)
    }
    expect(await asker.store(counts).get('word 7')).toBe(2)
    for (const rows of open) await rows.return?.()
    // The owner has at most 250 open at a time.
    for (let scans = 0; scans < 200; scans++) {
      for await (const { partition } of asker.store(texts).range({ partition: 0 })) {
        expect(partition).toBe(0)
        break
      }
    }
  })
})

describe('instances know each other', () => {
  test('by a token: without one, or with another, they are not asked', async () => {
    for (const token of [undefined, 'a-user-with-all-roles', 'the-token-of-other-instances']) {
      const stranger = new Asker({ token })
      await expect(stranger.store(counts).get('word 7')).rejects.toMatchObject({ code: 'MR_QUERY_PEER_AUTH' })
      stranger.close()
    }
  })

  test('and without one, a task that moves here is waited for as long as the routes may be old', async () => {
    const stranger = new Asker({ token: undefined })
    stranger.onDoubt.mockReturnValue(false)
    const query = stranger.store(counts).get('word 7', { timeout: 100 })
    await expect(query).rejects.toMatchObject({ code: 'MR_QUERY_NOT_OWNER' })
    stranger.close()
  })

  test('and the token opens nothing else', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect((await fetch(`http://${owner}/v1/app`, { headers })).status).toBe(401)
    expect((await fetch(`http://${owner}/openapi.json`, { headers })).status).toBe(401)
  })

  test('without a token of its own, an instance opens to nobody', async () => {
    await using alone = await Streams.start(
      defineApp({ id: 'alone', build: (builder) => void builder.table(words, { store: texts }) }),
      { log, engine: 'memory' },
    )
    await using closed = await serve(alone, { listen: 0, auth: 'none' })
    const { status } = await fetch(`${closed.address!.url}${PEER_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect(status).toBe(401)
  })

  test('by the application: another one at the same address does not answer for it', async () => {
    const stranger = new Asker({ application: 'other' })
    await expect(stranger.store(counts).get('word 7', { timeout: 1000 })).rejects.toMatchObject({
      code: 'MR_QUERY_PEER',
      message: expect.stringContaining('this is an instance of spread, not of other'),
    })
    stranger.close()
  })

  test('by the format of a store: rows are not read by other serdes during a rolling upgrade', async () => {
    const newer = new Asker({ format: 'keyValue string avro' })
    await expect(newer.store(counts).get('word 7')).rejects.toMatchObject({
      code: 'MR_QUERY_PEER_VERSION',
      message: expect.stringContaining('the store has the format keyValue string json here, not keyValue string avro'),
    })
    newer.close()
  })

  test.each(['10.0.0.1', 'user@127.0.0.1:80', '127.0.0.1:80/x?', 'a b:1'])(
    'by HOST:PORT, which %j is not',
    async (text) => {
      asker.hosts = { active: text, standbys: [] }
      const query = asker.store(counts).get('word 7', { timeout: 50 })
      await expect(query).rejects.toMatchObject({ code: 'MR_QUERY_PEER' })
    },
  )

  test('a version that an instance does not know is no wrong token', async () => {
    const ask = async (token: string): Promise<unknown> =>
      (
        await fetch(`http://${owner}/internal/v9/query`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
        })
      ).json()
    expect(await ask(TOKEN)).toMatchObject({ status: 404, code: 'MR_SERVER_ROUTE' })
    expect(await ask('a-user-with-all-roles')).toMatchObject({ status: 401 })
  })

  test('requests that are none are problems, and the document says nothing of them', async () => {
    const ask = async (body: unknown) =>
      (
        await fetch(`http://${owner}${PEER_PATH}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).json()
    const request = { store: 'counts', partition: 0, consistency: 'latest', role: 'active', maxLag: 0 }
    for (const query of [{ op: 'drop' }, { op: 'get', key: '%' }, { op: 'get' }, { op: 'get', key: 'YQ==', more: 1 }]) {
      const problem = await ask({ application: app.id, format: 'x', request: { ...request, query } })
      expect(problem).toMatchObject({ status: 400, code: 'MR_SERVER_REQUEST' })
    }
    const query = { op: 'get', key: 'YQ==' }
    const unknown = await ask({ application: app.id, format: 'x', request: { ...request, store: 'none', query } })
    expect(unknown).toMatchObject({ status: 404, code: 'MR_STORE_UNKNOWN' })
    const headers = { authorization: 'Bearer a-user-with-all-roles' }
    expect(await (await fetch(`http://${owner}/openapi.json`, { headers })).text()).not.toContain('/internal/')
  })
})
