import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineApp, json, memoryLog, Streams, string, topic, TopicWriter } from '../../../src/index.ts'
import type { AppConfig, KStream, MapValuesAsyncOptions, Serde, StreamsStatus } from '../../../src/index.ts'
import { TopologyTestDriver } from '../../../src/testing/index.ts'
import { Calls } from './calls.ts'

const input = topic('in', { key: string(), value: string() })
const out = topic('out', { key: string(), value: string() })
const dead = topic('dead', { key: string(), value: string() })

/** What the types would refuse. */
type Given = never
type Config = Partial<AppConfig>

function appOf(build: (stream: KStream<string, string>) => void, config: Config = {}): ReturnType<typeof defineApp> {
  return defineApp({ id: 'app', build: (builder) => build(builder.stream(input)), ...config })
}

function driverOf(call: unknown, options: object = {}, config: Config = {}): TopologyTestDriver {
  const build = (stream: KStream<string, string>): void => {
    stream.mapValuesAsync(call as Given, { store: 'step', value: string(), ...options }).to(out)
  }
  return new TopologyTestDriver(appOf(build, config), { wallClock: 0 })
}

function outputOf(driver: TopologyTestDriver): string[] {
  return driver
    .output(out)
    .readAll()
    .map(({ key, value }) => `${key}=${value}`)
}

// A rejection that reached the process would fail this file, whichever test it came from.

