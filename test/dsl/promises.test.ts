import { describe, expect, test } from 'vitest'
import {
  defineApp,
  joinWindow,
  json,
  keyValueStore,
  long,
  session,
  sliding,
  string,
  topic,
  tumbling,
} from '../../src/index.ts'
import type { AppConfig, KeyValueStore, KStream, ProcessorContext, Serde, StreamsBuilder } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const words = topic('words', { key: string(), value: json<object>() })
const others = topic('others', { key: string(), value: json<object>() })
const out = topic('out', { key: string(), value: json<object>() })
const serdes = { key: string(), value: json<object>() }

/** Any function a user can pass in the place of one that the types would refuse. */
type Given = never

/** What the functions make of the values does not concern the sink. */
const sink = out as never

/** One place for a function: what is built around it, and how it is called. */
type Place = readonly [
  name: string,
  build: (stream: KStream<string, object>, fn: Given, builder: StreamsBuilder) => void,
]

const grouped = (stream: KStream<string, object>) => stream.groupByKey(serdes)
const store = { store: 'kept', ...serdes }
const first = (a: object): object => a

const PLACES: readonly Place[] = [
  ['filter', (s, fn) => s.filter(fn).to(sink)],
  ['filterNot', (s, fn) => s.filterNot(fn).to(sink)],
  ['map', (s, fn) => s.map(fn).to(sink)],
  ['mapValues', (s, fn) => s.mapValues(fn).to(sink)],
  ['flatMap', (s, fn) => s.flatMap(fn).to(sink)],
  ['flatMapValues', (s, fn) => s.flatMapValues(fn).to(sink)],
  ['selectKey', (s, fn) => s.selectKey(fn).to(sink)],
  ['peek', (s, fn) => s.peek(fn).to(sink)],
  ['forEach', (s, fn) => s.forEach(fn)],
  ['print: mapper', (s, fn) => s.print({ mapper: fn, write: () => {} })],
  ['print: write', (s, fn) => s.print({ write: fn })],
  ['branch', (s, fn) => s.split({ name: 'x' }).branch(fn).defaultBranch().get('x0')?.to(sink)],
  ['groupBy', (s, fn) => s.groupBy(fn, serdes).reduce(first, store).toStream().to(sink)],
  ['aggregate: initializer', (s, fn) => grouped(s).aggregate(fn, first, store).toStream().to(sink)],
  [
    'aggregate: aggregator',
    (s, fn) =>
      grouped(s)
        .aggregate(() => ({}), fn, store)
        .toStream()
        .to(sink),
  ],
  [
    'windowed aggregator',
    (s, fn) =>
      grouped(s)
        .windowedBy(tumbling(10))
        .aggregate(() => 0, fn, { value: long() }),
  ],
  [
    'sliding aggregator',
    (s, fn) =>
      grouped(s)
        .windowedBy(sliding(10))
        .aggregate(() => 0, fn, { value: long() }),
  ],
  [
    'session aggregator',
    (s, fn) =>
      grouped(s)
        .windowedBy(session(10))
        .aggregate(
          () => 0,
          fn,
          (a) => a,
          { value: long() },
        ),
  ],
  ['joiner of a table', (s, fn, b) => s.leftJoin(b.table(others), fn).to(sink)],
  ['joiner of a stream', (s, fn, b) => b.stream(others).merge(s).outerJoin(s, fn, joinWindow(10)).to(sink)],
  ['key mapper of a global table', (s, fn, b) => s.leftJoin(b.globalTable(others), fn, () => 1).to(sink)],
  ['table filter', (s, fn) => s.toTable(store).filter(fn).toStream().to(sink)],
  ['table mapValues', (s, fn) => s.toTable(store).mapValues(fn).toStream().to(sink)],
  [
    'table groupBy',
    (s, fn) =>
      s
        .toTable(serdes)
        .groupBy(fn, serdes)
        .count(store as Given)
        .toStream()
        .to(sink),
  ],
  [
    'table adder',
    (s, fn) =>
      s
        .toTable(serdes)
        .groupBy((v, k) => [k, v], serdes)
        .aggregate(
          () => 0,
          fn,
          () => 0,
          store as Given,
        ),
  ],
  ['foreign-key extractor', (s, fn, b) => s.toTable(serdes).join(b.table(others), fn, () => 1, { value: long() })],
  ['topic chooser', (s, fn) => s.to(fn, serdes)],
  ['partitioner', (s, fn) => s.to('out', { ...serdes, partitioner: fn })],
  ['partitioner of repartition', (s, fn) => s.repartition({ ...serdes, partitioner: fn }).to(sink)],
  ['supplier of process', (s, fn) => s.process(fn)],
  ['supplier of processValues', (s, fn) => s.processValues(fn)],
  ['supplier of transformValues', (s, fn) => s.toTable(serdes).transformValues(fn)],
]

