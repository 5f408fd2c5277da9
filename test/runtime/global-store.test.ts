import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineApp, keyValueStore, memoryLog, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { Application, KeyValueStore, Processor, ProcessorContext, ReadOnlyKeyValueStore } from '../../src/index.ts'
import { describe as describeTopology } from '../../src/topology/describe/describe-text.ts'
import { PartitionMap } from '../../src/log/log.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const customers = topic('customers', { key: string(), value: string(), tombstones: true })
const cities = topic('cities', { key: string(), value: string() })
const answers = topic('answers', { key: string(), value: string() })

/** Customers by city. */
const byCity = () => keyValueStore('by-city', { key: string(), value: string() })
type ByCity = KeyValueStore<string, string>

class IndexByCity implements Processor<string, string | null, never, never> {
  #store!: ByCity
  init(context: ProcessorContext<never, never>): void {
    this.#store = context.store('by-city')
  }
  process({ key, value }: { key: string; value: string | null }): void {
    for (const row of [...this.#store.all()]) {
      const others = row.value.split(' ').filter((customer) => customer !== key)
      this.#store.put(row.key, others.length === 0 ? null : others.join(' '))
    }
    if (value !== null) this.#store.put(value, [this.#store.get(value), key].filter(Boolean).join(' '))
  }
}

class Ask implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>
  init(context: ProcessorContext<string, string>): void {
    this.#context = context
  }
  process({ value }: { value: string }): void {
    const store = this.#context.store<ReadOnlyKeyValueStore<string, string>>('by-city')
    this.#context.forward({ key: value, value: store.get(value) ?? 'nobody' })
  }
}

const app: Application = defineApp({
  id: 'index',
  build: (builder) => {
    builder.addGlobalStore(byCity(), customers, () => new IndexByCity())
    builder
      .stream(cities)
      .process(() => new Ask())
      .to(answers)
  },
})

describe('a global store of a processor of your own', () => {
  test('holds what the processor makes of a topic, for every other processor to read', async () => {
    await using driver = new TopologyTestDriver(app)
    const asked = driver.input(cities)
    driver.input(customers).pipe('alice', 'Ulm')
    driver.input(customers).pipe('bob', 'Ulm')
    asked.pipe('1', 'Ulm')
    driver.input(customers).pipe('alice', null)
    asked.pipe('2', 'Ulm')
    asked.pipe('3', 'Bonn')
    expect(driver.output(answers).readValues()).toEqual(['alice bob', 'bob', 'nobody'])

    await driver.restart({ keepState: false })
    driver.input(cities).pipe('4', 'Ulm')
    expect(driver.output(answers).readValues()).toEqual(['bob'])
  })

  test('is described as by Kafka Streams', () => {
    expect(describeTopology(app.topology())).toContain(
      [
        '  Sub-topology: 0 for global store (will not generate tasks)',
        '    Source: KSTREAM-SOURCE-0000000000 (topics: [customers])',
        '      --> KTABLE-SOURCE-0000000001',
        '    Processor: KTABLE-SOURCE-0000000001 (stores: [by-city])',
        '      --> none',
        '      <-- KSTREAM-SOURCE-0000000000',
      ].join('\n'),
    )
  })

  test('can be changed by no other processor', () => {
    const writing = defineApp({
      id: 'writing',
      build: (builder) => {
        builder.addGlobalStore(byCity(), customers, () => new IndexByCity())
        builder.stream(cities).process<string, string>(() => {
          let store: ByCity
          return {
            init: (context) => void (store = context.store('by-city')),
            process: ({ key, value }) => void store.put(value, key),
          }
        })
      },
    })
    using driver = new TopologyTestDriver(writing)
    expect(() => driver.input(cities).pipe('1', 'Ulm')).toThrow(expect.objectContaining({ code: 'MR_PROCESSING' }))
  })

  test.each([
    ['forward', (context: ProcessorContext<never, never>) => context.forward({} as never)],
    ['schedule', (context: ProcessorContext<never, never>) => context.schedule('1s', 'stream-time', () => {})],
  ])('its processor cannot %s', (what, act) => {
    const acting = defineApp({
      id: 'acting',
      build: (builder) => {
        let context: ProcessorContext<never, never>
        builder.addGlobalStore(byCity(), customers, () => ({
          init: (given) => void (context = given),
          process: () => void act(context),
        }))
      },
    })
    using driver = new TopologyTestDriver(acting)
    expect(() => driver.input(customers).pipe('alice', 'Ulm')).toThrow(
      expect.objectContaining({ code: 'MR_GLOBAL_PROCESSOR', message: expect.stringContaining(what) }),
    )
  })

  test('is complete before the first record is processed, and continues where it was after a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-global-'))
    const log = memoryLog()
    try {
      await log.createTopics(['customers', 'cities', 'answers'].map((name) => ({ name, partitions: 3 })))
      await using people = await TopicWriter.open(log, customers)
      for (let i = 0; i < 300; i++) people.write(`customer-${i}`, `city-${i % 100}`)
      await people.flush()
      await using questions = await TopicWriter.open(log, cities)
      questions.write('1', 'city-7')
      await questions.flush()

      let seen = 0
      const counting = defineApp({
        id: 'index',
        build: (builder) => {
          builder.addGlobalStore(byCity(), customers, () => {
            const index = new IndexByCity()
            return {
              init: (context) => index.init(context),
              process: (record) => {
                seen++
                index.process(record)
              },
            }
          })
          builder
            .stream(cities)
            .process(() => new Ask())
            .to(answers)
        },
      })
      const ask = async (): Promise<string[]> => {
        await using streams = await Streams.start(counting, { log, stateDirectory: directory, engine: 'rocksdb' })
        while (streams.status().processed < 1) await new Promise((resolve) => setTimeout(resolve, 5))
        const [store] = streams.stores<ReadOnlyKeyValueStore<string, string>>('by-city')
        return store?.get('city-7')?.split(' ').toSorted() ?? []
      }
      const expected = ['customer-107', 'customer-207', 'customer-7']
      expect(await ask()).toEqual(expected)
      expect(seen).toBe(300)

      people.write('customer-307', 'city-7')
      await people.flush()
      questions.write('2', 'city-7')
      await questions.flush()
      expect(await ask()).toEqual([...expected, 'customer-307'].toSorted())
      expect(seen).toBe(301)
    } finally {
      await log.close()
      await rm(directory, { recursive: true, force: true })
    }
  })
})

