import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  defineApp,
  embeddedLog,
  long,
  memoryLog,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
} from '../../src/index.ts'
import type { AppConfig, Application, Companion, CompanionHost, Log, Logger, StreamsOptions } from '../../src/index.ts'
import type { ReadOnlyTimestampedKeyValueStore } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

function countingApp(settings: Partial<AppConfig> = {}): Application {
  return defineApp({
    id: 'word-counts',
    commitInterval: 20,
    build: (builder) => {
      builder
        .stream(words)
        .peek((word) => {
          if (word === 'bad') throw new Error('a bad word')
        })
        .groupByKey()
        .count({ store: 'counts' })
        .toStream()
        .to(counts)
    },
    ...settings,
  })
}

/** What happened to the companions, in order. */
let events: string[]

interface Doing {
  readonly start?: (streams: CompanionHost) => Promise<void> | void
  readonly stop?: (streams: CompanionHost) => Promise<void> | void
}

function companion(name: string, { start, stop }: Doing = {}): Companion {
  let host: CompanionHost | undefined
  return {
    name,
    start: async (streams) => {
      host = streams
      await start?.(streams)
      events.push(`${name} started`)
    },
    stop: async () => {
      await stop?.(host!)
      events.push(`${name} stopped`)
    },
    status: () => ({ state: host?.state }),
  }
}

let directory: string
let log: Log
let options: StreamsOptions

async function useLog(opened: Log): Promise<void> {
  log = opened
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
  options = { log, stateDirectory: join(directory, 'state') }
}

beforeEach(async () => {
  events = []
  directory = await mkdtemp(join(tmpdir(), 'millrace-companions-'))
  await useLog(memoryLog())
})
afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function write(...given: readonly string[]): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (const word of given) writer.write(word, word)
  await writer.flush()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Stands for a server that answers from the stores. */
function counter(): Companion & { countOf(word: string): number | undefined } {
  let streams: CompanionHost | undefined
  return {
    ...companion('counter', { start: (host) => void (streams = host) }),
    countOf: (word) =>
      streams
        ?.stores<ReadOnlyTimestampedKeyValueStore<string, number>>('counts')
        .map((store) => store.get(word)?.value)
        .find((count) => count !== undefined),
  }
}

describe.each([
  ['memory', () => memoryLog()],
  ['embedded', () => embeddedLog({ directory: join(directory, 'log') })],
])('companions of an application on the log in %s', (_kind, open) => {
  test('start in order when it runs, answer from its stores until it stops, and stop in reverse order', async () => {
    await log.close()
    await useLog(await open())
    const server = counter()
    const last = companion('last', {
      stop: async (streams) => {
        await write('mill', 'mill')
        await until(() => server.countOf('mill') === 3)
        events.push(`stopping while ${streams.state}, ${streams.status().tasks.length} tasks`)
      },
    })
    const streams = await Streams.start(countingApp(), { ...options, companions: [server, last] })
    expect(events).toEqual(['counter started', 'last started'])
    await streams.whenRunning()
    await write('mill')
    await until(() => server.countOf('mill') === 1)
    expect([...streams.status().companions]).toEqual([
      ['counter', { state: 'running' }],
      ['last', { state: 'running' }],
    ])
    await streams.close()
    expect(events.slice(2)).toEqual(['stopping while pending-shutdown, 2 tasks', 'last stopped', 'counter stopped'])
    const written: unknown[] = []
    for await (const { value } of readTopic(log, counts, { until: 'end' })) written.push(value)
    expect(written.at(-1)).toBe(3)
  })

  test('have its log, to read topics and write to them', async () => {
    await log.close()
    await useLog(await open())
    const source = companion('source', {
      start: async (streams) => {
        await using writer = await TopicWriter.open(streams.log, words)
        writer.write('from', 'a connector')
        await writer.flush()
      },
    })
    await using streams = await Streams.start(countingApp(), { ...options, companions: [source] })
    await until(() => streams.status().processed === 1)
  })
})