const LISTED: readonly Place[] = [
  ...PLACES,
  ['reducer', (s, fn) => grouped(s).reduce(fn, store)],
  [
    'merger of sessions',
    (s, fn) =>
      grouped(s)
        .windowedBy(session(10))
        .aggregate(
          () => 0,
          () => 0,
          fn,
          { value: long() },
        ),
  ],
  [
    'table subtractor',
    (s, fn) =>
      s
        .toTable(serdes)
        .groupBy((v, k) => [k, v], serdes)
        .aggregate(
          () => 0,
          () => 0,
          fn,
          store as Given,
        ),
  ],
  ['use of a branch', (s, fn) => s.split().branch(() => true, { use: fn })],
  ['retryOn of an asynchronous step', (s, fn) => s.forEachAsync(() => {}, { retry: { retryOn: fn } })],
]

/** Functions whose promises are awaited. */
const AWAITED: readonly Place[] = [
  ['mapAsync', (s, fn) => s.mapAsync(fn, serdes).to(sink)],
  ['mapValuesAsync', (s, fn) => s.mapValuesAsync(fn, { value: json<object>() }).to(sink)],
  ['flatMapValuesAsync', (s, fn) => s.flatMapValuesAsync(fn, { value: json<object>() }).to(sink)],
  ['forEachAsync', (s, fn) => s.forEachAsync(fn)],
]

function app(place: Place, fn: unknown, config: Partial<AppConfig> = {}): ReturnType<typeof defineApp> {
  return defineApp({ id: 'app', build: (builder) => place[1](builder.stream(words), fn as Given, builder), ...config })
}

/** A function without a body that shows that it is async, once it is bound. */
async function asyncMethod(this: unknown): Promise<unknown> {
  return this
}

const rejected = (): Promise<never> => Promise.reject(new Error('of no interest to the process'))

