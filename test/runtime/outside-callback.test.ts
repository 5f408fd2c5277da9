import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  defineApp,
  embeddedLog,
  keyValueStore,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
} from '../../src/index.ts'
import type { KeyValueStore, ProcessorContext, ProcessorSupplier } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

type Context = ProcessorContext<string, string>

const types = { key: string(), value: string() }
const words = topic('words', types)
const out = topic('out', types)

function appOf(...suppliers: ProcessorSupplier<string, string, string, string>[]): ReturnType<typeof defineApp> {
  return defineApp({
    id: 'app',
    build: (builder) => {
      builder.addStateStore(keyValueStore('kept', types))
      let stream = builder.stream(words)
      for (const supplier of suppliers) stream = stream.process(supplier, { stores: ['kept'] })
      stream.to(out)
    },
  })
}

/** A processor that hands its context out. */
function exposing(expose: (context: Context) => void, process: (context: Context) => void = () => {}) {
  return () => {
    let context: Context
    return {
      init(opened: Context) {
        context = opened
        expose(opened)
      },
      process: () => process(context),
    }
  }
}

/** Everything that a processor can do and that has an effect. */
const ACTS: readonly (readonly [name: string, act: (context: Context) => void])[] = [
  ['forward', (context) => context.forward({ key: 'k', value: 'late' })],
  ['commit', (context) => context.commit()],
  ['schedule', (context) => void context.schedule('1s', 'stream-time', () => {})],
  ['put', (context) => context.store<KeyValueStore<string, string>>('kept').put('k', 'late')],
  ['putIfAbsent', (context) => void context.store<KeyValueStore<string, string>>('kept').putIfAbsent('k', 'late')],
  ['putAll', (context) => context.store<KeyValueStore<string, string>>('kept').putAll([{ key: 'k', value: 'late' }])],
  ['delete', (context) => void context.store<KeyValueStore<string, string>>('kept').delete('k')],
]

describe.each(ACTS)('%s', (name, act) => {
  const outside = expect.objectContaining({ code: 'MR_OUTSIDE_CALLBACK', hint: expect.any(String) })

  test('throws to its caller when no callback is running, and changes nothing', () => {
    let context: Context | undefined
    using driver = new TopologyTestDriver(appOf(exposing((opened) => (context = opened))))
    driver.input(words).pipe('k', 'v', { timestamp: 1 })
    expect(() => act(context as Context)).toThrow(outside)
    driver.input(words).pipe('k', 'v', { timestamp: 2 })
    expect(driver.output(out).readAll()).toEqual([])
    expect(driver.store<KeyValueStore<string, string>>('kept').get('k')).toBeUndefined()
  })

  test('is refused to another processor, also while this one waits for it', () => {
    let first: Context | undefined
    const failures: unknown[] = []
    const second = exposing(
      () => {},
      () => {
        try {
          act(first as Context)
        } catch (error) {
          failures.push(error)
        }
      },
    )
    const forwarding = exposing(
      (opened) => (first = opened),
      (context) => context.forward({ key: 'k', value: 'v', timestamp: 1 }),
    )
    using driver = new TopologyTestDriver(appOf(forwarding, second))
    driver.input(words).pipe('k', 'v')
    expect(failures).toEqual([outside])
  })

  test('is allowed in init, process, punctuators and close', () => {
    const places: string[] = []
    const supplier = () => {
      let context: Context
      const acts = (place: string): void => {
        act(context)
        places.push(place)
      }
      return {
        init(opened: Context) {
          context = opened
          context.schedule(1, 'wall-clock-time', () => acts('punctuator'))
          // There is no timestamp yet to forward with.
          if (name !== 'forward') acts('init')
        },
        process: () => acts('process'),
        close: () => acts('close'),
      }
    }
    {
      using driver = new TopologyTestDriver(appOf(supplier))
      driver.input(words).pipe('k', 'v')
      driver.advanceWallClock(1)
    }
    expect(places).toEqual([...(name === 'forward' ? [] : ['init']), 'process', 'punctuator', 'close'])
  })
})

test('a processor that awaits loses nothing: its records stay uncommitted, and the process goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-await-'))
  const late: unknown[] = []
  let awaits = true
  const app = defineApp({
    id: 'scores',
    guarantee: 'exactly_once',
    build: (builder) => {
      builder
        .stream(words)
        .process<string, string>(() => {
          let context: Context
          const score = (key: string, value: string): void => context.forward({ key, value: `scored ${value}` })
          return {
            init: (opened) => void (context = opened),
            process({ key, value }) {
              if (!awaits) return score(key, value)
              return new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => {
                try {
                  score(key, value)
                } catch (error) {
                  late.push(error)
                  throw error
                }
              }) as never
            },
          }
        })
        .to(out)
    },
  })
  const log = await embeddedLog({ directory: join(directory, 'log') })
  try {
    await log.createTopics([words, out].map(({ name }) => ({ name, partitions: 1 })))
    {
      await using writer = await TopicWriter.open(log, words)
      for (let i = 0; i < 5; i++) writer.write('k', `${i}`, { timestamp: i })
    }
    const stateDirectory = join(directory, 'state')
    const failing = await Streams.start(app, { log, stateDirectory })
    await expect(failing.closed).rejects.toMatchObject({ code: 'MR_PROMISE', topic: 'words', offset: 0 })
    await expect.poll(() => late).toEqual([expect.objectContaining({ code: 'MR_OUTSIDE_CALLBACK' })])
    awaits = false
    await using streams = await Streams.start(app, { log, stateDirectory })
    await expect.poll(() => streams.status().written).toBe(5)
    await streams.close()
    const values: (string | null)[] = []
    for await (const { value } of readTopic(log, out, { until: 'end' })) values.push(value)
    expect(values).toEqual(['scored 0', 'scored 1', 'scored 2', 'scored 3', 'scored 4'])
  } finally {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
})
