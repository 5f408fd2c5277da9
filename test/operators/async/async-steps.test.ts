import { describe, expect, test } from 'vitest'
import { defineApp, joinWindow, string, topic, tumbling } from '../../../src/index.ts'
import type { AsyncOptions, CallContext, ErrorHandler, KStream, MapValuesAsyncOptions } from '../../../src/index.ts'
import { TopologyTestDriver } from '../../../src/testing/index.ts'
import { Calls } from './calls.ts'

const input = topic('in', { key: string(), value: string() })
const other = topic('other', { key: string(), value: string() })
const out = topic('out', { key: string(), value: string() })
const dead = topic('dead', { key: string(), value: string() })

type Options = MapValuesAsyncOptions<string, string, string>

function driverOf(
  calls: Calls,
  options: Options = {},
  config: { readonly onProcessingError?: ErrorHandler; readonly deadLetterTopic?: string } = {},
  build = (stream: KStream<string, string>): void => {
    stream.mapValuesAsync(calls.call, { store: 'step', value: string(), ...options }).to(out)
  },
): TopologyTestDriver {
  const app = defineApp({ id: 'app', build: (builder) => build(builder.stream(input)), ...config })
  return new TopologyTestDriver(app, { wallClock: 0 })
}

function outputOf(driver: TopologyTestDriver): string[] {
  return driver
    .output(out)
    .readAll()
    .map(({ key, value }) => `${key}=${value}`)
}

function pipe(driver: TopologyTestDriver, ...records: string[]): void {
  const topicIn = driver.input(input)
  for (const [i, record] of records.entries()) {
    const [key = '', value = ''] = record.split('=')
    topicIn.pipe(key, value, { timestamp: i })
  }
}

describe('results', () => {
  test('go on in the order of the records, whatever order the calls end in', async () => {
    const calls = new Calls()
    using driver = driverOf(calls)
    pipe(driver, 'a=1', 'b=2', 'c=3')
    expect(calls.open).toEqual(['a=1', 'b=2', 'c=3'])
    calls.resolve('c=3')
    calls.resolve('b=2')
    await calls.turn(driver)
    expect(outputOf(driver)).toEqual([])
    calls.resolve('a=1')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['a=1!', 'b=2!', 'c=3!'])
  })

  test('as completed, go on as they come, in order per key', async () => {
    const calls = new Calls()
    using driver = driverOf(calls, { emit: 'as-completed', sameKey: 'concurrent' })
    pipe(driver, 'a=1', 'b=2', 'a=3')
    calls.resolve('a=3')
    calls.resolve('b=2')
    await calls.turn(driver)
    expect(outputOf(driver)).toEqual(['b=2!'])
    calls.resolve('a=1')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['a=1!', 'a=3!'])
  })

  test('that are there at once go on at once: nothing has to settle', () => {
    const app = defineApp({
      id: 'app',
      build: (builder) =>
        void builder
          .stream(input)
          .mapValuesAsync((value) => `${value}?`, { value: string() })
          .to(out),
    })
    using driver = new TopologyTestDriver(app)
    pipe(driver, 'a=1', 'b=2')
    expect(outputOf(driver)).toEqual(['a=1?', 'b=2?'])
  })

  test('keep the timestamps and headers of their records', async () => {
    const calls = new Calls()
    using driver = driverOf(calls)
    driver.input(input).pipe('a', '1', { timestamp: 7, headers: [['trace', 'x']] })
    calls.resolve('a=1')
    await driver.settled()
    const [record] = driver.output(out).readAll()
    expect(record).toMatchObject({ timestamp: 7 })
    expect(record?.headers.getString('trace')).toBe('x')
  })

  test('of mapAsync are pairs, those of flatMapValuesAsync lists; forEachAsync has none', async () => {
    const done: string[] = []
    const build = (stream: KStream<string, string>): void => {
      stream.mapAsync(async (value, key) => [`${key}${key}`, value], { key: string(), value: string() }).to(out)
      stream.flatMapValuesAsync(async (value) => value.split(','), { value: string() }).to(out)
      stream.forEachAsync(async (value) => void done.push(value))
    }
    using driver = driverOf(new Calls(), {}, {}, build)
    pipe(driver, 'a=1,2')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['aa=1,2', 'a=1', 'a=2'])
    expect(done).toEqual(['1,2'])
  })
})