describe('a function', () => {
  test('that throws at once fails its record, with node and place', () => {
    using driver = driverOf(() => {
      throw new RangeError('out')
    })
    expect(() => driver.input(input).pipe('a', '1')).toThrow(
      expect.objectContaining({
        code: 'MR_PROCESSING',
        node: expect.stringMatching(/^KSTREAM-MAPVALUESASYNC-/),
        topic: 'in',
        partition: 0,
        offset: 0,
        cause: expect.objectContaining({ message: 'out' }),
      }),
    )
  })

  test('that throws at once is attempted again, and skipped if it goes on', async () => {
    let attempts = 0
    const call = (): never => {
      attempts++
      throw new RangeError('out')
    }
    using driver = driverOf(call, { retry: { attempts: 2, backoff: 10 } }, { onProcessingError: 'continue' })
    driver.input(input).pipe('a', '1')
    await driver.settled()
    driver.advanceWallClock(10)
    expect([attempts, driver.dropped.byReason.get('processing')]).toEqual([2, 1])
  })

  test('that returns no promise has its result sent on at once', () => {
    using driver = driverOf((value: string) => `${value}!`)
    driver.input(input).pipe('a', '1')
    expect(outputOf(driver)).toEqual(['a=1!'])
  })

  test('that rejects with undefined fails its record as any other error does', async () => {
    using driver = driverOf(() => Promise.reject())
    driver.input(input).pipe('a', '1')
    await expect(driver.settled()).rejects.toMatchObject({
      code: 'MR_PROCESSING',
      message: expect.stringContaining('threw: undefined'),
      offset: 0,
    })
  })

  test('whose answer comes twice is taken by its first word', async () => {
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable
      then(resolve: (value: string) => void, reject: (error: unknown) => void) {
        resolve('first')
        resolve('second')
        reject(new Error('third'))
        throw new Error('fourth')
      },
    }
    using driver = driverOf(() => twice)
    driver.input(input).pipe('a', '1')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['a=first'])
  })

  test('whose thenable answers with a promise has that promise awaited', async () => {
    const nested = {
      // oxlint-disable-next-line unicorn/no-thenable
      then: (resolve: (value: Promise<string>) => void) => resolve(Promise.resolve('inner')),
    }
    using driver = driverOf(() => nested)
    driver.input(input).pipe('a', '1')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['a=inner'])
  })

  test('whose thenable fails to be one fails its record', async () => {
    const broken = {
      // oxlint-disable-next-line unicorn/no-thenable
      get then(): never {
        throw new Error('no then')
      },
    }
    using driver = driverOf(() => broken, {}, { onProcessingError: 'continue' })
    driver.input(input).pipe('a', '1')
    await driver.settled()
    expect(driver.dropped.byReason.get('processing')).toBe(1)
  })

  test('that never answers is ended by its timeout, though somebody waits for the driver to settle', async () => {
    const never = new Promise(() => {})
    using driver = driverOf(() => never, { timeout: '1s' }, { onProcessingError: 'continue' })
    driver.input(input).pipe('a', '1')
    const settled = driver.settled()
    await turn()
    driver.advanceWallClock('1s')
    await settled
    expect(driver.dropped.byReason.get('processing')).toBe(1)
  })

  test('that ignores `signal` is not listened to: neither its late answer nor its late error counts', async () => {
    const calls = new Calls()
    const config: Config = { onProcessingError: 'continue' }
    using driver = driverOf(calls.call, { timeout: 100, sameKey: 'concurrent' }, config)
    driver.input(input).pipe('a', '1')
    driver.input(input).pipe('a', '2')
    driver.advanceWallClock(100)
    calls.resolveLate('a=1')
    calls.rejectLate('a=2', new Error('too late'))
    await turn()
    driver.advanceWallClock(0)
    expect(outputOf(driver)).toEqual([])
    expect(driver.dropped.byReason.get('processing')).toBe(2)
  })

  test('that answers after the application was closed is not listened to', async () => {
    const calls = new Calls()
    const driver = driverOf(calls.call, { sameKey: 'concurrent' })
    driver.input(input).pipe('a', '1')
    driver.input(input).pipe('a', '2')
    const { signal } = calls.contextOf('a=1')
    driver.close()
    expect(signal.reason).toMatchObject({ code: 'MR_CLOSED' })
    calls.resolveLate('a=1')
    calls.rejectLate('a=2', new Error('too late'))
    await turn()
  })

  test('whose result the serde of the topic refuses fails as the result of a synchronous operator does', async () => {
    const asked: string[] = []
    const config: Config = {
      onProductionError: (error, { offset, node }) => {
        asked.push(`${error.code} at ${offset} in ${node}`)
        return 'continue'
      },
    }
    const refused = topic('refused', { key: string(), value: picky('bad') })
    const build = (stream: KStream<string, string>): void => {
      stream.mapValuesAsync(async (value) => value).to(refused)
      stream.mapValues((value) => value).to(refused)
    }
    using driver = new TopologyTestDriver(appOf(build, config))
    driver.input(input).pipe('a', 'good')
    driver.input(input).pipe('a', 'bad')
    await driver.settled()
    expect(asked).toEqual([
      expect.stringMatching(/^MR_SERIALIZE at 1 in KSTREAM-SINK-/),
      expect.stringMatching(/^MR_SERIALIZE at 1 in KSTREAM-SINK-/),
    ])
    expect(driver.output(refused).readValues()).toEqual(['good', 'good'])
  })

  test('of mapAsync() that gives no pair, and one of flatMapValuesAsync() that gives no list', async () => {
    const wrong = async (call: (stream: KStream<string, string>) => KStream<string, string>): Promise<void> => {
      using driver = new TopologyTestDriver(appOf((stream) => call(stream).to(out)))
      driver.input(input).pipe('a', '1')
      await expect(driver.settled()).rejects.toMatchObject({ code: 'MR_MAP_RESULT', offset: 0 })
    }
    const serdes = { key: string(), value: string() }
    await wrong((stream) => stream.mapAsync((async () => 'a') as Given, serdes))
    await wrong((stream) => stream.flatMapValuesAsync((async () => 7) as Given, serdes))
  })

  test('whose result is made of promises has them refused, and their rejections end here', async () => {
    const rejected = (): Promise<never> => Promise.reject(new Error('of no interest to the process'))
    const build = (stream: KStream<string, string>): void => {
      stream.mapAsync((async () => ['k', rejected()]) as Given, { key: string(), value: string() }).to(out)
      stream.flatMapValuesAsync((async () => [rejected(), rejected()]) as Given, { value: string() }).to(out)
    }
    const asked: string[] = []
    const config: Config = {
      onProcessingError: ({ code }) => {
        asked.push(code)
        return 'continue'
      },
    }
    using driver = new TopologyTestDriver(appOf(build, config))
    driver.input(input).pipe('a', '1')
    await driver.settled()
    expect(asked).toEqual(['MR_PROMISE', 'MR_PROMISE'])
    expect(outputOf(driver)).toEqual([])
  })
})

