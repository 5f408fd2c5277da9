import { once } from 'node:events'
import { request as ask, type IncomingMessage } from 'node:http'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger, string, topic, TopicWriter, tumbling } from 'millrace'
import { serve, type Server, type ServerOptions } from 'millrace/server'
import { ServerEvents, type SentEvent } from '../../src/cli/server-events.ts'
import { eventStream, type ServerEvent } from '../../src/server/http/event-stream.ts'
import { Accounts } from './accounts.ts'
import { until, type Running } from './support.ts'

const clicks = topic('clicks', { key: string(), value: string() })

let accounts: Accounts
let running: Running
let server: Server
beforeAll(async () => {
  accounts = await Accounts.start(
    (builder) =>
      void builder
        .stream(clicks)
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '1d' }))
        .count({ store: 'minutes' }),
    clicks,
  )
  ;({ running, server } = accounts)
  await accounts.pay(['alice', 5], ['bob', 1], ['a/b', 7])
  await until(async () => (await fetch(`${accounts.url}/v1/stores/accounts/entries?key=a%2Fb`)).ok)
})
afterAll(() => accounts[Symbol.asyncDispose]())

async function click(...records: readonly (readonly [string, number])[]): Promise<void> {
  await using writer = await TopicWriter.open(accounts.log, clicks)
  for (const [key, timestamp] of records) writer.write(key, 'x', { timestamp })
  await writer.flush()
}

/** A watch over a real socket. */
class Client {
  readonly response: IncomingMessage
  readonly events: SentEvent[] = []
  text = ''
  hasEnded = false

  private constructor(response: IncomingMessage) {
    this.response = response
    const events = new ServerEvents()
    response.setEncoding('utf8')
    response.on('data', (part: string) => {
      this.text += part
      this.events.push(...events.take(part))
    })
    response.on('error', () => {})
    response.on('close', () => (this.hasEnded = true))
  }

  static async open(
    query: string,
    headers: Record<string, string> = {},
    of = server,
    store = 'accounts',
  ): Promise<Client> {
    const request = ask(`${of.address!.url}/v1/stores/${store}/watch${query}`, { headers })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return new Client(response)
  }

  /** All that came, each as its kind, and the key and the value of its row. */
  get shown(): string[] {
    return this.events.map(({ event, data }) => {
      const { key, value, deleted } = JSON.parse(data) as { key?: string; value?: number; deleted?: true }
      return key === undefined ? event : `${event} ${key} ${deleted === true ? 'deleted' : value}`
    })
  }

  async has(event: string): Promise<void> {
    await until(() => this.shown.includes(event))
  }

  end(): void {
    this.response.destroy()
  }
}

async function problem(query: string, headers: Record<string, string> = {}, store = 'accounts'): Promise<string> {
  const response = await fetch(`${server.address!.url}/v1/stores/${store}/watch${query}`, { headers })
  const { code } = (await response.json()) as { code: string }
  return `${response.status} ${code}`
}