describe('calls', () => {
  test('run up to the concurrency, and records that are piped beyond it are called later', async () => {
    const calls = new Calls()
    using driver = driverOf(calls, { concurrency: 2 })
    pipe(driver, 'a=1', 'b=2', 'c=3', 'd=4', 'e=5', 'f=6')
    expect(calls.open).toEqual(['a=1', 'b=2'])
    for (const call of ['a=1', 'b=2', 'c=3', 'd=4', 'e=5', 'f=6']) {
      calls.resolve(call)
      await calls.turn(driver)
    }
    expect(outputOf(driver)).toEqual(['a=1!', 'b=2!', 'c=3!', 'd=4!', 'e=5!', 'f=6!'])
  })

  test('of one key come one after the other, unless they may be concurrent', async () => {
    const serial = new Calls()
    using driver = driverOf(serial)
    pipe(driver, 'a=1', 'a=2', 'b=3')
    expect(serial.open).toEqual(['a=1', 'b=3'])
    serial.resolve('a=1')
    await serial.turn(driver)
    expect(serial.open).toEqual(['b=3', 'a=2'])
    const concurrent = new Calls()
    using another = driverOf(concurrent, { sameKey: 'concurrent' })
    pipe(another, 'a=1', 'a=2', 'b=3')
    expect(concurrent.open).toEqual(['a=1', 'a=2', 'b=3'])
  })

  test('get a key that is the same for every attempt at a record and different for different records', async () => {
    const keys: string[] = []
    const attempt = async (value: string, _key: string, context: CallContext): Promise<string> => {
      keys.push(`${value} ${context.attempt} ${context.idempotencyKey}`)
      if (context.attempt === 1) throw new Error('not yet')
      return value
    }
    const options = { store: 'step', value: string(), retry: { attempts: 2, backoff: 100 } }
    const build = (stream: KStream<string, string>): void => {
      stream
        .flatMapValues((value) => value.split(','))
        .mapValuesAsync(attempt, { ...options, inputValue: string() })
        .to(out)
    }
    using driver = driverOf(new Calls(), {}, {}, build)
    pipe(driver, 'a=1,2,3')
    for (let i = 0; i < 3; i++) {
      await driver.settled()
      driver.advanceWallClock(100)
    }
    await driver.settled()
    expect(keys).toEqual([
      '1 1 app/in/0/0/step/0',
      '1 2 app/in/0/0/step/0',
      '2 1 app/in/0/0/step/1',
      '2 2 app/in/0/0/step/1',
      '3 1 app/in/0/0/step/2',
      '3 2 app/in/0/0/step/2',
    ])
  })

  test('of a step behind another are told apart by the call before them', async () => {
    const keys: string[] = []
    const build = (stream: KStream<string, string>): void => {
      stream
        .flatMapValuesAsync(async (value) => value.split(','), { store: 'first', value: string() })
        .flatMapValues((value) => [value, value])
        .mapValuesAsync(async (value, _key, { idempotencyKey }) => void keys.push(idempotencyKey), {
          store: 'second',
          inputValue: string(),
          sameKey: 'concurrent',
        })
    }
    using driver = driverOf(new Calls(), {}, {}, build)
    pipe(driver, 'a=1,2', 'b=3')
    await driver.settled()
    expect(keys).toEqual([
      'app/in/0/0/second/0/first/0',
      'app/in/0/0/second/0/first/1',
      'app/in/0/0/second/0/first/2',
      'app/in/0/0/second/0/first/3',
      'app/in/0/1/second/0/first/0',
      'app/in/0/1/second/0/first/1',
    ])
  })

  test('behind a cache are numbered: their records belong to no single input record', async () => {
    const keys: string[] = []
    const build = (stream: KStream<string, string>): void => {
      stream
        .groupByKey()
        .count({ store: 'counted' })
        .toStream()
        .forEachAsync(async (_value, _key, { idempotencyKey }) => void keys.push(idempotencyKey), { store: 'step' })
    }
    using driver = driverOf(new Calls(), {}, {}, build)
    pipe(driver, 'a=1', 'b=1')
    await driver.settled()
    expect(keys).toEqual(['app/step/0/s0', 'app/step/0/s1'])
  })
})