/** Refuses one value. */
function picky(refused: string): Serde<string> {
  return {
    name: 'picky',
    serialize: (value) => {
      if (value === refused) throw new RangeError(`not ${value}`)
      return Buffer.from(value)
    },
    deserialize: (bytes) => Buffer.from(bytes).toString(),
  }
}

describe('a record that the store of the step cannot hold', () => {
  const inputValue = picky('bad')

  test('ends the application when a commit comes, with node and place', () => {
    using driver = driverOf(new Calls().call, { inputValue })
    expect(() => driver.input(input).pipe('a', 'bad')).toThrow(
      expect.objectContaining({ code: 'MR_STATE_SERIALIZE', topic: 'in', partition: 0, offset: 0 }),
    )
  })

  test('is skipped and counted if the handler says so: those around it go on', async () => {
    const calls = new Calls()
    const options = { inputValue, concurrency: 2 }
    using driver = driverOf(calls.call, options, { onProcessingError: 'continue' })
    const piped = ['a=1', 'a=bad', 'a=2', 'b=3']
    for (const [i, name] of piped.entries()) {
      const [key = '', value = ''] = name.split('=')
      driver.input(input).pipe(key, value, { timestamp: 10 * i })
    }
    expect(driver.dropped.byReason.get('processing')).toBe(1)
    for (const name of ['a=1', 'b=3', 'a=2']) {
      calls.resolve(name)
      await calls.turn(driver)
    }
    expect(outputOf(driver)).toEqual(['a=1!', 'a=2!', 'b=3!'])
    expect(driver.streamTime).toBe(30)
  })

  test('is aborted if its call runs, and frees its place for the next one', async () => {
    const calls = new Calls()
    const options = { inputValue, concurrency: 1 }
    using driver = driverOf(calls.call, options, { onProcessingError: 'continue' })
    driver.input(input).pipe('a', 'bad')
    driver.input(input).pipe('b', '2')
    expect(calls.open).toEqual(['b=2'])
    calls.resolve('b=2')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['b=2!'])
  })

  test('goes to the dead letter topic with the bytes of its input record, in the same commit', async () => {
    const calls = new Calls()
    const build = (stream: KStream<string, string>): void => {
      stream.mapValuesAsync(calls.call, { store: 'step', value: string(), inputValue }).to(out)
      stream.filter(() => false).to(dead)
    }
    const config: Config = { onProcessingError: 'deadLetter', deadLetterTopic: 'dead' }
    using driver = new TopologyTestDriver(appOf(build, config))
    driver.input(input).pipe('a', 'bad', { timestamp: 7 })
    driver.input(input).pipe('b', '1', { timestamp: 9 })
    calls.resolve('b=1')
    await driver.settled()
    expect(driver.output(dead).readKeyValues()).toEqual([['a', 'bad']])
    expect(outputOf(driver)).toEqual(['b=1!'])
  })

  test('whose call ends before a commit comes was never put there', async () => {
    using driver = driverOf((value: string) => `${value}!`, { inputValue })
    driver.input(input).pipe('a', 'bad')
    expect(outputOf(driver)).toEqual(['a=bad!'])
  })

  test('leaves the time of the task as it was', async () => {
    const never = new Promise<string>(() => {})
    const build = (stream: KStream<string, string>): void => {
      stream.mapValuesAsync(() => never, { store: 'step', value: string(), inputValue, drainTimeout: 0 }).to(out)
    }
    const log = memoryLog()
    await log.createTopics([input, out].map(({ name }) => ({ name, partitions: 1 })))
    await using writer = await TopicWriter.open(log, input)
    for (const [value, timestamp] of [
      ['bad', 50],
      ['good', 100],
    ] as const)
      writer.write('a', value, { timestamp })
    await writer.flush()
    const app = appOf(build, { onProcessingError: 'continue', commitInterval: '100ms' })
    await using streams = await Streams.start(app, { log })
    const isDropped = ({ processed, dropped }: StreamsStatus): boolean =>
      processed === 2 && dropped.get('processing') === 1
    const { tasks } = await until(streams, isDropped)
    expect(tasks[0]?.streamTime).toBe(100)
    await streams.close()
    await log.close()
  })
})