describe('a function that is async is refused when the topology is built', () => {
  test.each(LISTED)('%s', (...place) => {
    for (const fn of [async () => {}, async function* () {}, asyncMethod.bind(null)]) {
      expect(() => app(place, fn).topology()).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^MR_(TOPOLOGY_FUNCTION|TOPOLOGY_ASYNC|CONFIG)$/),
          message: expect.stringContaining('async function'),
        }),
      )
    }
  })

  test.each(['build', 'onProcessingError', 'onDeserializationError', 'onProductionError', 'onUncaughtError'])(
    '%s of defineApp',
    (option) => {
      const config = { id: 'app', build: () => {}, [option]: async () => {} }
      expect(() => defineApp(config as Given)).toThrow(
        expect.objectContaining({ code: 'MR_CONFIG', message: expect.stringContaining(option) }),
      )
    },
  )

  test.each(['serialize', 'deserialize', 'read', 'write'])('%s of a serde', (method) => {
    const serde = { ...json<object>(), [method]: async () => {} } as Serde<object>
    expect(() => topic('t', { key: string(), value: serde })).toThrow(
      expect.objectContaining({ code: 'MR_TOPIC_INVALID', message: expect.stringContaining(`value.${method}`) }),
    )
    const build = (builder: StreamsBuilder): void => {
      builder.addStateStore(keyValueStore('s', { key: string(), value: serde }))
    }
    expect(() => defineApp({ id: 'app', build }).topology()).toThrow(
      expect.objectContaining({ code: 'MR_STORE_INVALID', message: expect.stringContaining(method) }),
    )
  })

  test.each(['timestamp', 'partitioner'])('%s of a topic', (option) => {
    expect(() => topic('t', { ...serdes, [option]: async () => 0 } as Given)).toThrow(
      expect.objectContaining({ code: 'MR_CONFIG', message: expect.stringContaining(option) }),
    )
  })

  test('a punctuator, when it is scheduled', () => {
    const place: Place = ['p', (s, fn) => s.process(fn)]
    const supplier = () => ({
      init: (context: ProcessorContext<string, string>) =>
        void context.schedule('1s', 'stream-time', (async () => {}) as Given),
      process() {},
    })
    expect(() => new TopologyTestDriver(app(place, supplier))).toThrow(expect.objectContaining({ code: 'MR_PROMISE' }))
  })
})

