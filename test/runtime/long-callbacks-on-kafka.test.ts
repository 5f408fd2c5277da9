import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, json, long, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, Application, Log, Logger } from 'millrace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alterConfigs } from '../../src/kafka/admin/admin-configs.ts'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import { kafka } from '../../src/kafka/index.ts'
import type { KafkaOptions } from '../../src/kafka/index.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const SESSION = 4_000
const protocols = ['streams', 'classic'] as const
const logs: Log[] = []
let brokers: string
let directory: string

beforeAll(async () => {
  brokers = await sharedBroker()
  directory = await mkdtemp(join(tmpdir(), 'millrace-long-callbacks-'))
})
afterAll(async () => {
  for (const log of logs) await log.close()
  await rm(directory, { recursive: true, force: true })
})

/** Blocks the event loop, as a calculation does. */
function block(ms: number): void {
  const end = Date.now() + ms
  while (Date.now() < end);
}

/** Collects the messages of a logger. */
function listener(): { readonly logger: Logger; readonly said: string[] } {
  const said: string[] = []
  const say = (_fields: object, message: string): void => void said.push(message)
  return { said, logger: { debug: () => {}, info: say, warn: say, error: say } }
}

/** Creates an application of its own, whose members lose their session after a few seconds. */
async function world(groupProtocol: 'streams' | 'classic', options: Partial<KafkaOptions> = {}) {
  const id = uniqueName('long')
  const log = kafka({ brokers, groupProtocol, sessionTimeout: SESSION, heartbeatInterval: 500, ...options })
  logs.push(log)
  if (groupProtocol === 'streams') {
    const cluster = new Cluster(clusterOptions({ brokers }))
    await alterConfigs(cluster, 'group', id, {
      'streams.session.timeout.ms': String(SESSION),
      'streams.heartbeat.interval.ms': '500',
    })
    await cluster.close()
  }
  const work = topic(`${id}-work`, { key: string(), value: json<number>() })
  const done = topic(`${id}-done`, { key: string(), value: long() })
  await log.createTopics([work, done].map(({ name }) => ({ name, partitions: 1 })))
  return {
    work,
    done,
    app: (build: AppConfig['build'], rest: Partial<AppConfig> = {}) =>
      defineApp({ id, commitInterval: 100, build, ...rest }),
    start: (app: Application) => Streams.start(app, { log, stateDirectory: join(directory, id) }),
    async write(values: readonly number[]): Promise<void> {
      await using writer = await TopicWriter.open(log, work)
      for (const [i, value] of values.entries()) writer.write(`k${i}`, value)
      await writer.flush()
    },
    async results(): Promise<(number | null)[]> {
      const found: (number | null)[] = []
      for await (const { value } of readTopic(log, done, { until: 'end' })) found.push(value)
      return found
    },
  }
}

describe.each(protocols)('a member of a %s group', (protocol) => {
  it('keeps its membership though every record takes 200 ms, in processing and in what a cache held back', async () => {
    const { app, start, work, done, write, results } = await world(protocol)
    await write(Array.from({ length: 16 }, (_, i) => i))
    const { logger, said } = listener()
    const slow = app(
      (builder) => {
        builder
          .stream(work)
          .peek(() => block(200))
          .groupByKey()
          .count()
          .toStream()
          .peek(() => block(200))
          .to(done)
      },
      // All records are in one commit.
      { logger, commitInterval: 4_000 },
    )
    const streams = await start(slow)
    await expect.poll(results, { timeout: 30_000, interval: 300 }).toHaveLength(16)
    await streams.close()
    expect(await results()).toEqual(Array.from({ length: 16 }, () => 1))
    expect(said.filter((message) => message.includes('lost'))).toEqual([])
  })

  it('that a function keeps from its heartbeats ends with the name of its processor', async () => {
    const { app, start, work, done, write, results } = await world(protocol)
    await write([1, 2, 3])
    let times = 0
    const stuck = app((builder) => {
      builder
        .stream(work)
        .filter(() => true)
        .mapValues(
          (value) => {
            // A little less each time: an earlier, longer call is not the one to report.
            if (value === 2) block(SESSION + 1_500 - 20 * times++)
            return value
          },
          { name: 'score' },
        )
        .peek(() => {})
        .to(done)
    })
    await using streams = await start(stuck)
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_CALLBACK_TOO_LONG',
      node: 'score',
      task: '0_0',
      message: expect.stringContaining(`gave this member up after ${SESSION} ms`),
      hint: expect.stringContaining('session'),
    })
    expect(streams.state).toBe('error')
    await results()
  })
})
