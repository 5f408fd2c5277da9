import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { int64, json, memoryLog, session, string, topic, TopicWriter, tumbling, type Topic } from 'millrace'
import { serve } from 'millrace/server'
import { Running, until } from '../server/support.ts'
import { ask } from './ask.ts'
import { CliProcess, runMillrace } from './cli-process.ts'

const MINUTE = 60_000

const payments = topic('payments', { key: string(), value: json<{ cents: number }>() })
const prices = topic('prices', { key: string(), value: json<number>() })
const ledger = topic('ledger', { key: int64(), value: int64() })

/** Keys that a path cannot have, and what a terminal would obey. */
const NASTY = ['a/b', '', '..', '%41', 'two words', '\u001b[31m', '\u009b2J']

const log = memoryLog()
let running: Running
let url: string

beforeAll(async () => {
  await log.createTopics([payments, prices, ledger].map(({ name }) => ({ name, partitions: 3 })))
  await write(payments, ...NASTY.map((key) => [key, { cents: 1 }, 0] as const))
  await write(payments, ['alice', { cents: 5 }, 0], ['alice', { cents: 2 }, 10_000], ['bob', { cents: 1 }, MINUTE])
  await write(prices, ['tea', 3, 0], ['tea', 4, MINUTE])
  await write(ledger, [1n, 2n ** 62n, 0])
  running = await Running.start(
    {
      commitInterval: '10ms',
      build: (builder) => {
        const paid = builder.stream(payments).groupByKey()
        paid.reduce((sum, { cents }) => ({ cents: sum.cents + cents }), { store: 'totals' })
        paid.windowedBy(tumbling('1m', { grace: '1d' })).count({ store: 'minutes' })
        paid.windowedBy(session('30s', { grace: '1d' })).count({ store: 'visits' })
        builder.table(prices, { store: { name: 'history', versioned: { history: '1d' } } })
        builder.table(ledger, { store: 'balances' })
      },
    },
    { log },
  )
  url = (await serve(running.streams, { listen: 0 })).address!.url
  await until(() => running.streams.status().processed === NASTY.length + 6)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await log.close()
})

async function write<K, V>(to: Topic<K, V>, ...records: readonly (readonly [K, V, number])[]): Promise<void> {
  await using writer = await TopicWriter.open(log, to)
  for (const [key, value, timestamp] of records) writer.write(key, value, { timestamp })
  await writer.flush()
}

/** Asks the application, and returns what it is answered line by line. */
async function rows(...args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await ask('query', ...args, '--url', url, '--consistency', 'latest')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').slice(0, -1)
}

describe('millrace query', () => {
  test('prints the row of a key, with the time of its last update', async () => {
    expect(await rows('totals', 'alice')).toEqual(['alice  1970-01-01T00:00:10.000Z  {"cents":7}'])
    expect(await rows('balances', '1')).toEqual(['1  1970-01-01T00:00:00.000Z  "4611686018427387904"'])
  })

  test.each(NASTY)('finds the key %j, and prints it so that it is one line and no command', async (key) => {
    const [row = '', ...more] = await rows('totals', key)
    expect(more).toEqual([])
    expect(row).toMatch(/^(?:a\/b|""|\.\.|%41|"two words"|"\\u001b\[31m"|"\\x9b2J") {2}1970-\S+ {2}\{"cents":1\}$/)
    const [asJson = ''] = await rows('totals', key, '--json')
    expect(asJson).toMatch(/^[\u0020-\u007e]+$/)
    expect(JSON.parse(asJson)).toMatchObject({ key, value: { cents: 1 }, timestamp: 0, role: 'active' })
  })

  test('says that a key is absent in one line, prints no row, and ends with 1', async () => {
    for (const json of [[], ['--json']]) {
      const { code, stdout, stderr } = await ask('query', 'totals', 'nobody', '--url', url, ...json)
      expect(stderr).toMatch(/^error MR_QUERY_KEY_ABSENT: .*store=totals.*\n$/)
      expect([code, stdout]).toEqual([1, ''])
    }
  })

  test('prints the rows of all keys, or of a range of them', async () => {
    const keys = (lines: readonly string[]): string[] => lines.map((line) => line.split('  ')[0]!)
    expect(await rows('totals')).toHaveLength(NASTY.length + 2)
    expect(keys(await rows('totals', '--from', 'a', '--to', 'b'))).toEqual(['a/b', 'alice'])
    expect(keys(await rows('totals', '--range', 'alice..bob'))).toEqual(['alice', 'bob'])
    expect(keys(await rows('totals', '--range', '..alice', '--reverse', '--limit', '2'))).toEqual(['alice', 'a/b'])
    expect(keys(await rows('totals', '--prefix', 'al'))).toEqual(['alice'])
    expect(keys(await rows('totals', '--prefix', '6f', '--key-as', 'hex'))).toEqual([])
    expect(keys(await rows('totals', '--prefix', '626f', '--key-as', 'hex'))).toEqual(['626f62'])
    const [row = ''] = await rows('totals', '--prefix', 'al', '--json')
    expect(JSON.parse(row)).toMatchObject({ key: 'alice', value: { cents: 7 }, timestamp: 10_000 })
  })

  test('prints windows and sessions with their bounds, of a key or of all', async () => {
    const start = '1970-01-01T00:00:00.000Z'
    expect(await rows('minutes', 'alice', '--windows')).toEqual([`alice  ${start}  1970-01-01T00:01:00.000Z  2`])
    expect(await rows('minutes', 'alice', '--windows', '--from', '1')).toEqual([])
    expect(await rows('minutes', '--windows', '--from', '1970-01-01T00:01:00Z')).toEqual([
      'bob  1970-01-01T00:01:00.000Z  1970-01-01T00:02:00.000Z  1',
    ])
    expect(await rows('visits', 'alice', '--sessions')).toEqual([`alice  ${start}  1970-01-01T00:00:10.000Z  2`])
  })

  test('prints the version of a key as of a time, or all of them', async () => {
    const [first, second] = ['1970-01-01T00:00:00.000Z', '1970-01-01T00:01:00.000Z']
    expect(await rows('history', 'tea')).toEqual([`tea  ${second}  4`])
    expect(await rows('history', 'tea', '--as-of', '59999')).toEqual([`tea  ${first}  ${second}  3`])
    expect(await rows('history', 'tea', '--versions')).toEqual([`tea  ${first}  ${second}  3`, `tea  ${second}  -  4`])
    expect(await ask('query', 'history', 'tea', '--as-of', '-1', '--url', url)).toMatchObject({ code: 1, stdout: '' })
  })

  test('is a process like any other', async () => {
    expect(await runMillrace('query', 'totals', 'bob', '--url', url, '--consistency', 'latest')).toEqual({
      code: 0,
      stdout: 'bob  1970-01-01T00:01:00.000Z  {"cents":1}\n',
      stderr: '',
    })
  })
})