describe('a promise that a function returns is an error of the record', () => {
  const called = PLACES.filter(([name]) => !name.startsWith('supplier'))

  test.each(called)('%s: with its place, before anything is written', (...place) => {
    using driver = new TopologyTestDriver(app(place, rejected))
    expect(() => driver.input(words).pipe('k', { a: 1 }, { timestamp: 3 })).toThrow(
      expect.objectContaining({ code: 'MR_PROMISE', node: expect.any(String), hint: expect.any(String), offset: 0 }),
    )
  })

  test.each(called)('%s: a handler decides, and nothing of the record is written', (...place) => {
    const asked: string[] = []
    const decided = (error: { code: string }): 'continue' => {
      asked.push(error.code)
      return 'continue'
    }
    const config = { onProcessingError: decided, onProductionError: decided, cacheBytes: 0 }
    using driver = new TopologyTestDriver(app(place, rejected, config))
    driver.input(words).pipe('k', { a: 1 }, { timestamp: 3 })
    expect(new Set(asked)).toEqual(new Set(['MR_PROMISE']))
    if (driver.topology.stores.has('kept')) {
      const kept: KeyValueStore<string, unknown> = driver.store('kept')
      // The store of the table that is filtered or mapped holds what was read.
      expect([...kept.all()].map(({ key }) => key)).toEqual(
        ['table filter', 'table mapValues'].includes(place[0]) ? ['k'] : [],
      )
    }
    if (topicsOf(driver).has('out')) expect(driver.output(out).readAll()).toEqual([])
  })

  test.each(PLACES.filter(([name]) => name.startsWith('supplier')))('%s: the task cannot be opened', (...place) => {
    expect(() => new TopologyTestDriver(app(place, rejected))).toThrow(expect.objectContaining({ code: 'MR_PROMISE' }))
  })

  test('a list is looked at before any of it is forwarded', () => {
    const place: Place = ['f', (s, fn) => s.flatMapValues(fn).to(sink)]
    using driver = new TopologyTestDriver(
      app(place, () => ['first', rejected(), rejected()], { onProcessingError: 'continue' }),
    )
    driver.input(words).pipe('k', { n: 1 })
    expect(driver.output(out).readAll()).toEqual([])
  })

  test('a reducer that returns a promise leaves the aggregate as it was', () => {
    const place: Place = ['r', (s, fn) => grouped(s).reduce(fn, store)]
    using driver = new TopologyTestDriver(app(place, rejected, { onProcessingError: 'continue' }))
    driver.input(words).pipeAll([
      ['k', { n: 1 }],
      ['k', { n: 2 }],
    ])
    const kept: KeyValueStore<string, { value: unknown }> = driver.store('kept')
    expect(kept.get('k')?.value).toEqual({ n: 1 })
    expect(driver.dropped.byReason.get('processing')).toBe(1)
  })

  test('a session stays if the record that would lengthen it fails', () => {
    const place: Place = [
      's',
      (s, fn) =>
        grouped(s)
          .windowedBy(session(10))
          .aggregate(
            () => 0,
            fn,
            (a) => a,
            { store: 'kept', value: long() },
          ),
    ]
    let calls = 0
    using driver = new TopologyTestDriver(
      app(place, () => (calls++ === 0 ? 1 : rejected()), { onProcessingError: 'continue' }),
    )
    driver.input(words).pipe('k', { n: 1 }, { timestamp: 0 })
    driver.input(words).pipe('k', { n: 2 }, { timestamp: 5 })
    const kept: { fetch(key: string): Iterable<unknown> } = driver.store('kept')
    expect([...kept.fetch('k')]).toEqual([{ key: 'k', start: 0, end: 0, value: 1 }])
  })

  test('process, punctuators, init and close of a processor', () => {
    const place: Place = ['p', (s, fn) => s.process(fn).to(sink)]
    const processing = () => ({ process: async () => rejected() })
    using driver = new TopologyTestDriver(app(place, processing))
    expect(() => driver.input(words).pipe('k', { n: 1 })).toThrow(
      expect.objectContaining({ code: 'MR_PROMISE', offset: 0 }),
    )

    const punctuating = () => ({
      init: (context: ProcessorContext<string, string>) =>
        void context.schedule(1, 'wall-clock-time', () => rejected() as never),
      process() {},
    })
    using ticking = new TopologyTestDriver(app(place, punctuating))
    expect(() => ticking.advanceWallClock(1)).toThrow(expect.objectContaining({ code: 'MR_PROMISE' }))

    const opening = () => ({ init: async () => rejected(), process() {} })
    expect(() => new TopologyTestDriver(app(place, opening))).toThrow(expect.objectContaining({ code: 'MR_PROMISE' }))
  })

  test('build and a handler', () => {
    const build = (() => rejected()) as never
    expect(() => defineApp({ id: 'app', build }).topology()).toThrow(
      expect.objectContaining({ code: 'MR_TOPOLOGY_FUNCTION', message: expect.stringContaining('build') }),
    )
    const place: Place = [
      'm',
      (s) =>
        s
          .mapValues(() => {
            throw new Error('bad')
          })
          .to(sink),
    ]
    using driver = new TopologyTestDriver(app(place, undefined, { onProcessingError: (() => rejected()) as never }))
    expect(() => driver.input(words).pipe('k', { n: 1 })).toThrow(
      expect.objectContaining({ code: 'MR_HANDLER', message: expect.stringContaining('promise') }),
    )
  })

  test('what a serde reads or writes, wherever it is used', () => {
    const later = (method: string) => ({ ...plain, [method]: rejected }) as Serde<object>
    const plain: Serde<object> = {
      name: 'plain',
      serialize: (value) => Buffer.from(String(value)),
      deserialize: () => ({}),
    }
    const pipe = (input: Serde<object>, output: Serde<object>): void => {
      const read = topic('in', { key: string(), value: input })
      const build = (b: StreamsBuilder): void => b.stream(read).to('o', { key: string(), value: output })
      using driver = new TopologyTestDriver(defineApp({ id: 'app', build }))
      driver.input(read).pipeBytes(Buffer.from('k'), Buffer.from('v'))
    }
    expect(() => pipe(later('deserialize'), plain)).toThrow(
      expect.objectContaining({ code: 'MR_DESERIALIZE', offset: 0 }),
    )
    expect(() => pipe(plain, later('serialize'))).toThrow(expect.objectContaining({ code: 'MR_SERIALIZE' }))
    expect(() => pipe(plain, later('write'))).toThrow(expect.objectContaining({ code: 'MR_SERIALIZE' }))
    const kept = topic('kept', { key: string(), value: later('serialize') })
    using driver = new TopologyTestDriver(defineApp({ id: 'app', build: (b) => void b.table(kept, { store: 's' }) }))
    expect(() => driver.input(kept).pipe('k', { n: 1 })).toThrow(expect.objectContaining({ code: 'MR_PROMISE' }))
  })

  test('a key or value that is given away', () => {
    const given: unknown[] = []
    const place: Place = ['p', (s, fn) => s.process(fn, { stores: [keyValueStore('s', serdes)] }).to(sink)]
    const supplier = () => {
      let context: ProcessorContext<unknown, unknown>
      return {
        init: (opened: typeof context) => void (context = opened),
        process() {
          const kept: KeyValueStore<unknown, unknown> = context.store('s')
          for (const act of [
            () => context.forward({ key: 'k', value: rejected() }),
            () => context.forward({ key: rejected(), value: 1 }),
            () => kept.put('k', rejected()),
            () => kept.putAll([{ key: rejected(), value: 1 }]),
          ]) {
            try {
              act()
            } catch (error) {
              given.push((error as { code: string }).code)
            }
          }
        },
      }
    }
    using driver = new TopologyTestDriver(app(place, supplier))
    driver.input(words).pipe('k', { n: 1 })
    expect(given).toEqual(['MR_PROMISE', 'MR_PROMISE', 'MR_PROMISE', 'MR_PROMISE'])
    expect(driver.output(out).readAll()).toEqual([])
    expect(() => driver.input(words).pipe('k', rejected())).toThrow(expect.objectContaining({ code: 'MR_PROMISE' }))
  })
})

