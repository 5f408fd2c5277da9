import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineApp, long, storeRef, Streams, string, topic, TopicWriter, type Log } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { kafka } from '../../../src/kafka/index.ts'
import { sharedBroker, uniqueName } from '../../kafka/broker/index.ts'
import { freePort } from '../../kafka/broker/jvm-broker.ts'
import { until } from '../../server/support.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-instances-'))
const peerToken = { file: join(directory, 'token') }
const KEYS = Array.from({ length: 30 }, (_, number) => `key ${number}`)
let brokers: string
let log: Log

beforeAll(async () => {
  writeFileSync(peerToken.file, 'a token of instances'.replaceAll(' ', '-'))
  brokers = await sharedBroker()
  log = kafka({ brokers })
})
afterAll(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

interface Instance {
  readonly streams: Streams
  readonly server: Server
}

describe.each(['streams', 'classic'] as const)('instances of a %s group', (groupProtocol) => {
  test('answer for each other, and for one that has left', async () => {
    const id = uniqueName('peers')
    const words = topic(`${id}-words`, { key: string(), value: string() })
    const counts = storeRef('counts', { key: string(), value: long() })
    const app = defineApp({
      id,
      guarantee: 'exactly_once',
      build: (builder) => void builder.stream(words).groupByKey().count({ store: counts }),
    })
    await log.createTopics([{ name: words.name, partitions: 4 }])
    await using writer = await TopicWriter.open(log, words)
    for (const key of KEYS) writer.write(key, 'x')
    await writer.flush()
    const client = kafka({ brokers, groupProtocol })
    const start = async (name: string): Promise<Instance> => {
      const port = await freePort()
      const advertise = `127.0.0.1:${port}`
      const stateDirectory = join(directory, id, name)
      const streams = await Streams.start(app, { log: client, engine: 'memory', stateDirectory, advertise, peerToken })
      return { streams, server: await serve(streams, { listen: port }) }
    }
    const [one, two] = [await start('one'), await start('two')]
    try {
      await until(() =>
        [one, two].every(({ streams }) => streams.instances().every(({ active }) => active.length === 2)),
      )
      for (const key of KEYS) await until(async () => (await one.streams.store(counts).get(key)) === 1)
      for (const { streams, server } of [one, two]) {
        for (const key of KEYS) expect(await streams.store(counts).get(key)).toBe(1)
        expect(await streams.store(counts).get('nobody')).toBeUndefined()
        const response = await fetch(`${server.address!.url}/v1/stores/counts/entries?limit=100`)
        const { rows } = (await response.json()) as { readonly rows: readonly { readonly key: string }[] }
        expect(rows.map(({ key }) => key)).toEqual(KEYS.toSorted())
      }
      await two.streams.close()
      for (const key of KEYS) expect(await one.streams.store(counts).get(key, { timeout: '30s' })).toBe(1)
    } finally {
      for (const { streams } of [one, two]) await streams.close()
      await client.close()
    }
  })
})