test('an application whose global processor cannot be made starts in the same process once it can', async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-global-'))
  const log = memoryLog()
  let isBroken = true
  const broken = defineApp({
    id: 'index',
    build: (builder) => {
      builder.addGlobalStore(byCity(), customers, () => {
        if (isBroken) throw new Error('not yet')
        return new IndexByCity()
      })
    },
  })
  try {
    await log.createTopics([{ name: 'customers', partitions: 1 }])
    await using writer = await TopicWriter.open(log, customers)
    writer.write('alice', 'Ulm')
    await writer.flush()
    await expect(Streams.start(broken, { log, stateDirectory })).rejects.toMatchObject({ code: 'MR_PROCESSING' })
    isBroken = false
    await using streams = await Streams.start(broken, { log, stateDirectory })
    expect(streams.stores<ReadOnlyKeyValueStore<string, string>>('by-city')[0]?.get('Ulm')).toBe('alice')
  } finally {
    await log.close()
    await rm(stateDirectory, { recursive: true, force: true })
  }
})

test('a global table whose records are deleted unread ends the application; the next start reads all', async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-global-'))
  const log = memoryLog()
  try {
    await log.createTopics(['customers', 'cities', 'answers'].map((name) => ({ name, partitions: 1 })))
    await using writer = await TopicWriter.open(log, customers)
    const streams = await Streams.start(app, { log, stateDirectory })
    const ended = streams.closed.catch((error: unknown) => error)
    writer.write('alice', 'Ulm')
    writer.write('bob', 'Bonn')
    const deleted = new PartitionMap<number>()
    deleted.set('customers', 0, 1)
    await Promise.all([writer.flush(), log.deleteRecords(deleted)])
    expect(await ended).toMatchObject({ code: 'MR_GLOBAL_TOPIC', topic: 'customers', partition: 0 })

    await using again = await Streams.start(app, { log, stateDirectory })
    const [store] = again.stores<ReadOnlyKeyValueStore<string, string>>('by-city')
    expect([...(store?.all() ?? [])].map(({ key }) => key)).toEqual(['Bonn'])
  } finally {
    await log.close()
    await rm(stateDirectory, { recursive: true, force: true })
  }
})
