import { once } from 'node:events'
import { request as ask, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryLog, string, topic, TopicWriter, type Log, type Serde } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { totalOf } from '../metrics/total.ts'
import { Running, until } from './support.ts'

const VALUE = 'x'.repeat(1000)

/** Text that the serde refuses to read. */
let unreadable: string | undefined
/** Number of values that the serde has read. */
let decoded = 0

const text: Serde<string> = {
  name: 'text',
  serialize: (value) => Buffer.from(value),
  deserialize(bytes) {
    decoded++
    const value = Buffer.from(bytes).toString()
    if (value === unreadable) throw new TypeError('this cannot be read')
    return value
  },
}

const items = topic('items', { key: string(), value: text })

const ROWS = 100_000

let log: Log
let running: Running
let server: Server
/** The store has 100 MB; the key of the last row is `z`. */
beforeAll(async () => {
  log = memoryLog()
  await log.createTopics([{ name: items.name, partitions: 3 }])
  await using writer = await TopicWriter.open(log, items)
  for (let row = 1; row < ROWS; row++) {
    writer.write(`item ${row}`, VALUE, { timestamp: row })
    if (row % 10_000 === 0) await writer.flush()
  }
  writer.write('z', 'the last', { timestamp: 0 })
  await writer.flush()
  running = await Running.start(
    { commitInterval: '10ms', build: (builder) => void builder.table(items, { store: 'items' }) },
    { log },
  )
  server = await serve(running.streams, { listen: 0 })
  const url = `${server.address!.url}/v1/stores/items/entries/z?consistency=committed`
  await until(async () => running.streams.status().processed === ROWS && (await fetch(url)).ok)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await log.close()
})

/** Asks for rows, of which the client has read nothing yet. */
async function scan(query = '', method = 'GET'): Promise<IncomingMessage> {
  const url = `${server.address!.url}/v1/stores/items/entries${query}`
  const request = ask(url, { method, headers: { accept: 'application/x-ndjson' } })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  return response
}

/** Reads to the end. Keeps the last line alone. */
async function read(response: IncomingMessage): Promise<{ readonly rows: number; readonly last: string }> {
  let rest = ''
  let rows = -1
  let last = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop()!
    rows += lines.length
    last = lines.at(-1) ?? last
  }
  return { rows, last }
}

test('a scan of 100,000 rows comes whole, and a client that stalls has no more read than it can be sent', async () => {
  decoded = 0
  const stalled = await scan()
  const { rows, last } = await read(await scan())
  expect(rows).toBe(ROWS)
  expect(JSON.parse(last)).toMatchObject({ end: true, rows: ROWS, next: null })
  // The operating system holds some MB for a connection.
  expect(decoded - ROWS).toBeLessThan(ROWS / 4)
  expect(totalOf(running.streams, 'millrace_open_scans')).toBeGreaterThan(0)
  expect(totalOf(running.streams, 'millrace_oldest_scan_seconds')).toBeGreaterThan(0)
  stalled.destroy()
  await until(() => totalOf(running.streams, 'millrace_open_scans') === 0)
})

test('a scan is read as its client reads, some rows ahead', async () => {
  await using local = await serve(running.streams, { listen: 'none', auth: 'none' })
  const headers = { accept: 'application/x-ndjson' }
  decoded = 0
  const { body } = await local.fetch(new Request('http://localhost/v1/stores/items/entries?from=item%209', { headers }))
  let received = 0
  for await (const chunk of body!) {
    received += Buffer.from(chunk).toString().split('\n').length - 1
    expect(decoded - received).toBeLessThan(200)
  }
  // item 9, 90 to 99, and so on; z; the last line.
  expect(received).toBe(11_111 + 2)
})

test('a scan that goes wrong on the way says so in its last line', async () => {
  unreadable = 'the last'
  const { rows, last } = await read(await scan('?from=item%2099'))
  unreadable = undefined
  expect(rows).toBe(1111)
  expect(JSON.parse(last)).toMatchObject({ end: false, rows, problem: { code: 'MR_STATE_DESERIALIZE' } })
})

/** Each scan reads three partitions, and a thread has a hundred scans at most. */
const CLIENTS = 90

test('clients that leave end their scans: more may come than can be served at a time', async () => {
  for (let client = 0; client < CLIENTS; client++) (await scan()).destroy()
  await until(async () => (await read(await scan('?from=item%2099'))).rows === 1112)
  const responses = await Promise.all(Array.from({ length: CLIENTS }, () => scan()))
  expect(new Set(responses.map(({ statusCode }) => statusCode))).toEqual(new Set([200, 429]))
  for (const response of responses) response.destroy()
  await until(async () => (await read(await scan('?from=item%2099'))).rows === 1112)
})

test('a HEAD request holds no scan', async () => {
  for (let client = 0; client < CLIENTS; client++) {
    const { statusCode, headers } = await scan('', 'HEAD')
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/x-ndjson'])
  }
})

test('a scan that is cut is seen to be: it has no last line', async () => {
  const response = await scan()
  await running.streams.close()
  let received = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => (received += chunk))
  await new Promise((resolve) => response.on('close', resolve))
  expect(response.complete).toBe(false)
  expect(received).toContain('"key":"item ')
  expect(received).not.toContain('"end":')
})