describe('a function of an asynchronous step', () => {
  test.each(AWAITED)('%s: may be async, and must be a function', (...place) => {
    expect(() => app(place, async () => {}).topology()).not.toThrow()
    expect(() => app(place, asyncMethod.bind(null)).topology()).not.toThrow()
    for (const fn of [undefined, null, {}, 'fn'])
      expect(() => app(place, fn).topology()).toThrow(expect.objectContaining({ code: 'MR_TOPOLOGY_FUNCTION' }))
  })

  test.each(AWAITED)('%s: a promise that rejects is an error of its record', async (...place) => {
    using driver = new TopologyTestDriver(app(place, rejected))
    driver.input(words).pipe('k', { a: 1 }, { timestamp: 3 })
    await expect(driver.settled()).rejects.toMatchObject({ code: 'MR_PROCESSING', node: expect.any(String), offset: 0 })
  })

  test('retryOn: a promise that it returns is an error of the record', async () => {
    const build = (builder: StreamsBuilder): void =>
      builder.stream(words).forEachAsync(rejected, { retry: { retryOn: rejected as Given } })
    using driver = new TopologyTestDriver(defineApp({ id: 'app', build }))
    driver.input(words).pipe('k', { a: 1 })
    await expect(driver.settled()).rejects.toMatchObject({ code: 'MR_PROMISE', node: expect.any(String), offset: 0 })
  })
})

test('a value with a field `then` that is no function is a value', () => {
  const value: object = JSON.parse('{"if":"rain","then":"umbrella"}')
  using driver = new TopologyTestDriver(app(['m', (s, fn) => s.mapValues(fn).to(sink)], () => value))
  driver.input(words).pipe('k', value)
  expect(
    driver
      .output(out)
      .readAll()
      .map((record) => record.value),
  ).toEqual([value])
})

function topicsOf(driver: TopologyTestDriver): ReadonlySet<string> {
  const sinks = driver.topology.subtopologies.flatMap(({ nodes }) => nodes).filter((node) => node.kind === 'sink')
  return new Set(sinks.flatMap((sink) => (typeof sink.topic === 'string' ? [sink.topic] : [])))
}
