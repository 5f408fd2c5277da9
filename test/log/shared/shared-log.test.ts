import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { PRODUCERS } from '../../../src/log/local/own-group.ts'
import type { Log } from '../../../src/log/log.ts'
import { TRAILER_BYTES } from '../../../src/log/embedded/stored-run.ts'
import type { Run } from '../../../src/log/local/run.ts'
import { RunWriter } from '../../../src/log/local/run-writer.ts'
import type { BatchMessage, WrittenMessage } from '../../../src/log/shared/batch.ts'
import { Connection, ConnectionLost } from '../../../src/log/shared/connection.ts'
import { pipeName } from '../../../src/log/shared/endpoint.ts'
import { CALL, hello, PRODUCE, versionOf, WIRE_VERSION } from '../../../src/log/shared/frames.ts'
import { RecordSlice } from '../../../src/record/record-slice.ts'
import { append, clientOptions, committedRecords, readRecords, subtopology, until } from '../log-harness.ts'
import { Member } from './processes.ts'

let root = ''
let directory = ''
let open: Log[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-attach-'))
  directory = join(root, 'log')
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  for (const log of open.toReversed()) await log.close()
  open = []
  rmSync(root, { recursive: true, force: true })
})

async function opened(attach = true): Promise<Log> {
  const log = await embeddedLog({ directory, attach })
  open.push(log)
  return log
}

async function write(log: Log, ...values: string[]): Promise<void> {
  const producer = log.openProducer()
  await producer.loadPartitionCount('topic')
  for (const value of values) append(producer, 'topic', 0, 'key', value)
  await producer.flush()
  await producer.close()
}

async function values(log: Log): Promise<(string | null)[]> {
  return (await committedRecords(log, 'topic', 0)).map(({ value }) => value)
}

const socket = (): string => join(directory, 'millrace.sock')
const mode = (path: string): number => statSync(path).mode & 0o777

