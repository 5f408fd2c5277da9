import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve } from 'millrace/server'
import { ServerEvents, type SentEvent } from '../../src/cli/server-events.ts'
import { until } from './support.ts'
import { said, TopicServer } from './topic-server.ts'

let place: TopicServer
beforeAll(async () => {
  place = await TopicServer.start()
})
afterAll(() => place[Symbol.asyncDispose]())

/** Events of a topic over a real socket. */
class Client {
  readonly response: IncomingMessage
  readonly events: SentEvent[] = []
  hasEnded = false

  private constructor(response: IncomingMessage) {
    this.response = response
    const events = new ServerEvents()
    response.setEncoding('utf8')
    response.on('data', (part: string) => void this.events.push(...events.take(part)))
    response.on('error', () => {})
    response.on('close', () => (this.hasEnded = true))
  }

  static async open(name: string, query = '', headers = {}, url = place.url): Promise<Client> {
    const accept = { accept: 'text/event-stream' }
    const sent = request(`${url}/v1/topics/${name}/records${query}`, { headers: { ...accept, ...headers } })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return new Client(response)
  }

  get values(): unknown[] {
    return this.events
      .filter(({ event }) => event === 'record')
      .map(({ data }) => (JSON.parse(data) as { value: unknown }).value)
  }

  get lastId(): string {
    return this.events.at(-1)!.id!
  }

  async has(count: number): Promise<void> {
    await until(() => this.values.length >= count)
  }

  end(): void {
    this.response.destroy()
  }
}

const sent = (from: number, to: number): { value: string; partition: number }[] =>
  Array.from({ length: to - from }, (_, i) => ({ value: `${from + i}`, partition: (from + i) % 2 }))

describe('events of a topic', () => {
  test('are its records, then those that follow, as the pages have them', async () => {
    const name = await place.newTopic(2)
    await place.post(name, { records: sent(0, 4) })
    const client = await Client.open(name)
    expect(client.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    await client.has(4)
    await place.post(name, { records: sent(4, 6) })
    await client.has(6)
    const { records } = (await place.ask(`/v1/topics/${name}/records`)).body
    const shown = client.events.filter(({ event }) => event === 'record').map(({ data }) => JSON.parse(data) as unknown)
    expect(shown).toHaveLength(6)
    expect(shown).toEqual(expect.arrayContaining([...records]))
    expect(client.events[0]).toMatchObject({ event: 'begin', data: '{}' })
    client.end()
  })

  test('go on behind Last-Event-ID wherever they were cut, and before the first record as well', async () => {
    const name = await place.newTopic(2)
    await place.post(name, { records: sent(0, 3) })
    const first = await Client.open(name, '?from=end')
    await until(() => first.events.length === 1)
    first.end()
    await place.post(name, { records: sent(3, 30) })
    const seen: unknown[] = []
    let id = first.lastId
    while (seen.length < 27) {
      const client = await Client.open(name, '?from=end&limit=9', { 'last-event-id': id })
      await until(() => client.hasEnded)
      seen.push(...client.values)
      id = client.lastId
    }
    expect(seen.map(Number).toSorted((a, b) => a - b)).toEqual(sent(3, 30).map(({ value }) => Number(value)))
    const wrong = await place.ask(`/v1/topics/${name}/records`, {
      headers: { accept: 'text/event-stream', 'last-event-id': 'x' },
    })
    expect(said(wrong)).toBe('400 MR_SERVER_REQUEST')
  })

  test('are as many as the limit of watches, with the pages that wait; one more is refused', async () => {
    const name = await place.newTopic()
    await using server = await serve(place.running.streams, { listen: 0, auth: 'none', limits: { watches: 1 } })
    const client = await Client.open(name, '', {}, server.address!.url)
    const waiting = await place.ask(`/v1/topics/${name}/records?wait=1s`, {}, server)
    expect(said(waiting)).toBe('429 MR_QUERY_LIMIT')
    expect(said(await place.ask(`/v1/topics/${name}/records`, {}, server))).toBe('200')
    client.end()
    await until(async () => said(await place.ask(`/v1/topics/${name}/records?wait=1ms`, {}, server)) === '200')
  })

  test('end with the server, and say so; a page that waits is returned', async () => {
    const name = await place.newTopic()
    const server = await serve(place.running.streams, { listen: 0, auth: 'none' })
    const client = await Client.open(name, '', {}, server.address!.url)
    const page = fetch(`${server.address!.url}/v1/topics/${name}/records?wait=60s`)
    await until(() => (server as unknown as { status(): { watches: number } }).status().watches === 2)
    await server.close()
    await until(() => client.hasEnded)
    expect(client.events.at(-1)).toMatchObject({ event: 'problem', data: expect.stringContaining('MR_CLOSED') })
    expect(await (await page).json()).toMatchObject({ records: [], end: true })
  })

  test('wait for a client that does not read, without keeping its records, and go on when it does', async () => {
    const name = await place.newTopic()
    const text = 'x'.repeat(100_000)
    for (let i = 0; i < 20; i++) {
      const records = Array.from({ length: 8 }, (_, index) => ({ value: `${i * 8 + index} ${text}` }))
      expect(said(await place.post(name, { records }))).toBe('200')
    }
    const { hostname, port } = new URL(place.url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const before = process.memoryUsage().arrayBuffers
    socket.write(`GET /v1/topics/${name}/records HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`)
    await once(socket, 'readable')
    // Another client gets all of it meanwhile.
    const other = await Client.open(name)
    await other.has(160)
    other.end()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16e6)
    let received = ''
    socket.setEncoding('latin1')
    socket.on('data', (part) => (received = (received + String(part)).slice(-300_000)))
    socket.resume()
    await until(() => received.includes('"value":"159 '))
    socket.destroy()
  })
})

test('lines of a topic are all that there are, and have a last line that says where they end', async () => {
  const name = await place.newTopic(2)
  await place.post(name, { records: sent(0, 1000) })
  const lines = async (query: string): Promise<Record<string, unknown>[]> => {
    const response = await place.fetch(`/v1/topics/${name}/records${query}`, {
      headers: { accept: 'application/x-ndjson' },
    })
    return (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  const all = await lines('')
  expect(all).toHaveLength(1001)
  expect(all.at(-1)).toEqual({ end: true, records: 1000, cursor: expect.any(String) })
  const some = await lines('?limit=300')
  const rest = await lines(`?cursor=${String(some.at(-1)!['cursor'])}`)
  expect(
    [...some.slice(0, -1), ...rest.slice(0, -1)].map(({ value }) => Number(value)).toSorted((a, b) => a - b),
  ).toEqual(sent(0, 1000).map((_, i) => i))
  const none = await lines(`?cursor=${String(rest.at(-1)!['cursor'])}`)
  expect(none).toEqual([{ end: true, records: 0, cursor: rest.at(-1)!['cursor'] }])
})
