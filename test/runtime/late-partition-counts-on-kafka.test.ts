import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, memoryLog, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, ErrorHandler, FailedRecord, Log, MillraceError } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const text = { key: string(), value: string() }
/** Values for the partitioner. The first is bad while Kafka is asked for the topic's partitions; so is the last. */
const VALUES = ['bad', 'good', 'good', 'bad']

let directory: string
const logs: Log[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-late-'))
  logs.push(kafka({ brokers: await sharedBroker() }), memoryLog())
})
afterAll(async () => {
  await Promise.all(logs.map((log) => log.close()))
  await rm(directory, { recursive: true, force: true })
})

async function run(log: Log, bad: () => number | number[], config: Partial<AppConfig>, until: 'done' | 'closed') {
  const id = uniqueName('late')
  const [input, output, dead] = ['in', 'out', 'dead'].map((name) => topic(`${id}.${name}`, text))
  await log.createTopics([input!, output!, dead!].map(({ name }) => ({ name, partitions: 1 })))
  await using writer = await TopicWriter.open(log, input!)
  for (const [i, value] of VALUES.entries()) writer.write(`k${i}`, value, { timestamp: 1_000 + i })
  await writer.flush()
  const app = defineApp({
    id,
    guarantee: 'exactly_once',
    ...(config.onProcessingError === 'deadLetter' ? { deadLetterTopic: dead!.name } : {}),
    ...config,
    build: (builder) => {
      builder
        .stream(input!)
        .to(output!, { partitioner: (_topic, _key, value) => (value === 'bad' ? bad() : undefined) })
    },
  })
  await using streams = await Streams.start(app, { log, engine: 'memory', stateDirectory: join(directory, id) })
  const error: unknown = until === 'closed' ? await streams.closed.catch((caught: unknown) => caught) : undefined
  if (until === 'done') {
    const reason = config.onProcessingError === undefined ? 'no-partition' : 'processing'
    await expect.poll(() => streams.status().dropped.get(reason), { timeout: 15_000 }).toBe(2)
  }
  await streams.close().catch(() => {})
  const read = async (from: typeof input): Promise<unknown[]> => {
    const found: unknown[] = []
    for await (const { key, timestamp, headers } of readTopic(log, from!, { until: 'end' })) {
      found.push([key, timestamp, headers.getString('__streams.errors.offset')])
    }
    return found
  }
  return { id, error, written: await read(output), dead: await read(dead) }
}

const throws = (): number => {
  throw new RangeError('no such region')
}
const GOOD = [
  ['k1', 1_001, undefined],
  ['k2', 1_002, undefined],
]

describe.each(['Kafka, which is asked for them', 'a log that knows them'])(
  'the partitions of an output on %s',
  (name) => {
    const log = (): Log => logs[name.startsWith('Kafka') ? 0 : 1]!

    test.each([
      ['throws', throws, 'MR_PROCESSING'],
      ['chooses one that does not exist', () => [0, 7], 'MR_NO_PARTITION'],
    ])('a partitioner that %s is decided about like any function, with record and place', async (_how, bad, code) => {
      const asked: [MillraceError, FailedRecord][] = []
      const onProcessingError: ErrorHandler = (error, record) => {
        asked.push([error, record])
        return 'continue'
      }
      const { id, written } = await run(log(), bad, { onProcessingError }, 'done')
      expect(written).toEqual(GOOD)
      const place = { node: 'KSTREAM-SINK-0000000001', task: '0_0' }
      const output = code === 'MR_NO_PARTITION' ? { topic: `${id}.out` } : {}
      expect(asked).toEqual(
        [0, 3].map((offset) => {
          const input = { topic: `${id}.in`, partition: 0, offset }
          return [
            expect.objectContaining({ code, ...place, ...(code === 'MR_PROCESSING' ? input : output) }),
            expect.objectContaining({
              ...place,
              ...input,
              timestamp: 1_000 + offset,
              rawKey: Buffer.from(`k${offset}`),
              rawValue: Buffer.from('bad'),
            }),
          ]
        }),
      )
    })

    test('a record at which it throws goes to the dead letter topic as it was read', async () => {
      const { written, dead } = await run(log(), throws, { onProcessingError: 'deadLetter' }, 'done')
      expect(written).toEqual(GOOD)
      expect(dead).toEqual([
        ['k0', 1_000, '0'],
        ['k3', 1_003, '3'],
      ])
    })

    test('a record for which it chooses none is counted', async () => {
      expect((await run(log(), () => [], {}, 'done')).written).toEqual(GOOD)
    })

    test('nothing is written, and the error names the record, if the application is to end', async () => {
      const { id, error, written } = await run(log(), throws, {}, 'closed')
      expect(error).toMatchObject({ code: 'MR_PROCESSING', task: '0_0', topic: `${id}.in`, partition: 0, offset: 0 })
      expect(written).toEqual([])
    })
  },
)