describe('a log that is open here', () => {
  test('is used from elsewhere through a socket that only this user can use, and that ends with it', async () => {
    const holder = await opened()
    await holder.createTopics([{ name: 'topic', partitions: 1 }])
    expect(mode(socket())).toBe(0o600)
    const attached = await opened()
    await write(attached, 'from elsewhere')
    await write(holder, 'from here')
    expect(await values(attached)).toEqual(['from elsewhere', 'from here'])
    expect(await values(holder)).toEqual(['from elsewhere', 'from here'])
    // Neither a producer at work nor one that was closed is a group that tools would see.
    const producer = attached.openProducer()
    append(producer, 'topic', 0, 'key', 'more')
    await producer.flush()
    expect(await attached.committedOffsets(PRODUCERS)).toMatchObject({ size: 1 })
    expect(await attached.listGroups()).toEqual([])
    await producer.close()
    expect(await attached.committedOffsets(PRODUCERS)).toMatchObject({ size: 0 })
    await attached.close()
    await holder.close()
    expect(existsSync(socket())).toBe(false)
  })

  test('has its socket among the temporary files where the name would be too long, and says where', async () => {
    directory = join(root, 'a-name-that-is-longer-than-those-of-sockets-may-be'.repeat(2), 'log')
    const holder = await opened()
    await holder.createTopics([{ name: 'topic', partitions: 1 }])
    const path = readFileSync(join(directory, 'millrace-log-socket'), 'utf8')
    expect(existsSync(socket())).toBe(false)
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100)
    expect([mode(dirname(path)), mode(path), mode(join(directory, 'millrace-log-socket'))]).toEqual([
      0o700, 0o600, 0o600,
    ])
    const attached = await opened()
    await write(attached, 'far')
    expect(await values(holder)).toEqual(['far'])
    await attached.close()
    await holder.close()
    expect(existsSync(dirname(path))).toBe(false)
    expect(existsSync(join(directory, 'millrace-log-socket'))).toBe(false)
  })

  test('is used by nobody else with attach: false, here or there', async () => {
    const alone = await opened(false)
    expect(existsSync(socket())).toBe(false)
    await expect(embeddedLog({ directory })).rejects.toMatchObject({ code: 'MR_STATE_LOCKED' })
    await alone.close()
    await opened()
    await expect(embeddedLog({ directory, attach: false })).rejects.toMatchObject({ code: 'MR_STATE_LOCKED' })
  })

  test('runs no stream tasks for others, and is kept from them while an application has it', async () => {
    const holder = await opened()
    await holder.createTopics([{ name: 'topic', partitions: 1 }])
    const attached = await opened()
    const options = clientOptions('app', 1, [subtopology(0, ['topic'])])
    await expect((async () => attached.openClient(options))()).rejects.toMatchObject({
      code: 'MR_STATE_LOCKED',
      message: expect.stringContaining(directory),
    })
    const release = await holder.hold!({ attach: true })
    await expect(attached.hold!({ attach: true })).rejects.toMatchObject({
      code: 'MR_STATE_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await release()
    const client = await holder.openClient(options)
    await expect(attached.hold!({ attach: true })).rejects.toMatchObject({ code: 'MR_STATE_LOCKED' })
    await client.close()
    await attached.hold!({ attach: true })
    await (await attached.openClient(options)).close()
  })

  test('stops to serve while an application wants it alone', async () => {
    const holder = await opened()
    const release = await holder.hold!({ attach: false })
    expect(existsSync(socket())).toBe(false)
    await release()
    expect(existsSync(socket())).toBe(true)
  })

  test('goes on when somebody sends what makes no sense', async () => {
    const holder = await opened()
    await holder.createTopics([{ name: 'topic', partitions: 1 }])
    const frame = Buffer.alloc(40, 0xff)
    frame.writeUInt32BE(36, 0)
    for (const nonsense of [
      'GET / HTTP/1.1\r\n\r\n',
      Buffer.concat([hello(), Buffer.alloc(64, 0xff)]),
      Buffer.concat([hello(), frame]),
    ]) {
      const stranger = connect(socket())
      stranger.write(nonsense)
      stranger.resume()
      await once(stranger, 'close')
    }
    const attached = await opened()
    await write(attached, 'well')
    expect(await values(holder)).toEqual(['well'])
  })
})

describe('a reader and a producer', () => {
  test('go on when the log changes hands, there and back, with what was not flushed', async () => {
    const first = await opened()
    await first.createTopics([{ name: 'topic', partitions: 1 }])
    const second = await opened()
    const producer = first.openProducer()
    const [reader, other] = [first.openReader(), second.openReader()]
    for (const each of [reader, other]) each.assign('topic', 0, 0)
    await producer.loadPartitionCount('topic')
    append(producer, 'topic', 0, 'key', 'before')
    await producer.flush()
    append(producer, 'topic', 0, 'key', 'between')
    expect((await readRecords(reader, 1)).get('topic/0')).toMatchObject([{ value: 'before' }])
    await (
      await second.hold!({ attach: true })
    )()
    await producer.flush()
    expect(producer.lastOffset('topic', 0)).toBe(1)
    append(producer, 'topic', 0, 'key', 'after')
    await (
      await first.hold!({ attach: true })
    )()
    await producer.flush()
    expect(producer.lastOffset('topic', 0)).toBe(2)
    expect((await readRecords(reader, 2)).get('topic/0')).toMatchObject([{ value: 'between' }, { value: 'after' }])
    expect((await readRecords(other, 3)).get('topic/0')).toHaveLength(3)
    await reader.close()
    await other.close()
    await producer.close()
  })

  test('a batch that is sent again, at once or to the next holder, is written once', async () => {
    const holder = await opened()
    await holder.createTopics([{ name: 'topic', partitions: 1 }])
    const run = RecordSlice.of(1, Buffer.from('key'), Buffer.from('value'), undefined)
    const batch = (): Buffer => {
      const runs = new RunWriter(TRAILER_BYTES)
      runs.append(run, 1)
      const [{ buffer, start, end }] = runs.take() as [Run]
      return buffer.subarray(start, end + TRAILER_BYTES)
    }
    const send = async (connection: Connection, number: number): Promise<unknown> => {
      const payload = batch()
      const sent = { topic: 'topic', partition: 0, count: 1, maxTimestamp: 1, bytes: payload.length - TRAILER_BYTES }
      const message: BatchMessage = { producer: 'a producer', number, runs: [sent] }
      const { bases } = (await connection.ask(PRODUCE, message, [payload]).answer).message as WrittenMessage
      return bases
    }
    const [one, two] = [(await Connection.open(directory))!, (await Connection.open(directory))!]
    expect(await Promise.all([send(one, 1), send(two, 1)])).toEqual([[0], [0]])
    expect(await send(one, 2)).toEqual([1])
    await holder.close()
    const next = await opened()
    const three = (await Connection.open(directory))!
    expect(await send(three, 2)).toBeUndefined()
    expect(await send(three, 3)).toEqual([2])
    expect(await values(next)).toHaveLength(3)
    for (const connection of [one, two, three]) connection.close()
  })

  test('a reader that reads nothing holds back what it would be sent', async () => {
    const holder = await opened()
    await holder.createTopics([{ name: 'topic', partitions: 1 }])
    const large = 'x'.repeat(500_000)
    for (let i = 0; i < 30; i++) await write(holder, large)
    const attached = await opened()
    const reader = attached.openReader({ fetchBytes: 1_000_000 })
    reader.assign('topic', 0, 0)
    await until('the first page', () => reader.endOffset('topic', 0))
    const sent = process.memoryUsage().arrayBuffers
    // A call that goes through after it shows that no page is under way.
    for (let i = 0; i < 20; i++) await attached.listTopics()
    expect(process.memoryUsage().arrayBuffers - sent).toBeLessThan(6_000_000)
    expect((await readRecords(reader, 30)).get('topic/0')?.every(({ value }) => value === large)).toBe(true)
    await reader.close()
  })
})

describe('a socket', () => {
  test('that a killed process left is no obstacle', async () => {
    const killed = new Member()
    expect(await killed.carryOut({ do: 'open', directory: root })).toBe('held')
    await killed.kill()
    expect(existsSync(socket())).toBe(true)
    const log = await opened()
    expect(await log.listTopics()).toEqual(['doubled', 'payments'])
    await log.hold!({ attach: true })
  })

  test('of another version of Millrace is refused with both versions, and by it', async () => {
    const alone = await opened(false)
    const others: Socket[] = []
    const server = createServer((connection) => others.push(connection.on('error', () => {})))
    server.on('connection', (connection) => connection.write(hello(WIRE_VERSION + 1)))
    server.listen(socket())
    await once(server, 'listening')
    await expect(embeddedLog({ directory })).rejects.toMatchObject({
      code: 'MR_ATTACH_VERSION',
      message: expect.stringMatching(
        new RegExp(`version ${WIRE_VERSION + 1}; this one speaks version ${WIRE_VERSION}`),
      ),
    })
    for (const each of others) each.destroy()
    server.close()
    await alone.close()

    await opened()
    const newer = connect(socket())
    newer.write(hello(WIRE_VERSION + 1))
    const chunks: Buffer[] = []
    newer.on('data', (chunk) => chunks.push(chunk))
    await once(newer, 'close')
    expect(versionOf(Buffer.concat(chunks))).toBe(WIRE_VERSION)
  })

  test('of something else than Millrace is refused', async () => {
    await opened(false)
    const server = createServer((connection) => connection.end('SSH-2.0-OpenSSH_9.9, and more of it\r\n'))
    server.listen(socket())
    await once(server, 'listening')
    await expect(embeddedLog({ directory })).rejects.toMatchObject({ code: 'MR_ATTACH_VERSION' })
    server.close()
  })

  test('of another user is refused, unless it is stale', async () => {
    const holder = await opened()
    const geteuid = vi.spyOn(process, 'geteuid').mockReturnValue(process.geteuid!() + 1)
    await expect(embeddedLog({ directory })).rejects.toMatchObject({
      code: 'MR_ATTACH_OWNER',
      message: expect.stringContaining(directory),
      hint: expect.stringContaining('Run this as the user'),
    })
    await holder.close()
    writeFileSync(socket(), '')
    const log = await opened()
    geteuid.mockRestore()
    expect(await log.listTopics()).toEqual([])
    expect(statSync(socket()).isSocket()).toBe(true)
  })

  test('that cannot be made is said, and the log is used without it', async () => {
    await (await embeddedLog({ directory })).close()
    const warnings: string[] = []
    mkdirSync(join(directory, 'millrace.sock'))
    vi.stubEnv('TMPDIR', join(root, 'missing'))
    const log = await embeddedLog({ directory, logger: { warn: (_, message) => warnings.push(message) } })
    open.push(log)
    expect(warnings).toEqual([expect.stringContaining('its socket could not be made')])
    await log.createTopics([{ name: 'topic', partitions: 1 }])
    await write(log, 'alone')
    expect(await values(log)).toEqual(['alone'])
  })

  test('is a named pipe on Windows, one for each directory in any case of its letters', () => {
    expect(pipeName('C:\\Data\\log')).toMatch(/^\\\\\.\\pipe\\millrace-[0-9a-f]{32}$/)
    expect(pipeName('C:\\Data\\log')).toBe(pipeName('c:\\data\\LOG'))
    expect(pipeName('C:\\Data\\log')).not.toBe(pipeName('C:\\Data\\log2'))
  })
})

test('partitions that were made although the answer was lost are made: the call is not refused', async () => {
  const holder = await opened()
  await holder.createTopics([{ name: 'topic', partitions: 1 }])
  const other = await opened()
  vi.spyOn(Connection.prototype, 'call').mockImplementationOnce(async function (this: Connection, name, args) {
    await this.ask(CALL, { name, args }).answer
    this.close()
    throw new ConnectionLost()
  })
  await other.createPartitions('topic', 3)
  expect((await holder.describeTopics(['topic'])).get('topic')?.partitions).toBe(3)
  await expect(async () => await other.createPartitions('topic', 3)).rejects.toMatchObject({ code: 'MR_TOPIC_INVALID' })
})