describe('GET /v1/stores/{store}/watch', () => {
  test('sends the row of a key, then each change with its commit', async () => {
    const client = await Client.open('?key=alice')
    expect(client.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    await client.has('current')
    expect(client.shown).toEqual(['begin', 'value alice 5', 'current'])
    await accounts.pay(['bob', 2], ['alice', 6])
    await client.has('change alice 6')
    await accounts.pay(['alice', null])
    await client.has('change alice deleted')
    await accounts.pay(['alice', 5])
    await client.has('change alice 5')
    expect(client.shown).toHaveLength(6)
    const row = client.events.find(({ event }) => event === 'value')!
    const { partition } = JSON.parse(row.data) as { partition: number }
    expect(JSON.parse(row.data)).toEqual({ key: 'alice', value: 5, timestamp: 0, partition })
    expect(JSON.parse(client.events[4]!.data)).toEqual({ key: 'alice', deleted: true, partition })
    const position: unknown = JSON.parse(Buffer.from(client.events.at(-1)!.id!, 'base64url').toString())
    expect(position).toEqual({ payments: { [partition]: expect.any(Number) } })
    client.end()
  })

  test('sends what keys begin with, or all of them; a key without a row is deleted', async () => {
    const some = await Client.open('?prefix=a')
    const all = await Client.open('')
    const nobody = await Client.open('?key=nobody')
    const nasty = await Client.open('?key=YS9i&keyAs=base64')
    await until(() => all.shown.filter((event) => event === 'current').length === 2)
    await until(() => some.shown.filter((event) => event === 'current').length === 2)
    expect(some.shown.filter((event) => event.startsWith('value')).toSorted()).toEqual(['value a/b 7', 'value alice 5'])
    expect(all.shown.filter((event) => event.startsWith('value'))).toHaveLength(3)
    await nobody.has('current')
    expect(nobody.shown).toEqual(['begin', 'value nobody deleted', 'current'])
    await nasty.has('current')
    expect(nasty.shown).toEqual(['begin', 'value YS9i 7', 'current'])
    for (const client of [some, all, nobody, nasty]) client.end()
  })

  test('sends windows with their bounds, those of a time, and what has expired', async () => {
    await click(['ann', 0], ['ann', 60_000], ['bob', 0])
    const all = await Client.open('', {}, server, 'minutes')
    const early = await Client.open('?key=ann&to=1970-01-01', {}, server, 'minutes')
    await all.has('value ann 1')
    await early.has('value ann 1')
    await until(() => all.shown.filter((event) => event.startsWith('value')).length === 3)
    const row = all.events.find(({ event, data }) => event === 'value' && data.includes('"ann"'))!
    const { partition, start } = JSON.parse(row.data) as { partition: number; start: number }
    const place = { key: 'ann', partition, start, end: start + 60_000 }
    expect(JSON.parse(row.data)).toEqual({ ...place, value: 1, timestamp: start })
    await click(['ann', 1])
    await early.has('change ann 2')
    const day = 86_400_000
    await click(['ann', 2 * day])
    await all.has('expired')
    const expired = all.events.find(({ event }) => event === 'expired')!
    const { endBefore, ...rest } = JSON.parse(expired.data) as { endBefore: number }
    expect(rest).toEqual({ partition })
    expect(endBefore).toBeGreaterThan(60_000)
    expect(endBefore).toBeLessThanOrEqual(2 * day + 60_000)
    expect(early.shown.filter((event) => event.startsWith('change'))).toEqual(['change ann 2'])
    for (const client of [all, early]) client.end()
  })

  test('goes on behind Last-Event-ID: with what there is then, and never with what was there before', async () => {
    const client = await Client.open('?key=bob')
    await client.has('current')
    await accounts.pay(['bob', 3])
    await client.has('change bob 3')
    const { id } = client.events.at(-1)!
    client.end()
    await accounts.pay(['bob', 4])
    const again = await Client.open('?key=bob', { 'last-event-id': id! })
    await until(() => again.shown.some((event) => event.endsWith('bob 4')))
    expect(again.shown[1]).toMatch(/^value bob [34]$/)
    again.end()
    const position = Buffer.from(JSON.stringify({ payments: { 0: 1e9, 1: 1e9 } })).toString('base64url')
    expect(await problem('?key=bob&timeout=50ms', { 'last-event-id': position })).toBe('412 MR_QUERY_BEHIND')
    expect(await problem('?key=bob', { 'last-event-id': 'x' })).toBe('400 MR_SERVER_REQUEST')
  })

  test('refuses what it cannot watch, with a status, before the first event', async () => {
    expect(await problem('?key=a&prefix=a')).toBe('400 MR_SERVER_REQUEST')
    expect(await problem('?limit=3')).toBe('400 MR_SERVER_REQUEST')
    expect(await problem('?key=%ff')).toBe('400 MR_SERVER_REQUEST')
    expect(await problem('?partition=7')).toBe('404 MR_QUERY_PARTITION')
    expect(await problem('', {}, 'nothing')).toBe('404 MR_STORE_UNKNOWN')
    expect(await problem('?from=0')).toBe('400 MR_SERVER_REQUEST')
    expect(await problem('?prefix=a', {}, 'minutes')).toBe('400 MR_SERVER_REQUEST')
    expect(await problem('?from=monday', {}, 'minutes')).toBe('400 MR_SERVER_REQUEST')
  })

  test('answers HEAD without a body, and holds nothing for it', async () => {
    const url = `${server.address!.url}/v1/stores/accounts/watch`
    for (let i = 0; i < 3; i++) {
      const response = await fetch(url, { method: 'HEAD' })
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
        200,
        'text/event-stream',
        '',
      ])
    }
    await until(() => watchesOf(server) === 0)
  })

  test('takes as many watches as `limits` says, and another one once a client has left', async () => {
    await using few = await open({ limits: { watches: 2 } })
    const clients = [await Client.open('?key=a', {}, few), await Client.open('', {}, few)]
    const third = await Client.open('?key=b', {}, few)
    expect(third.response.statusCode).toBe(429)
    expect(third.response.headers['retry-after']).toBe('1')
    await until(() => third.hasEnded)
    expect(JSON.parse(third.text)).toMatchObject({ code: 'MR_QUERY_LIMIT' })
    clients[0]!.end()
    await until(() => watchesOf(few) === 1)
    const fourth = await Client.open('?key=b', {}, few)
    expect(fourth.response.statusCode).toBe(200)
    for (const client of [...clients, fourth]) client.end()
  })

  test('ends by a problem when the server is closed', async () => {
    const ending = await open({})
    const client = await Client.open('?key=alice', {}, ending)
    await client.has('current')
    await ending.close()
    await until(() => client.hasEnded)
    const { event, data } = client.events.at(-1)!
    expect([event, JSON.parse(data)]).toMatchObject(['problem', { code: 'MR_CLOSED', status: 503 }])
  })

  test('shows a client that stalls what there is when it reads, and reads no row before', async () => {
    const local = await serve(running.streams, { listen: 'none', auth: 'none' })
    const { body } = await local.fetch(new Request('http://localhost/v1/stores/accounts/watch?prefix=key'))
    const reader = body!.getReader()
    const reading = await Client.open('?key=last')
    for (let round = 1; round <= 20; round++) {
      await accounts.pay(...Array.from({ length: 50 }, (_, n) => [`key ${n}`, round] as const))
      await accounts.pay(['last', round])
      await reading.has(`change last ${round}`)
    }
    const events = new ServerEvents()
    const last = new Map<string, number>()
    let shown = 0
    while ([...last.values()].filter((round) => round === 20).length < 50) {
      for (const { event, data } of events.take(Buffer.from((await reader.read()).value!).toString())) {
        if (event !== 'value' && event !== 'change') continue
        const { key, value } = JSON.parse(data) as { key: string; value: number }
        expect(value).toBeGreaterThanOrEqual(last.get(key) ?? 0)
        last.set(key, value)
        shown++
      }
    }
    // A page of each partition was on its way.
    expect(shown).toBeLessThan(4 * 50)
    await reader.cancel()
    await local.close()
    reading.end()
  })
})

function open(options: ServerOptions): Promise<Server> {
  return serve(running.streams, { listen: 0, ...options })
}

/** Number of watches that the server has. */
function watchesOf({ address }: Server): unknown {
  const status = running.streams.status().companions.get(`server ${address!.url}`)
  return (status as { watches?: number }).watches
}

test('a stream of events shows that it is alive while there are none', async () => {
  const waiting = Promise.withResolvers<void>()
  async function* events(): AsyncGenerator<ServerEvent, void> {
    yield { event: 'value', id: 'x', data: { n: 1 } }
    await waiting.promise
  }
  const app = new Hono()
  app.get('/', (context) =>
    eventStream(context, events(), { logger: silentLogger, ping: 5, end: () => waiting.resolve() }),
  )
  const reader = (await app.request('/')).body!.getReader()
  let text = ''
  while (!text.includes(': ping\n\n: ping\n\n')) text += Buffer.from((await reader.read()).value!).toString()
  expect(text.startsWith('event: value\ndata: {"n":1}\nid: x\n\n')).toBe(true)
  await reader.cancel()
  await waiting.promise
})
