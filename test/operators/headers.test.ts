import { describe, expect, test } from 'vitest'
import { defineApp, Headers, keyValueStore, string, topic } from '../../src/index.ts'
import type {
  AppConfig,
  FixedKeyProcessorContext,
  FixedKeyProcessorSupplier,
  KStream,
  ProcessorContext,
  ProcessorRecord,
  ProcessorSupplier,
} from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const types = { key: string(), value: string() }
const words = topic('words', types)
const [o1, o2] = [topic('o1', types), topic('o2', types)]

type Record = ProcessorRecord<string, string>
type Forward = (value: string, headers?: Headers) => void

const processing =
  (action: (record: Record, forward: Forward) => void): ProcessorSupplier<string, string, string, string> =>
  () => {
    let context: ProcessorContext<string, string>
    return {
      init: (opened) => void (context = opened),
      process: (record) =>
        action(record, (value, headers) =>
          context.forward({ key: record.key, value, ...(headers === undefined ? {} : { headers }) }),
        ),
    }
  }

const processingValues =
  (action: (record: Record, forward: Forward) => void): FixedKeyProcessorSupplier<string, string, string> =>
  () => {
    let context: FixedKeyProcessorContext<string>
    return {
      init: (opened) => void (context = opened),
      process: (record) =>
        action(record, (value, headers) => context.forward({ value, ...(headers === undefined ? {} : { headers }) })),
    }
  }

const tag = (record: Record, forward: Forward): void => {
  record.headers.add('tag', record.value)
  forward(record.value)
}

const HEADED = [['h', '1']] as const

function run(
  build: (stream: KStream<string, string>) => void,
  values: readonly string[],
  config: Partial<AppConfig> = {},
  headers: readonly (readonly [string, string])[] = HEADED,
): string[] {
  const app = defineApp({
    id: 'app',
    build: (builder) => {
      build(builder.stream(words))
      for (const { name } of [o1, o2]) builder.stream(topic(`unused-${name}`, types)).to(name, types)
    },
    ...config,
  })
  using driver = new TopologyTestDriver(app)
  values.forEach((value, i) => driver.input(words).pipe('k', value, { timestamp: i, headers }))
  return [o1, o2].flatMap((output) =>
    driver
      .output(output)
      .readAll()
      .map((record) => {
        const shown = [...record.headers].map(({ name, value }) => `${name}=${String(value)}`)
        return `${output.name}:${record.value}[${shown.join(' ')}]`
      }),
  )
}

