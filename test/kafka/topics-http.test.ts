import { afterAll, beforeAll, expect, test } from 'vitest'
import { json, readTopic, string, topic, TopicWriter, type Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { serve, type Server } from 'millrace/server'
import { Running, until } from '../server/support.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

const input = topic(uniqueName('http-input'), { key: string(), value: json<number>() })
const output = topic(uniqueName('http-output'), { key: string(), value: json<number>() })

let log: Log
let running: Running
let server: Server
beforeAll(async () => {
  log = kafka({ brokers: await sharedBroker() })
  await log.createTopics([input, output].map(({ name }) => ({ name, partitions: 2 })))
  running = await Running.start(
    {
      id: uniqueName('http-app'),
      guarantee: 'exactly_once',
      commitInterval: '50ms',
      build: (builder) => builder.stream(input).to(output),
    },
    { log },
  )
  server = await serve(running.streams, { listen: 0, auth: 'none' })
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await log.close()
})

interface Page {
  readonly records: readonly { readonly partition: number; readonly offset: number; readonly value: number }[]
  readonly cursor: string
  readonly end: boolean
}

async function ask(path: string, init?: RequestInit): Promise<Page> {
  const response = await fetch(`${server.address!.url}${path}`, init)
  expect(response.status).toBe(200)
  return (await response.json()) as Page
}

test('records are written to Kafka where the answer says, whoever else writes', async () => {
  await using other = await TopicWriter.open(log, input)
  const post = async (request: number): Promise<Page['records']> => {
    const values = Array.from({ length: 20 }, (_, i) => request * 20 + i)
    for (const value of values) other.write(`other-${value}`, -1)
    const body = JSON.stringify({ records: values.map((value) => ({ key: `key-${value}`, value })) })
    const headers = { 'content-type': 'application/json' }
    const [answered] = await Promise.all([
      ask(`/v1/topics/${input.name}/records`, { method: 'POST', headers, body }),
      other.flush(),
    ])
    return answered.records.map((record, i) => ({ ...record, value: values[i]! }))
  }
  const said = (await Promise.all(Array.from({ length: 10 }, (_, request) => post(request)))).flat()
  const found = new Map<string, number>()
  for await (const { partition, offset, value } of readTopic(log, input, { until: 'end' }))
    found.set(`${partition}-${offset}`, value!)
  expect(said).toHaveLength(200)
  for (const { partition, offset, value } of said) expect(found.get(`${partition}-${offset}`)).toBe(value)
})

test('pages go on by cursors over the marks of transactions, and have all records once', async () => {
  const seen: number[] = []
  let query = '?limit=70&wait=10s'
  await until(async () => {
    const { records, cursor } = await ask(`/v1/topics/${output.name}/records${query}`)
    seen.push(...records.map(({ value }) => value))
    query = `?limit=70&wait=1s&cursor=${cursor}`
    return seen.length >= 400
  })
  expect(seen.filter((value) => value >= 0).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  const begun = performance.now()
  expect(await ask(`/v1/topics/${output.name}/records${query}`)).toMatchObject({ records: [], end: true })
  expect(performance.now() - begun).toBeGreaterThan(900)
  const described = (await ask(`/v1/topics/${output.name}`)) as unknown as { partitions: object[] }
  expect(described).toMatchObject({ own: 'sink', partitions: [{ partition: 0, leader: 1 }, { partition: 1 }] })
})