describe('what is wrong', () => {
  test.each([
    [['nowhere'], 'MR_STORE_UNKNOWN', 'nowhere'],
    [['minutes', 'alice'], 'MR_QUERY_KIND', 'windows'],
    [['totals', '--windows'], 'MR_QUERY_KIND', 'entries'],
    [['balances', 'one'], 'MR_QUERY_KEY', 'int64'],
    [['totals', 'alice', '--from', 'a'], 'MR_SERVER_REQUEST', 'from'],
    [['history', '--as-of', '0'], 'MR_SERVER_REQUEST', 'key'],
    [['minutes', '--windows', '--from', 'tomorrow'], 'MR_SERVER_REQUEST', '2030-01-31'],
  ])('in %j, the instance says as %s', async (args, errorCode, named) => {
    const { code, stdout, stderr } = await ask('query', ...args, '--url', url)
    expect(stderr).toMatch(new RegExp(`^error ${errorCode}: .*\\n {2}hint: \\S`))
    expect(stderr).toContain(named)
    expect([code, stdout]).toEqual([1, ''])
  })

  test.each([
    [['totals', '--range', 'a'], 'FROM..TO'],
    [['totals', '--range', '..'], 'FROM..TO'],
    [['totals', '--range', 'a..b', '--from', 'a'], '--range A..B is --from A --to B'],
    [['totals', '--limit', '0'], 'from 1 to 10000'],
    [['totals', '--consistency', 'perfect'], "'committed' or 'latest'"],
    [['totals', 'a', '--windows', '--as-of', '0'], 'Give one of'],
    [['totals', 'a', '--kafka', 'localhost:9092'], '--app'],
    [[], 'store'],
  ])('in %j, the command says', async (args, hint) => {
    const { code, stdout, stderr } = await ask('query', ...args)
    expect(stderr).toMatch(/^error MR_CLI_USAGE: .*\n {2}hint: \S/)
    expect(stderr).toContain(hint)
    expect([code, stdout]).toEqual([2, ''])
  })
})

describe('rows that are not all', () => {
  const servers: HttpServer[] = []
  afterEach(() => {
    for (const each of servers.splice(0)) each.close().closeAllConnections()
  })

  const ROW = `${JSON.stringify({ key: 'a', value: 1, timestamp: 0, partition: 0 })}\n`
  const problem = { code: 'MR_QUERY_MOVED', detail: 'the task moved away', hint: 'Begin the scan again.' }

  /** A server that sends so much, and goes on, ends well or hangs up. */
  async function sending(text: string, then: 'wait' | 'end' | 'destroy'): Promise<string> {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write(text, () => setImmediate(() => void (then === 'wait' || response[then]())))
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test.each([
    ['without the line that ends them', 'MR_CLI_CUT', ROW, 'end'],
    ['in the middle of a line', 'MR_CLI_CUT', `${ROW}{"key":`, 'end'],
    ['by a connection that breaks', 'MR_CLI_CUT', ROW, 'destroy'],
    ['by silence', 'MR_CLI_CUT', ROW, 'wait'],
    ['by fewer than were sent', 'MR_CLI_CUT', `${ROW}{"end":true,"rows":2,"partitions":[]}\n`, 'end'],
    ['by a problem', 'MR_QUERY_MOVED', `${ROW}${JSON.stringify({ end: false, rows: 1, problem })}\n`, 'end'],
    ['by something else', 'MR_CLI_ANSWER', `${ROW}`.repeat(2) + '<html>\n', 'end'],
  ] as const)('ended %s, are an error', async (_how, errorCode, text, then) => {
    const at = await sending(text, then)
    const { code, stdout, stderr } = await ask('query', 'totals', '--url', at, '--timeout', '300ms')
    expect(stderr).toMatch(new RegExp(`^error ${errorCode}: .*\\n {2}hint: \\S.*\\n$`))
    expect(stdout === '' || /^(?:a {2}\S+ {2}1\n)+$/.test(stdout)).toBe(true)
    expect(code).toBe(1)
  })

  test('because nobody reads on are enough', async () => {
    const at = await sending(ROW.repeat(100_000), 'wait')
    const cli = new CliProcess(['query', 'totals', '--url', at])
    await cli.readNoMore()
    const { code, stderr } = await cli.result()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('with the line that ends them are all, however they come', async () => {
    const at = await sending(`${ROW.repeat(3)}{"end":true,"rows":3,"partitions":[],"next":null}\n`, 'wait')
    const { code, stdout, stderr } = await ask('query', 'totals', '--url', at)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('a  1970-01-01T00:00:00.000Z  1\n'.repeat(3))
  })
})