describe('a companion that does not start', () => {
  test('fails the start of the application, stops those before it, and leaves nothing open', async () => {
    const taken = companion('server', {
      start: () => {
        throw new Error('port 8080 is taken')
      },
    })
    const companions = [companion('first'), companion('second'), taken, companion('last')]
    const states: string[] = []
    const onState = (state: string): void => void states.push(state)
    await expect(Streams.start(countingApp(), { ...options, companions, onState })).rejects.toThrow(
      'port 8080 is taken',
    )
    expect(events).toEqual(['first started', 'second started', 'second stopped', 'first stopped'])
    expect(states.slice(-2)).toEqual(['pending-shutdown', 'not-running'])
    await using again = await Streams.start(countingApp(), options)
    await again.whenRunning()
  })

  test('is not waited for by an application that fails meanwhile', async () => {
    const patient = companion('patient', { start: (streams) => streams.whenRunning() })
    const companions = [companion('first'), patient, companion('last')]
    const nowhere = topic('nowhere', { key: string(), value: string() })
    const failing = countingApp({ build: (builder) => builder.stream(nowhere).to(words) })
    await expect(Streams.start(failing, { ...options, companions })).rejects.toMatchObject({ code: 'MR_TOPIC_UNKNOWN' })
    expect(events).toEqual(['first started', 'first stopped'])
  })
})

describe('a companion that is starting when the application is closed', () => {
  test('is stopped when it has started, and none is started after it', async () => {
    const slow = companion('slow', { start: async (streams) => await streams.close() })
    const companions = [companion('first'), slow, companion('last')]
    const streams = await Streams.start(countingApp(), { ...options, companions })
    expect(streams.state).toBe('not-running')
    expect(events).toEqual(['first started', 'first stopped', 'slow started', 'slow stopped'])
  })
})

describe('a companion that is attached to an application that runs', () => {
  test('starts at once, shows its status, and stops before those that started before it', async () => {
    const streams = await Streams.start(countingApp(), { ...options, companions: [companion('first')] })
    await streams.whenRunning()
    await streams.attach(companion('late'))
    expect(events).toEqual(['first started', 'late started'])
    expect(streams.status().companions.get('late')).toEqual({ state: 'running' })
    await streams.close()
    expect(events.slice(2)).toEqual(['late stopped', 'first stopped'])
  })

  test('is stopped once and forgotten when it is detached, and its name is free again', async () => {
    const streams = await Streams.start(countingApp(), options)
    const late = companion('late')
    await streams.attach(late)
    await streams.detach(late)
    await streams.detach(late)
    expect(events).toEqual(['late started', 'late stopped'])
    expect(streams.status().companions.size).toBe(0)
    await streams.attach(late)
    await streams.close()
    expect(events.slice(2)).toEqual(['late started', 'late stopped'])
  })

  test('is stopped once where it is detached while the application closes', async () => {
    const streams = await Streams.start(countingApp(), options)
    const late = companion('late', { stop: () => void detached.push(streams.detach(late)) })
    const detached: Promise<void>[] = []
    await streams.attach(late)
    await streams.close()
    await Promise.all(detached)
    expect(events).toEqual(['late started', 'late stopped'])
  })

  test('leaves the application running when it does not start', async () => {
    await using streams = await Streams.start(countingApp(), options)
    const taken = companion('server', {
      start: () => {
        throw new Error('port 8080 is taken')
      },
    })
    await expect(streams.attach(taken)).rejects.toThrow('port 8080 is taken')
    await streams.whenRunning()
    await streams.attach(companion('server'))
    expect(events).toEqual(['server started'])
  })

  test('is refused without methods, with a name that another has, and when the application has ended', async () => {
    const streams = await Streams.start(countingApp(), { ...options, companions: [companion('first')] })
    await expect(streams.attach(companion('first'))).rejects.toMatchObject({
      code: 'MR_CONFIG',
      message: 'the option companion.name of attach() is "first"',
    })
    await expect(streams.attach({ name: 'half' } as Companion)).rejects.toMatchObject({ code: 'MR_CONFIG' })
    await streams.close()
    await expect(streams.attach(companion('late'))).rejects.toMatchObject({ code: 'MR_CLOSED' })
    expect(events).toEqual(['first started', 'first stopped'])
  })

  test('is stopped when the application ends before it has started', async () => {
    const streams = await Streams.start(countingApp(), options)
    const slow = companion('slow', { start: () => streams.close() })
    await expect(streams.attach(slow)).rejects.toMatchObject({ code: 'MR_CLOSED' })
    expect(events).toEqual(['slow started', 'slow stopped'])
  })
})