describe.each([
  ['default', {}],
  ['kafka-streams-4.3', { compatibility: 'kafka-streams-4.3' }],
] as const)('each record has its own headers (%s)', (_mode, config) => {
  test.each([
    ['process', (s: KStream<string, string>) => s.process(processing(tag))],
    ['processValues', (s: KStream<string, string>) => s.processValues(processingValues(tag))],
  ])('results of flatMapValues before %s', (_name, tagging) => {
    const build = (s: KStream<string, string>): void => tagging(s.flatMapValues((v) => v.split(' '))).to(o1)
    const expected = ['o1:one[h=1 tag=one]', 'o1:two[h=1 tag=two]', 'o1:three[h=1 tag=three]']
    expect(run(build, ['one two', 'three'], config)).toEqual(expected)
    expect(run(build, ['one two', 'three'], config, [])).toEqual(expected.map((line) => line.replace('h=1 ', '')))
  })

  test('results of flatMap', () => {
    const build = (s: KStream<string, string>): void =>
      s
        .flatMap((v, k): [string, string][] => v.split(' ').map((word) => [k, word]))
        .process(processing(tag))
        .to(o1)
    expect(run(build, ['one two'], config)).toEqual(['o1:one[h=1 tag=one]', 'o1:two[h=1 tag=two]'])
  })

  test('the branch beside processValues', () => {
    const build = (s: KStream<string, string>): void => {
      s.processValues(processingValues(tag)).to(o1)
      s.to(o2)
    }
    expect(run(build, ['a', 'b'], config)).toEqual(['o1:a[h=1 tag=a]', 'o1:b[h=1 tag=b]', 'o2:a[h=1]', 'o2:b[h=1]'])
    expect(run(build, ['a', 'b'], config, [])).toEqual(['o1:a[tag=a]', 'o1:b[tag=b]', 'o2:a[]', 'o2:b[]'])
  })

  test('branches after mapValues, whatever they do', () => {
    const build = (s: KStream<string, string>): void => {
      s.mapValues((v) => `${v}!`)
        .process(processing(tag))
        .to(o1)
      s.mapValues((v) => `${v}?`).to(o2)
    }
    expect(run(build, ['a'], config)).toEqual(['o1:a![h=1 tag=a!]', 'o2:a?[h=1]'])
  })

  test('what processValues forwards twice, adding in between', () => {
    const twice = processingValues((record, forward) => {
      forward('first')
      record.headers.add('n', '2')
      forward('second')
      record.headers.remove('h')
      forward('third')
    })
    const build = (s: KStream<string, string>): void =>
      s.processValues(twice).processValues(processingValues(tag)).to(o1)
    expect(run(build, ['a'], config)).toEqual([
      'o1:first[h=1 tag=first]',
      'o1:second[h=1 n=2 tag=second]',
      'o1:third[n=2 tag=third]',
    ])
  })

  test("headers that are given to forward stay the user's", () => {
    const shared = new Headers().add('shared', '')
    const giving = processing((_record, forward) => {
      forward('first', shared)
      shared.add('more', '')
      forward('second', shared)
    })
    const build = (s: KStream<string, string>): void => s.process(giving).process(processing(tag)).to(o1)
    expect(run(build, ['a'], config)).toEqual(['o1:first[shared= tag=first]', 'o1:second[shared= more= tag=second]'])
    expect([...shared].map(({ name }) => name)).toEqual(['shared', 'more'])
  })

  test('what a processor keeps of a record', () => {
    const kept: Headers[] = []
    const keeping = processingValues((record, forward) => {
      kept.push(record.headers)
      record.headers.add('kept', record.value)
      forward(record.value)
    })
    const build = (s: KStream<string, string>): void => s.processValues(keeping).process(processing(tag)).to(o1)
    run(build, ['a', 'b'], config, [])
    expect(kept.map((headers) => [...headers].map(({ name, value }) => `${name}=${String(value)}`))).toEqual([
      ['kept=a'],
      ['kept=b'],
    ])
  })

  test('what a table holds back carries the headers of the last record as it was forwarded', () => {
    const build = (s: KStream<string, string>): void =>
      s
        .processValues(processingValues(tag))
        .groupByKey(types)
        .reduce((_, value) => value, { store: 'last', ...types })
        .toStream()
        .to(o1)
    expect(run(build, ['a', 'b'], config)).toEqual(['o1:a[h=1 tag=a]', 'o1:b[h=1 tag=b]'])
  })

  test('what a function that chooses the topic adds is written, and seen nowhere else', () => {
    const choosing = (_value: string, _key: string, { headers }: { headers: Headers }): string => {
      headers.add('chosen', '')
      return 'o1'
    }
    const build = (s: KStream<string, string>): void => {
      s.mapValues((v) => v).to(choosing, types)
      s.to(o2)
    }
    expect(run(build, ['a'], config)).toEqual(['o1:a[h=1 chosen=]', 'o2:a[h=1]'])
  })
})

test('a punctuator forwards records without headers, each with its own', () => {
  const supplier: ProcessorSupplier<string, string, string, string> = () => ({
    init(context) {
      context.schedule(1, 'wall-clock-time', () => {
        context.forward({ key: 'k', value: 'first' })
        context.forward({ key: 'k', value: 'second' })
      })
    },
    process() {},
  })
  for (const config of [{}, { compatibility: 'kafka-streams-4.3' } as const]) {
    const app = defineApp({
      id: 'app',
      ...config,
      build: (builder) => builder.stream(words).process(supplier).process(processing(tag)).to(o1),
    })
    using driver = new TopologyTestDriver(app)
    driver.advanceWallClock(1)
    const names = driver
      .output(o1)
      .readAll()
      .map(({ headers }) => [...headers].map(({ value }) => String(value)))
    expect(names).toEqual([['first'], ['second']])
  }
})

describe('siblings of process', () => {
  const build = (s: KStream<string, string>): void => {
    s.process(processing(tag)).to(o1)
    s.to(o2)
  }

  test('see nothing of what it changes', () => {
    expect(run(build, ['a'])).toEqual(['o1:a[h=1 tag=a]', 'o2:a[h=1]'])
  })

  test('see it if they come later, as in Kafka Streams, under its compatibility', () => {
    const config = { compatibility: 'kafka-streams-4.3' } as const
    expect(run(build, ['a'], config)).toEqual(['o1:a[h=1 tag=a]', 'o2:a[h=1 tag=a]'])
    expect(run(build, ['a', 'b'], config, [])).toEqual(['o1:a[tag=a]', 'o1:b[tag=b]', 'o2:a[tag=a]', 'o2:b[tag=b]'])
  })
})

test("a global store's processor has headers of its own", () => {
  const app = defineApp({
    id: 'app',
    build: (builder) => {
      builder.addGlobalStore(keyValueStore('g', types), words, () => ({
        process: ({ headers, value }) => void headers.add('tag', value),
      }))
      builder.stream(topic('other', types)).to(o1)
    },
  })
  using driver = new TopologyTestDriver(app)
  driver.input(words).pipe('k', 'v')
  driver.input(topic('other', types)).pipe('k', 'v')
  expect(driver.output(o1).read()?.headers.length).toBe(0)
})