async function until(streams: Streams, isTrue: (status: StreamsStatus) => boolean): Promise<StreamsStatus> {
  for (;;) {
    const status = streams.status()
    if (isTrue(status)) return status
    await turn()
  }
}

describe('an option that cannot be', () => {
  const build = (options: object): void => {
    appOf((stream) => {
      stream.mapValuesAsync(async (value) => value, options as MapValuesAsyncOptions<string, string, string>)
    }).topology()
  }

  test.each([
    ...[0, -1, Number.NaN, 1e9, 1.5, '16', Infinity].map((concurrency) => ({ concurrency })),
    ...[0, -1, 'soon', Number.NaN].map((timeout) => ({ timeout })),
    ...[0, -1, 2.5].map((attempts) => ({ retry: { attempts } })),
    ...[-1, 'later'].map((backoff) => ({ retry: { backoff } })),
    { retry: { retryOn: 'timeouts' } },
    { sameKey: 'together' },
    { emit: 'any' },
    { align: 'no' },
    { drainTimeout: -1 },
    { retries: 3 },
  ])('%j is refused when the topology is built', (options) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^MR_(TOPOLOGY_ASYNC|DURATION|CONFIG)$/),
        hint: expect.stringMatching(/\S/),
      }),
    )
  })

  test.each([0, -1, Number.NaN, 1e9])(
    'a concurrency of %d is refused in the words of asynchronous steps',
    (concurrency) => {
      expect(() => build({ concurrency })).toThrow(
        expect.objectContaining({ code: 'MR_TOPOLOGY_ASYNC', message: expect.stringContaining('concurrency') }),
      )
    },
  )

  test('no function, and a name that cannot be', () => {
    const none = (): unknown => appOf((stream) => void stream.mapValuesAsync(undefined as Given)).topology()
    expect(none).toThrow(expect.objectContaining({ code: 'MR_TOPOLOGY_FUNCTION' }))
    expect(() => build({ store: 'a step' })).toThrow(expect.objectContaining({ code: 'MR_TOPOLOGY_NAME' }))
  })

  test('the name of a store that is taken, by another step or by a table', () => {
    const step = (stream: KStream<string, string>): void => stream.forEachAsync(async () => {}, { store: 'taken' })
    const twice = (): unknown =>
      appOf((stream) => {
        step(stream)
        step(stream)
      }).topology()
    const table = (): unknown =>
      appOf((stream) => {
        step(stream)
        stream.groupByKey().count({ store: 'taken' })
      }).topology()
    for (const build of [twice, table])
      expect(build).toThrow(
        expect.objectContaining({ code: 'MR_TOPOLOGY_STORE_EXISTS', message: expect.stringContaining('taken') }),
      )
  })

  test('no name of the store under `strictNaming`', () => {
    const unnamed = (options: object): unknown =>
      appOf((stream) => stream.forEachAsync(async () => {}, options), { strictNaming: true }).topology()
    expect(() => unnamed({})).toThrow(expect.objectContaining({ code: 'MR_TOPOLOGY_UNNAMED' }))
    expect(() => unnamed({ store: 'step' })).not.toThrow()
    expect(() => unnamed({ name: 'step' })).not.toThrow()
  })

  test('no serde for the records that wait', () => {
    const build = (stream: KStream<string, string>): void => {
      stream.map((value) => [value.length, value]).forEachAsync(async () => {}, { store: 'step', inputKey: json() })
    }
    expect(() => appOf(build).topology()).toThrow(
      expect.objectContaining({ code: 'MR_SERDE_MISSING', hint: expect.stringContaining('inputValue') }),
    )
  })
})
