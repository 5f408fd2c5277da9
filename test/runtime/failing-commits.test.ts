import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, json, memoryLog, MillraceError, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { GroupEvent } from '../../src/group/group.ts'
import type { LogClientOptions } from '../../src/log/log.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-failing-commits-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** Creates topics and an application that copies numbers, and calls `work` with each. */
async function copying(
  log: Log,
  work: (value: number) => void,
  rest: { commitInterval: number; taskTimeout?: number },
) {
  const id = uniqueName('copying')
  const numbers = topic(`${id}-numbers`, { key: string(), value: json<number>() })
  const copies = topic(`${id}-copies`, { key: string(), value: json<number>() })
  await log.createTopics([numbers, copies].map(({ name }) => ({ name, partitions: 1 })))
  const app = defineApp({
    id,
    guarantee: 'exactly_once',
    ...rest,
    build: (builder) => {
      builder.stream(numbers).peek(work).to(copies)
    },
  })
  return {
    app,
    numbers,
    async write(count: number): Promise<void> {
      await using writer = await TopicWriter.open(log, numbers)
      for (let i = 0; i < count; i++) writer.write('key', i)
      await writer.flush()
    },
    async copied(): Promise<(number | null)[]> {
      const found: (number | null)[] = []
      for await (const { value } of readTopic(log, copies, { until: 'end' })) found.push(value)
      return found
    },
  }
}

function block(ms: number): void {
  const end = Date.now() + ms
  while (Date.now() < end);
}

test('a commit interval too long for the transaction timeout is refused at the start, with both values', async () => {
  await using log = disposable(kafka({ brokers: await sharedBroker(), transactionTimeout: 2_000 }))
  const { app } = await copying(log, () => {}, { commitInterval: 2_000 })
  await expect(Streams.start(app, { log, stateDirectory: directory })).rejects.toMatchObject({
    code: 'MR_CONFIG',
    message: expect.stringMatching(/commitInterval of 2000 ms .*transactionTimeout of 2000 ms/),
    hint: expect.any(String),
  })
})

test('a transaction that a slow record keeps open beyond its timeout is aborted, counted and repeated', async () => {
  await using log = disposable(kafka({ brokers: await sharedBroker(), transactionTimeout: 3_000 }))
  // The slow record comes after others, so that the transaction is open by then each time.
  const work = (value: number): void => block(value === 30 ? 5_000 : 15)
  const { app, write, copied } = await copying(log, work, { commitInterval: 2_800 })
  await write(40)
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  await expect.poll(copied, { timeout: 30_000, interval: 200 }).toEqual(Array.from({ length: 40 }, (_, i) => i))
  expect(streams.status().redone).toBeGreaterThan(0)
  expect(streams.state).toBe('running')
  await streams.close()
})

test('commits that keep failing end the application, with the task and the offset at which it is stuck', async () => {
  await using log = disposable(memoryLog())
  const { app, numbers, write, copied } = await copying(log, () => {}, { commitInterval: 10, taskTimeout: 700 })
  await write(5)
  const streams = await Streams.start(app, { log: committingNothing(log), stateDirectory: directory })
  await expect(streams.closed).rejects.toMatchObject({
    code: 'MR_COMMIT',
    task: '0_0',
    topic: numbers.name,
    partition: 0,
    offset: 0,
    message: expect.stringContaining(`task 0_0 at ${numbers.name}/0 offset 0`),
    hint: expect.stringContaining('Nothing is lost'),
  })
  expect(streams.status().redone).toBeGreaterThan(1)
  expect(await copied()).toEqual([])
})

test('a member given up while it closes says that its last commit is not made, not that it was replaced', async () => {
  await using log = disposable(memoryLog())
  const { app, write, copied } = await copying(log, () => {}, { commitInterval: 60_000 })
  await write(5)
  const streams = await Streams.start(app, { log: losingItsMembers(log), stateDirectory: directory })
  await expect.poll(() => streams.status().processed).toBe(5)
  await expect(streams.close()).rejects.toMatchObject({
    code: 'MR_COMMIT',
    message: expect.stringContaining('(lost)'),
    hint: expect.stringContaining('Nothing is lost'),
  })
  expect(await copied()).toEqual([])

  const next = await Streams.start(app, { log, stateDirectory: directory })
  await expect.poll(() => next.status().processed).toBe(5)
  await next.close()
  expect(await copied()).toEqual([0, 1, 2, 3, 4])
})

function disposable(log: Log): Log & AsyncDisposable {
  return Object.assign(log, { [Symbol.asyncDispose]: async () => log.close() })
}

/** A log whose clients find every transaction aborted. */
function committingNothing(log: Log): Log {
  return replacing(log, 'openClient', async (options: LogClientOptions) => {
    const client = await log.openClient(options)
    return replacing(client, 'commit', async (): Promise<'aborted'> => {
      await client.abort()
      return 'aborted'
    })
  })
}

/** A log whose groups give each member up when it commits. */
function losingItsMembers(log: Log): Log {
  return replacing(log, 'openClient', async (options: LogClientOptions) => {
    const client = await log.openClient(options)
    let isLost = false
    const commit = (): never => {
      isLost = true
      throw new MillraceError('MR_FENCED', 'this client is not a member any more')
    }
    const nextEvent = (): GroupEvent | undefined => {
      return isLost ? { type: 'lost', reason: 'no heartbeat in time' } : client.group.nextEvent()
    }
    const group = replacing(client.group, 'nextEvent', nextEvent)
    return replacing(replacing(client, 'commit', commit), 'group', group)
  })
}

/** `object` with another value for one of its members. */
function replacing<T extends object>(object: T, replaced: keyof T, value: unknown): T {
  return new Proxy(object, {
    get(target, name) {
      if (name === replaced) return value
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