describe('a companion that does not stop', () => {
  test('is logged, and keeps neither the others nor the application from closing', async () => {
    const lines: unknown[] = []
    const error = (fields: object, message: string): void => void lines.push({ ...fields, message })
    const logger: Logger = { debug() {}, info() {}, warn() {}, error }
    const cause = new Error('connections are open')
    const stubborn = companion('stubborn', { stop: () => Promise.reject(cause) })
    const companions = [companion('first'), stubborn, companion('last')]
    const streams = await Streams.start(countingApp({ logger }), { ...options, companions })
    await streams.close()
    expect(streams.state).toBe('not-running')
    expect(events.slice(-2)).toEqual(['last stopped', 'first stopped'])
    expect(lines).toEqual([{ companion: 'stubborn', err: cause, message: 'a companion could not be stopped' }])
  })
})

describe('an application that fails', () => {
  test('stops its companions once, and rejects with its error', async () => {
    const watcher = companion('watcher', { stop: (streams) => void events.push(streams.state) })
    const streams = await Streams.start(countingApp({ threads: 2 }), { ...options, companions: [watcher] })
    await write('bad')
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
    await streams.close().catch(() => {})
    expect(events).toEqual(['watcher started', 'pending-error', 'watcher stopped'])
  })

  test('keeps its companions while a thread is replaced', async () => {
    let fails = true
    const app = countingApp({
      onUncaughtError: () => {
        fails = false
        return 'replaceThread'
      },
      build: (builder) => {
        builder.stream(words).forEach(() => {
          if (fails) throw new Error('the first time')
        })
      },
    })
    const streams = await Streams.start(app, { ...options, companions: [companion('watcher')] })
    await write('mill')
    await until(() => !fails && streams.status().processed > 0)
    expect(events).toEqual(['watcher started'])
    await streams.close()
    expect(events).toEqual(['watcher started', 'watcher stopped'])
  })
})

describe('the status', () => {
  test('shows the error of a companion that throws when it is asked for its status', async () => {
    const error = new Error('not now')
    const silent: Companion = {
      ...companion('silent'),
      status: () => {
        throw error
      },
    }
    await using streams = await Streams.start(countingApp(), { ...options, companions: [silent] })
    expect(streams.status().companions.get('silent')).toEqual({ error })
  })

  test('shows that a companion gave a promise for its own, whose rejection ends nothing', async () => {
    const slow: Companion = { ...companion('slow'), status: () => Promise.reject(new Error('not now')) }
    await using streams = await Streams.start(countingApp(), { ...options, companions: [slow] })
    expect(streams.status().companions.get('slow')).toEqual({ error: new TypeError('status() returned a promise') })
  })
})

describe('the option', () => {
  test.each([
    ['what is not a list', {}, 'is an object', 'Give a list of companions'],
    ['objects without the methods', [{ name: 'server', start() {} }], 'companions[0]', 'it has stop(), status()'],
    ['names that are missing', [{ ...companion(''), name: undefined }], 'companions[0].name', 'Give it a name'],
    ['one name twice', [companion('a'), companion('a')], 'companions[1].name', 'a name of its own'],
  ])('refuses %s', async (_what, companions, message, hint) => {
    const given = { ...options, companions } as StreamsOptions
    const error = await Streams.start(countingApp(), given).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'MR_CONFIG', hint: expect.stringContaining(hint) })
    expect(String(error)).toContain(message)
    expect(events).toEqual([])
  })
})