describe('calls that fail', () => {
  const fail: AsyncOptions<string, string> = {}

  test('end the application with the place of the record, by default', async () => {
    const calls = new Calls()
    using driver = driverOf(calls, fail)
    pipe(driver, 'a=1')
    calls.reject('a=1', new Error('no such account'))
    await expect(driver.settled()).rejects.toMatchObject({
      code: 'MR_PROCESSING',
      topic: 'in',
      partition: 0,
      offset: 0,
      cause: { message: 'no such account' },
    })
  })

  test('are skipped and counted, or sent to the dead letter topic with the bytes of their record', async () => {
    const skipping = new Calls()
    using driver = driverOf(skipping, {}, { onProcessingError: 'continue' })
    pipe(driver, 'a=1', 'b=2')
    skipping.reject('a=1', undefined)
    skipping.resolve('b=2')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['b=2!'])
    expect(driver.dropped.byReason.get('processing')).toBe(1)

    const lettered = new Calls()
    const build = (stream: KStream<string, string>): void => {
      stream.mapValuesAsync(lettered.call, { value: string() }).to(out)
      stream.filter(() => false).to(dead)
    }
    using another = driverOf(lettered, {}, { onProcessingError: 'deadLetter', deadLetterTopic: 'dead' }, build)
    pipe(another, 'a=1')
    lettered.reject('a=1', new Error('gone'))
    await another.settled()
    const [letter] = another.output(dead).readAll()
    expect(letter).toMatchObject({ key: 'a', value: '1' })
    expect(letter?.headers.getString('__streams.errors.message')).toBe('gone')
  })

  test('are attempted again after a pause that doubles, where `retryOn` holds', async () => {
    const calls = new Calls()
    const retryOn = (error: unknown): boolean => error instanceof TypeError
    using driver = driverOf(calls, { retry: { attempts: 3, backoff: 100, retryOn } })
    pipe(driver, 'a=1')
    calls.reject('a=1', new TypeError('1'))
    await driver.settled()
    driver.advanceWallClock(99)
    expect(calls.open).toEqual([])
    driver.advanceWallClock(1)
    calls.reject('a=1', new TypeError('2'))
    await driver.settled()
    driver.advanceWallClock(199)
    expect(calls.open).toEqual([])
    driver.advanceWallClock(1)
    calls.reject('a=1', new RangeError('3'))
    await expect(driver.settled()).rejects.toMatchObject({ cause: { message: '3' } })
    expect(calls.made).toBe(3)
  })

  test('take too long after `timeout`: the signal is aborted, and a late answer is ignored', async () => {
    const calls = new Calls()
    using driver = driverOf(calls, { timeout: 1000 }, { onProcessingError: 'continue' })
    pipe(driver, 'a=1', 'b=2')
    const { signal } = calls.contextOf('a=1')
    driver.advanceWallClock(999)
    expect(signal.aborted).toBe(false)
    calls.resolve('b=2')
    await calls.turn(driver)
    driver.advanceWallClock(1)
    expect(signal.reason).toMatchObject({ code: 'MR_CALL_TIMEOUT' })
    calls.resolveLate('a=1')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['b=2!'])
    expect(driver.dropped.byReason.get('processing')).toBe(1)
  })
})

describe('after a restart', () => {
  test('what had not left is called again with the same idempotency key, and goes on once', async () => {
    const calls = new Calls()
    using driver = driverOf(calls, { concurrency: 2 })
    pipe(driver, 'a=1', 'b=2', 'c=3', 'd=4')
    const before = calls.contextOf('a=1').idempotencyKey
    calls.resolve('b=2')
    await calls.turn(driver)
    await driver.restart({ keepState: false })
    driver.advanceWallClock(0)
    expect(calls.open).toEqual(['a=1', 'b=2'])
    expect(calls.contextOf('a=1').idempotencyKey).toBe(before)
    for (const call of ['a=1', 'b=2', 'c=3', 'd=4']) {
      calls.resolve(call)
      await calls.turn(driver)
    }
    expect(outputOf(driver)).toEqual(['a=1!', 'b=2!', 'c=3!', 'd=4!'])
    await driver.restart({ keepState: true })
    driver.advanceWallClock(0)
    expect(calls.open).toEqual([])
  })
})

describe('where records meet results', () => {
  const joined = (calls: Calls, options: Options) =>
    defineApp({
      id: 'app',
      build(builder) {
        const results = builder.stream(input).mapValuesAsync(calls.call, { store: 'step', value: string(), ...options })
        builder
          .stream(other)
          .join(results, (left, right) => `${left}+${right}`, joinWindow(10), { otherValue: string() })
          .to(out, { value: string() })
      },
    })

  test('they wait for the calls before them, so that the answer is that of a synchronous operator', async () => {
    const calls = new Calls()
    using driver = new TopologyTestDriver(joined(calls, {}))
    driver.input(input).pipe('a', '1', { timestamp: 0 })
    driver.input(other).pipe('a', 'x', { timestamp: 1 })
    driver.input(other).pipe('a', 'y', { timestamp: 2 })
    calls.resolve('a=1')
    await driver.settled()
    expect(outputOf(driver)).toEqual(['a=x+1!', 'a=y+1!'])
  })

  test('with `align: false` they meet as they come', async () => {
    const calls = new Calls()
    using driver = new TopologyTestDriver(joined(calls, { align: false }))
    driver.input(input).pipe('a', '1', { timestamp: 0 })
    driver.input(other).pipe('a', 'x', { timestamp: 50 })
    calls.resolve('a=1')
    await driver.settled()
    expect(outputOf(driver)).toEqual([])
    expect(driver.output(out).readAll()).toEqual([])
  })
})

test('windows behind the step see the stream time of the record, not that of later ones', async () => {
  const calls = new Calls()
  const build = (stream: KStream<string, string>): void => {
    stream
      .mapValuesAsync(calls.call, { store: 'step', value: string() })
      .groupByKey()
      .windowedBy(tumbling(10))
      .count({ store: 'counted' })
      .toStream()
      .map((count, { key, start }) => [`${key}@${start}`, String(count)])
      .to(out, { key: string(), value: string() })
  }
  using driver = driverOf(calls, {}, {}, build)
  for (const [i, timestamp] of [0, 5, 1000].entries()) driver.input(input).pipe('a', String(i), { timestamp })
  for (const value of ['0', '1', '2']) {
    calls.resolve(`a=${value}`)
    await calls.turn(driver)
  }
  expect(outputOf(driver)).toEqual(['a@0=1', 'a@0=2', 'a@1000=1'])
})
