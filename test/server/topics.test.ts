import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Headers as RecordHeaders, readTopic, string, topic, TopicWriter } from 'millrace'
import { jsonFormat } from '../../src/cli/records/record-format.ts'
import { TextBlock } from '../../src/record-forms/text-block.ts'
import { until } from './support.ts'
import { plain, said, spread, TopicServer, valuesOf, type Answered } from './topic-server.ts'

let place: TopicServer
beforeAll(async () => {
  place = await TopicServer.start()
})
afterAll(() => place[Symbol.asyncDispose]())

const ask = (path: string, init?: RequestInit): Promise<Answered> => place.ask(path, init)
const post = (...given: Parameters<TopicServer['post']>): Promise<Answered> => place.post(...given)

describe('POST /v1/topics/{topic}/records', () => {
  test('writes one record or many, and says where each is', async () => {
    const name = await place.newTopic(2)
    const one = await post(name, {
      key: 'a',
      value: { cents: 5 },
      partition: 1,
      headers: { trace: 'abc' },
      timestamp: 7,
    })
    expect(one).toEqual({ status: 200, body: { records: [{ partition: 1, offset: 0 }] } })
    const many = await post(name, {
      records: [{ value: 'x', partition: 1 }, { value: 'y', partition: 0 }, { partition: 1 }],
    })
    expect(many.body.records).toEqual([
      { partition: 1, offset: 1 },
      { partition: 0, offset: 0 },
      { partition: 1, offset: 2 },
    ])
    const lines = await post(
      name,
      '{"value":"z","partition":0}\n\n{"value":null,"partition":0}\n',
      '',
      'application/x-ndjson',
    )
    expect(lines.body.records).toEqual([
      { partition: 0, offset: 1 },
      { partition: 0, offset: 2 },
    ])
    const { body } = await ask(`/v1/topics/${name}/records?partition=1`)
    expect(body.records[0]).toEqual({
      topic: name,
      partition: 1,
      offset: 0,
      timestamp: 7,
      key: 'a',
      value: { cents: 5 },
      headers: [['trace', 'abc']],
    })
    expect(body.records.map(({ value }) => value)).toEqual([{ cents: 5 }, 'x', null])
    expect(body.records[1]?.['timestamp']).toBeGreaterThan(Date.now() - 60_000)
  })

  test('places records by their keys as everything else does, and by the partitioner of a topic', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`)
    const written = await post('plain', { records: keys.map((key) => ({ key, value: key })) })
    await using writer = await TopicWriter.open(place.log, plain)
    expect(written.body.records.map(({ partition }) => partition)).toEqual(keys.map((key) => writer.partitionOf(key)))
    const records = ['one', 'both', 'none'].map((key) => ({ key, value: 'here' }))
    const placed = await post('spread', { records })
    expect(placed.body.records).toEqual([
      { partition: 1, offset: expect.any(Number) },
      { partition: 1, offset: expect.any(Number) },
      { partition: null, offset: null },
    ])
    const both: number[] = []
    for await (const { key, partition } of readTopic(place.log, spread, { until: 'end' }))
      if (key === 'both') both.push(partition)
    expect(both.toSorted()).toEqual([0, 1])
  })

  test('checks a topic of the application by its schema, names the field, and writes nothing', async () => {
    const before = await ask('/v1/topics/payments/records')
    const refused = await post('payments', {
      records: [
        { key: 'alice', value: { from: 'alice', cents: 5 } },
        { key: 'bob', value: { from: 'bob', cents: 'many' } },
      ],
    })
    expect(said(refused)).toBe('422 MR_SERVER_RECORD')
    expect(refused.body.detail).toContain('record 1: the value cannot be written')
    expect(refused.body.detail).toContain('$.cents')
    expect((await ask('/v1/topics/payments/records')).body).toEqual(before.body)
    const fine = await post('payments', { key: 'alice', value: { from: 'alice', cents: 5 } })
    expect(said(fine)).toBe('200')
    await until(async () => (await ask('/v1/topics/totals/records')).body.records.some(({ value }) => value === 1))
    const schemaless = await post('payments', { key: 'eve', value: { from: 5 } }, '?valueAs=json')
    expect(said(schemaless)).toBe('200')
  })

  test('writes by forms as the command line does', async () => {
    const name = await place.newTopic()
    await post(name, { key: 'YQ==', value: 'Yg==' }, '?keyAs=base64&valueAs=base64')
    await post(name, { key: 7, value: -2 }, '?keyAs=long&valueAs=long')
    await post(name, '{"key":"a","value":9007199254740993}')
    await post(name, { key: '61ff', value: { base64: 'AP8=' } }, '?keyAs=hex')
    const shown = await ask(`/v1/topics/${name}/records`)
    expect(shown.body.records.map(({ key, value }) => [key, value])).toEqual([
      ['a', 'b'],
      ['\0\0\0\0\0\0\0\u0007', { base64: '//////////4=' }],
      ['a', '9007199254740993'],
      [{ base64: 'Yf8=' }, { base64: 'AP8=' }],
    ])
    const asLong = await ask(`/v1/topics/${name}/records?from=1&partition=0&limit=1&keyAs=long&valueAs=text`)
    expect(asLong.body.records[0]).toMatchObject({ key: 7, value: { base64: '//////////4=' } })
  })

  test('says what became of each record when the log refuses some, and writes the others', async () => {
    const records = ['a', 'x'.repeat(500), 'b'].map((value) => ({ value, partition: 0 }))
    const answered = await post('small', { records })
    expect(said(answered)).toBe('422 MR_PRODUCE')
    expect(answered.body.records).toEqual([
      { partition: 0, offset: 0 },
      { problem: expect.objectContaining({ code: 'MR_PRODUCE', status: 422, topic: 'small' }) },
      { partition: 0, offset: 1 },
    ])
  })

  test.each([
    ['no JSON', '{', '', '400 MR_SERVER_REQUEST'],
    ['no record', '[]', '', '422 MR_SERVER_RECORD'],
    ['nothing', '{"records":[]}', '', '400 MR_SERVER_REQUEST'],
    ['records that are none', '{"records":5}', '', '400 MR_SERVER_REQUEST'],
    ['something beside records', '{"records":[{}],"more":1}', '', '400 MR_SERVER_REQUEST'],
    ['a field that a record has not', '{"vlaue":1}', '', '422 MR_SERVER_RECORD'],
    ['a partition that there is not', '{"partition":9}', '', '404 MR_PARTITION_UNKNOWN'],
    ['a partition that is none', '{"partition":"a"}', '', '422 MR_SERVER_RECORD'],
    ['a partition below 0', '{"partition":-1}', '', '422 MR_SERVER_RECORD'],
    ['a header that is no base64', '{"headers":{"a":{"base64":"?"}}}', '', '422 MR_SERVER_RECORD'],
    ['a time that is none', '{"timestamp":"yesterday"}', '', '422 MR_SERVER_RECORD'],
    ['a time out of bounds', '{"timestamp":1e300}', '', '422 MR_SERVER_RECORD'],
    ['headers that are none', '{"headers":5}', '', '422 MR_SERVER_RECORD'],
    ['a key of another form', '{"key":"a"}', '?keyAs=long', '422 MR_SERVER_RECORD'],
    ['a number that is not exact', '{"value":1e400}', '', '400 MR_SERVER_REQUEST'],
    ['a form that there is not', '{}', '?valueAs=avro', '400 MR_SERVER_REQUEST'],
    ['a schema that there is not', '{}', '?valueAs=schema', '400 MR_SERVER_REQUEST'],
  ])('refuses %s, and writes nothing', async (_what, body, query, expected) => {
    const name = await place.newTopic()
    expect(said(await post(name, body, query))).toBe(expected)
    expect((await ask(`/v1/topics/${name}/records`)).body.records).toEqual([])
  })

  test('refuses other media types, bodies that are too large, and topics that there are not', async () => {
    expect(said(await post('plain', '{}', '', 'text/plain'))).toBe('415 MR_SERVER_MEDIA_TYPE')
    expect(said(await post('plain', { value: 'x'.repeat(2e6) }))).toBe('413 MR_SERVER_BODY')
    const unknown = await post('palin', {})
    expect([said(unknown), unknown.body.hint]).toEqual(['404 MR_TOPIC_UNKNOWN', 'Did you mean plain?'])
    expect(said(await post('a%20b', {}))).toBe('400 MR_TOPIC_INVALID')
    expect(said(await post('plain', `{"value":${'['.repeat(200)}${']'.repeat(200)}}`))).toBe('400 MR_SERVER_REQUEST')
  })
})

describe('GET /v1/topics/{topic}/records', () => {
  test('returns the lines of consume --json', async () => {
    const name = await place.newTopic(2)
    await using writer = await TopicWriter.open(place.log, topic(name, { key: string(), value: string() }))
    const headers = new RecordHeaders()
      .add('a', 'text')
      .add('a', null)
      .add('b', Buffer.from([0xff]))
    writer.write('a', '{"b":[1,2]}', { timestamp: 1, headers, partition: 0 })
    writer.write(null, 'text', { timestamp: 2, partition: 0 })
    writer.write('c', null, { timestamp: 3, partition: 1 })
    await writer.flush()
    const block = new TextBlock()
    const print = jsonFormat({ topic: name, key: 'auto', value: 'auto', null: 'null', isTerminal: false })
    const reader = place.log.openReader()
    for (const partition of [0, 1]) reader.assign(name, partition, 0)
    reader.poll((_topic, partition, cursor) => {
      while (cursor.next()) print(block, partition, cursor)
    })
    await reader.close()
    const lines = await (
      await place.server.fetch(
        new Request(`http://localhost/v1/topics/${name}/records`, { headers: { accept: 'application/x-ndjson' } }),
      )
    ).text()
    expect(lines.split('\n').slice(0, 3).join('\n')).toBe(block.bytes.toString().trimEnd())
    const { body } = await ask(`/v1/topics/${name}/records`)
    expect(JSON.parse(lines.split('\n')[3]!)).toEqual({ end: true, records: 3, cursor: body.cursor })
    expect(body.records).toEqual(
      lines
        .split('\n')
        .slice(0, 3)
        .map((line) => JSON.parse(line)),
    )
  })

  test('goes on by cursors, page by page, and asks for nothing twice', async () => {
    const name = await place.newTopic(3)
    const sent = Array.from({ length: 25 }, (_, i) => i)
    await post(name, { records: sent.map((i) => ({ value: `${i}`, partition: i % 3 })) })
    const seen: unknown[] = []
    let query = '?limit=10'
    const ends: boolean[] = []
    do {
      const page = await ask(`/v1/topics/${name}/records${query}`)
      expect(await ask(`/v1/topics/${name}/records${query}`)).toEqual(page)
      seen.push(...valuesOf(page))
      ends.push(page.body.end)
      query = `?limit=10&cursor=${page.body.cursor}`
    } while (ends.at(-1) === false)
    expect(seen.map(Number).toSorted((a, b) => a - b)).toEqual(sent)
    expect(ends).toEqual([false, false, true])
    await post(name, { value: 'late', partition: 2 })
    expect(valuesOf(await ask(`/v1/topics/${name}/records${query}`))).toEqual(['late'])
  })

  test('begins where it is asked to', async () => {
    const name = await place.newTopic(2)
    const records = [0, 1, 2, 3, 4].map((i) => ({
      value: `${i}`,
      timestamp: 1000 * i,
      partition: i % 2,
      key: `k${i % 2}`,
    }))
    await post(name, { records })
    const from = async (query: string): Promise<unknown[]> =>
      valuesOf(await ask(`/v1/topics/${name}/records?${query}`)).toSorted()
    expect(await from('from=beginning')).toEqual(['0', '1', '2', '3', '4'])
    expect(await from('from=end')).toEqual([])
    expect(await from('from=-1')).toEqual(['3', '4'])
    expect(await from('from=@2000')).toEqual(['2', '3', '4'])
    expect(await from('from=@1970-01-01T00:00:03Z')).toEqual(['3', '4'])
    expect(await from('from=1&partition=0')).toEqual(['2', '4'])
    expect(await from('partition=1,0,1')).toHaveLength(5)
    expect(await from('key=k1')).toEqual(['1', '3'])
    expect(await from('key=6b31&keyAs=hex')).toEqual(['1', '3'])
    expect(await from('key=nobody')).toEqual([])
  })

  test('waits for a record, and no longer than it is asked to', async () => {
    const name = await place.newTopic()
    const begun = performance.now()
    const nothing = await ask(`/v1/topics/${name}/records?wait=50ms`)
    expect(nothing.body).toMatchObject({ records: [], end: true })
    expect(performance.now() - begun).toBeGreaterThan(45)
    const waiting = ask(`/v1/topics/${name}/records?wait=30s&cursor=${nothing.body.cursor}`)
    await post(name, { value: 'now' })
    expect(valuesOf(await waiting)).toEqual(['now'])
    const key = ask(`/v1/topics/${name}/records?wait=30s&key=mine`)
    await post(name, { value: 'other', key: 'other' })
    await post(name, { value: 'mine', key: 'mine' })
    expect(valuesOf(await key)).toEqual(['mine'])
  })

  test('shows records that have not the form that was chosen, and says why', async () => {
    const { body } = await ask('/v1/topics/payments/records?from=-1')
    const broken = body.records.find(({ key }) => key === 'eve')
    expect(broken).toMatchObject({ value: { from: 5 }, error: expect.stringContaining('$.from') })
    const long = await ask('/v1/topics/payments/records?keyAs=auto&valueAs=long')
    expect(long.body.records[0]?.['error']).toContain('the value cannot be read: it has')
  })

  test.each([
    ['from and cursor', 'from=end&cursor=x'],
    ['a cursor that is none', 'cursor=x'],
    ['a cursor that was changed', 'cursor=MTIzNCxhLDA6MA'],
    ['a beginning that is none', 'from=yesterday'],
    ['a time that is none', 'from=@yesterday'],
    ['an offset of all partitions', 'from=5'],
    ['no records', 'limit=0'],
    ['too many records', 'limit=10001'],
    ['too long a wait', 'wait=61s'],
    ['partitions that are none', 'partition=a'],
    ['a key that is none', 'key=x&keyAs=long'],
    ['a parameter that there is not', 'offset=5'],
  ])('refuses %s', async (_what, query) => {
    expect(said(await ask(`/v1/topics/plain/records?${query}`))).toBe('400 MR_SERVER_REQUEST')
  })

  test('refuses partitions and offsets that there are not, and cursors of a topic that is no more', async () => {
    expect(said(await ask('/v1/topics/plain/records?partition=7'))).toBe('404 MR_PARTITION_UNKNOWN')
    expect(said(await ask('/v1/topics/plain/records?partition=0&from=99999'))).toBe('416 MR_OFFSET_OUT_OF_RANGE')
    const name = await place.newTopic()
    await post(name, { records: [{ value: 'a' }, { value: 'b' }] })
    const { cursor } = (await ask(`/v1/topics/${name}/records?limit=1`)).body
    const other = await place.newTopic()
    expect(said(await ask(`/v1/topics/${other}/records?cursor=${cursor}`))).toBe('416 MR_OFFSET_OUT_OF_RANGE')
    await place.log.deleteTopics([name])
    await place.log.createTopics([{ name, partitions: 1 }])
    await until(
      async () => said(await ask(`/v1/topics/${name}/records?cursor=${cursor}`)) === '416 MR_OFFSET_OUT_OF_RANGE',
    )
  })
})
