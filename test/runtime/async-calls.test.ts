import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, memoryLog, readTopic, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { Application, CallContext, Log, MapValuesAsyncOptions } from '../../src/index.ts'
import { until } from './support/state-case.ts'

const words = topic('words', { key: string(), value: string() })
const echoes = topic('echoes', { key: string(), value: string() })

/** A service whose calls end when the test says so. */
class Service {
  readonly contexts: CallContext[] = []
  readonly #open = new Map<string, PromiseWithResolvers<string>>()

  readonly call = (value: string, _key: string, context: CallContext): Promise<string> => {
    this.contexts.push(context)
    const call = Promise.withResolvers<string>()
    this.#open.set(value, call)
    return call.promise
  }

  get called(): readonly string[] {
    return [...this.#open.keys()]
  }

  answer(value: string): void {
    this.#open.get(value)?.resolve(`${value}!`)
  }
}

let log: Log
let stateDirectory = ''

beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-calls-'))
  log = memoryLog()
  await log.createTopics([words, echoes].map(({ name }) => ({ name, partitions: 1 })))
})

afterEach(async () => {
  await log.close()
  await rm(stateDirectory, { recursive: true, force: true })
})

function echoing(service: Service, options: MapValuesAsyncOptions<string, string, string> = {}): Application {
  return defineApp({
    id: 'echo',
    build: (builder) =>
      void builder
        .stream(words)
        .mapValuesAsync(service.call, { store: 'asking', value: string(), ...options })
        .to(echoes),
  })
}

function start(app: Application): Promise<Streams> {
  return Streams.start(app, { log, engine: 'memory', stateDirectory })
}

async function write(...values: string[]): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (const value of values) writer.write('key', value)
  await writer.flush()
}

async function echoed(): Promise<(string | null)[]> {
  const values: (string | null)[] = []
  for await (const { value } of readTopic(log, echoes, { until: 'end' })) values.push(value)
  return values
}

async function committed(): Promise<number | undefined> {
  const partition = { topic: 'words', partition: 0 }
  return (await log.committedOffsets('echo', [partition])).get('words', 0)?.offset
}

describe('calls in flight', () => {
  test('hold up no commit, and their results go on when they are there', async () => {
    const service = new Service()
    await using streams = await start(echoing(service, { sameKey: 'concurrent' }))
    await write('a', 'b')
    await until(() => service.called.length === 2)
    await until(async () => (await committed()) === 2)
    expect(streams.status().tasks[0]?.calls).toMatchObject([{ store: 'asking', inFlight: 2, waiting: 0, attempts: 2 }])
    service.answer('b')
    service.answer('a')
    await until(async () => (await echoed()).length === 2)
    expect(await echoed()).toEqual(['a!', 'b!'])
  })

  test('are waited for by a close up to `drainTimeout`, then called again by the next owner', async () => {
    const service = new Service()
    const first = await start(echoing(service, { sameKey: 'concurrent', drainTimeout: 200 }))
    await write('a', 'b')
    await until(() => service.called.length === 2)
    const closed = first.close()
    service.answer('a')
    await closed
    expect(await echoed()).toEqual(['a!'])
    const [, left] = service.contexts
    expect(left?.signal.aborted).toBe(true)
    service.answer('b')

    const next = new Service()
    await using second = await start(echoing(next))
    await until(() => next.called.length === 1)
    expect(next.contexts[0]?.idempotencyKey).toBe(left?.idempotencyKey)
    next.answer('b')
    await until(async () => (await echoed()).length === 2)
    await second.close()
    expect(await echoed()).toEqual(['a!', 'b!'])
  })
})

test('a topology without the step is refused while records wait for their calls, and taken when none do', async () => {
  const service = new Service()
  const first = await start(echoing(service, { drainTimeout: 0 }))
  await write('a')
  await until(() => service.called.length === 1)
  await first.close()
  const without = defineApp({ id: 'echo', build: (builder) => builder.stream(words).to(echoes) })
  await expect(start(without)).rejects.toMatchObject({ code: 'MR_TOPOLOGY_CALLS_LEFT', store: 'asking' })

  const next = new Service()
  const second = await start(echoing(next))
  await until(() => next.called.length === 1)
  next.answer('a')
  await until(async () => (await echoed()).length === 1)
  await second.close()
  await using third = await start(without)
  await write('b')
  await until(async () => (await echoed()).length === 2)
  await third.close()
  expect(await echoed()).toEqual(['a!', 'b'])
})
