import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHANGELOG, tokenOf, TopicServer } from './topic-server.ts'

/* Requests and responses as Confluent's own documentation of its REST Proxy has them. */

const V2 = 'application/vnd.kafka.v2+json'

let place: TopicServer
beforeAll(async () => {
  place = await TopicServer.start()
})
afterAll(() => place[Symbol.asyncDispose]())

async function ask(path: string, type?: string, body?: unknown): Promise<[status: number, body: unknown]> {
  const init = {
    method: 'POST',
    headers: { 'content-type': type ?? '' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
  const response = await place.fetch(path, type === undefined ? { headers: { accept: V2 } } : init)
  expect(response.headers.get('content-type')).toBe(path.startsWith('/v3') ? 'application/json' : V2)
  return [response.status, await response.json()]
}

const read = async (topic: string, query = ''): Promise<unknown[]> => {
  const { records } = (await place.ask(`/v1/topics/${topic}/records${query}`)).body
  return records.map(({ key, value }) => [key, value])
}

const json = (body: unknown, topic: string): Promise<[number, unknown]> =>
  ask(`/topics/${topic}`, 'application/vnd.kafka.json.v2+json', body)

const written = (partition: number, offset: number) => ({ partition, offset, error_code: null, error: null })

describe("Confluent's REST Proxy v2", () => {
  test('writes JSON and binary records, and returns their offsets', async () => {
    const name = await place.newTopic(2)
    const records = [{ value: { name: 'testUser' } }, { key: 'k', value: null, partition: 1 }]
    expect(await json({ records: records.map((each) => ({ partition: 1, ...each })) }, name)).toEqual([
      200,
      { offsets: [written(1, 0), written(1, 1)], key_schema_id: null, value_schema_id: null },
    ])
    const binary = { records: [{ key: 'a2V5', value: 'S2Fma2E=' }] }
    const answered = await ask(`/topics/${name}/partitions/0`, 'application/vnd.kafka.binary.v2+json', binary)
    expect(answered[1]).toMatchObject({ offsets: [written(0, 0)] })
    expect(await read(name)).toEqual([
      ['key', 'Kafka'],
      [null, { name: 'testUser' }],
      // A key of embedded JSON is JSON.
      ['"k"', null],
    ])
  })

  test('shows topics, partitions and offsets', async () => {
    const name = await place.newTopic(2)
    const topics = (await ask('/topics'))[1] as string[]
    expect(topics).toEqual(expect.arrayContaining([name, 'payments', CHANGELOG]))
    const partition = (number: number) => ({
      partition: number,
      leader: 0,
      replicas: [{ broker: 0, leader: true, in_sync: true }],
    })
    expect(await ask(`/topics/${name}`)).toEqual([
      200,
      {
        name,
        configs: expect.objectContaining({ 'cleanup.policy': 'delete' }),
        partitions: [partition(0), partition(1)],
      },
    ])
    expect(await ask(`/topics/${name}/partitions`)).toEqual([200, [partition(0), partition(1)]])
    expect(await ask(`/topics/${name}/partitions/1`)).toEqual([200, partition(1)])
    expect(await ask(`/topics/${name}/partitions/1/offsets`)).toEqual([200, { beginning_offset: 0, end_offset: 0 }])
  })

  test('has the codes of its errors', async () => {
    const code = async (answered: Promise<[number, unknown]>): Promise<unknown> => {
      const [status, body] = await answered
      expect(body).toEqual({ error_code: expect.any(Number), message: expect.any(String) })
      return [status, (body as { error_code: number }).error_code]
    }
    const record = { records: [{ value: 1 }] }
    expect(await code(ask('/topics/nothing'))).toEqual([404, 40401])
    expect(await code(json(record, 'nothing'))).toEqual([404, 40401])
    expect(await code(ask('/topics/plain/partitions/7'))).toEqual([404, 40402])
    expect(await code(json({ records: [{ value: 1, partition: 7 }] }, 'plain'))).toEqual([404, 40402])
    expect(await code(json(record, CHANGELOG))).toEqual([403, 40301])
    expect(await code(json('{', 'plain'))).toEqual([400, 400])
    expect(await code(json({ records: [] }, 'plain'))).toEqual([400, 400])
    expect(await code(json({ records: [{ vlaue: 1 }] }, 'plain'))).toEqual([422, 42207])
    expect(await code(json({ records: [{ value: { from: 'alice', cents: 'many' } }] }, 'payments'))).toEqual([
      422, 42207,
    ])
    expect(await code(ask('/topics/plain', 'application/vnd.kafka.binary.v2+json', record))).toEqual([422, 42207])
    expect(await code(ask('/topics/plain', 'text/plain', record))).toEqual([415, 415])
    const avro = (body: unknown): Promise<[number, unknown]> =>
      ask('/topics/plain', 'application/vnd.kafka.avro.v2+json', body)
    expect(await code(avro({ records: [{ key: 1, value: 1 }], value_schema_id: 1 }))).toEqual([422, 42201])
    expect(await code(avro({ records: [{ value: 1 }] }))).toEqual([422, 42202])
    expect(await code(avro({ records: [{ value: 1 }], value_schema: '"int"' }))).toEqual([415, 415])
    const response = await place.fetch('/topics', { headers: { authorization: 'Bearer x' } }, place.guarded)
    expect([response.status, await response.json()]).toEqual([401, expect.objectContaining({ error_code: 40101 })])
    const others = { headers: { authorization: `Bearer ${tokenOf('dead-letters')}` } }
    expect((await place.fetch('/topics', others, place.guarded)).status).toBe(403)
  })

  test('says at each record why the log refused it', async () => {
    const records = ['a', 'x'.repeat(500)].map((value) => ({ value, partition: 0 }))
    expect(await json({ records }, 'small')).toEqual([
      200,
      expect.objectContaining({
        offsets: [
          written(0, 0),
          { partition: null, offset: null, error_code: 50002, error: expect.stringContaining('MESSAGE_TOO_LARGE') },
        ],
      }),
    ])
  })
})

describe("Confluent's REST Proxy v3", () => {
  const at = (path: string): string => `/v3/clusters/memory${path}`
  const produce = (topic: string, body: unknown): Promise<[number, unknown]> =>
    ask(at(`/topics/${topic}/records`), 'application/json', body)

  test('writes a record, and reports where it is', async () => {
    const name = await place.newTopic(2)
    const record = {
      partition_id: 1,
      headers: [{ name: 'Header-1', value: 'SGVhZGVyLTE=' }, { name: 'Header-2' }],
      key: { type: 'BINARY', data: 'Zm9vYmFy' },
      value: { type: 'JSON', data: { foo: 'bar' } },
      timestamp: '2021-02-05T19:14:42Z',
    }
    expect(await produce(name, record)).toEqual([
      200,
      {
        error_code: 200,
        cluster_id: 'memory',
        topic_name: name,
        partition_id: 1,
        offset: 0,
        timestamp: '2021-02-05T19:14:42.000Z',
        key: { type: 'BINARY', size: 6 },
        value: { type: 'JSON', size: 13 },
      },
    ])
    const { records } = (await place.ask(`/v1/topics/${name}/records`)).body
    expect(records).toEqual([
      expect.objectContaining({
        key: 'foobar',
        value: { foo: 'bar' },
        timestamp: Date.parse('2021-02-05T19:14:42Z'),
        headers: [
          ['Header-1', 'Header-1'],
          ['Header-2', null],
        ],
      }),
    ])
  })

  test('writes records that follow each other, each with a report of its own', async () => {
    const name = await place.newTopic()
    const records = ['{"value":{"type":"STRING","data":"{a\\"}"}}', '{"value":{"type":"BINARY","data":"?"}}', '{}']
    const response = await place.fetch(at(`/topics/${name}/records`), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: records.join('\n'),
    })
    const reports = (await response.text()).split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(reports.map(({ error_code: code, offset }) => [code, offset])).toEqual([
      [200, 0],
      [42207, undefined],
      [200, 1],
    ])
    expect(await read(name)).toEqual([
      [null, '{a"}'],
      [null, null],
    ])
    expect((await produce(name, '{"value":'))[0]).toBe(400)
    expect((await produce(name, '{} x'))[0]).toBe(400)
    expect(await produce(name, { value: { type: 'AVRO', data: 1 } })).toEqual([
      422,
      expect.objectContaining({ error_code: 42207 }),
    ])
    expect((await produce('nothing', {}))[1]).toMatchObject({ error_code: 40401 })
    expect((await ask('/v3/clusters/other/topics'))[0]).toBe(404)
  })

  test('shows the cluster, topics, partitions and configs', async () => {
    const name = await place.newTopic(2)
    expect((await ask('/v3/clusters'))[1]).toMatchObject({
      kind: 'KafkaClusterList',
      data: [
        {
          kind: 'KafkaCluster',
          cluster_id: 'memory',
          topics: { related: 'http://localhost/v3/clusters/memory/topics' },
        },
      ],
    })
    expect(await ask(at(''))).toEqual([200, expect.objectContaining({ kind: 'KafkaCluster' })])
    const topic = {
      kind: 'KafkaTopic',
      metadata: {
        self: `http://localhost/v3/clusters/memory/topics/${name}`,
        resource_name: `crn:///kafka=memory/topic=${name}`,
      },
      cluster_id: 'memory',
      topic_name: name,
      is_internal: false,
      replication_factor: 1,
      partitions_count: 2,
      partitions: { related: `http://localhost/v3/clusters/memory/topics/${name}/partitions` },
      configs: { related: `http://localhost/v3/clusters/memory/topics/${name}/configs` },
      partition_reassignments: {
        related: `http://localhost/v3/clusters/memory/topics/${name}/partitions/-/reassignment`,
      },
    }
    expect(await ask(at(`/topics/${name}`))).toEqual([200, topic])
    const list = (await ask(at('/topics')))[1] as { kind: string; data: (typeof topic)[] }
    expect(list.kind).toBe('KafkaTopicList')
    expect(list.data.find((each) => each.topic_name === name)).toEqual(topic)
    expect(list.data.find((each) => each.topic_name === CHANGELOG)?.is_internal).toBe(true)
    const partitions = (await ask(at(`/topics/${name}/partitions`)))[1] as { data: object[] }
    expect(partitions.data).toHaveLength(2)
    expect(await ask(at(`/topics/${name}/partitions/1`))).toEqual([200, partitions.data[1]])
    expect((await ask(at(`/topics/${name}/partitions/7`)))[1]).toMatchObject({ error_code: 40402 })
    expect((await ask(at(`/topics/${name}/configs`)))[1]).toMatchObject({
      kind: 'KafkaTopicConfigList',
      data: expect.arrayContaining([
        expect.objectContaining({ name: 'cleanup.policy', value: 'delete', is_default: true }),
      ]),
    })
  })
})
