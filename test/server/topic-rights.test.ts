import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve, type ServerRole } from 'millrace/server'
import { CHANGELOG, ROLES, said, tokenOf, TopicServer, type Answered } from './topic-server.ts'

let place: TopicServer
beforeAll(async () => {
  place = await TopicServer.start()
  await place.log.createTopics([{ name: 'named', partitions: 1 }])
  await place.log.createTopics([{ name: 'other-app-x-changelog', partitions: 1 }])
  await place.post('payments', { key: 'alice', value: { from: 'alice', cents: 1 } })
})
afterAll(() => place[Symbol.asyncDispose]())

const RECORD = '{"key":"alice","value":{"from":"alice","cents":1}}'

function ask(role: ServerRole, path: string, body?: string): Promise<Answered> {
  const headers = { authorization: `Bearer ${tokenOf(role)}`, 'content-type': 'application/json' }
  const init = body === undefined ? { headers } : { method: 'POST', headers, body }
  return place.ask(path, init, place.guarded)
}

const rolesThat = async (path: string, body?: string): Promise<ServerRole[]> => {
  const allowed: ServerRole[] = []
  for (const role of ROLES) {
    const answered = await ask(role, path, body)
    if (answered.status === 200) allowed.push(role)
    else expect([role, said(answered)]).toEqual([role, '403 MR_SERVER_ROLE'])
  }
  return allowed
}

describe('topics over HTTP', () => {
  test('of the application are read by those who may read its stores; all others by topics.read', async () => {
    const readers: readonly ServerRole[] = ['read', 'write', 'control', 'topics.read']
    for (const name of ['payments', 'totals', CHANGELOG]) {
      expect(await rolesThat(`/v1/topics/${name}`)).toEqual(readers)
      expect(await rolesThat(`/v1/topics/${name}/records?valueAs=auto`)).toEqual(readers)
    }
    for (const name of ['plain', 'rejected']) {
      expect(await rolesThat(`/v1/topics/${name}`)).toEqual(['topics.read'])
      expect(await rolesThat(`/v1/topics/${name}/records`)).toEqual(['topics.read'])
    }
    expect(said(await ask('read', '/v1/topics/nothing'))).toBe('403 MR_SERVER_ROLE')
    expect(said(await ask('topics.read', '/v1/topics/nothing'))).toBe('404 MR_TOPIC_UNKNOWN')
  })

  test('are listed as far as they may be read, and say whether they may be written', async () => {
    const listed = async (role: ServerRole): Promise<string[]> => {
      const { body } = await ask(role, '/v1/topics')
      return body.topics.map(({ name, writable }) => (writable ? `${name} (writable)` : name))
    }
    expect(await listed('read')).toEqual(['payments', 'spread', 'totals', CHANGELOG])
    expect(await listed('write')).toEqual(['payments (writable)', 'spread', 'totals', CHANGELOG])
    expect(await listed('topics.read')).toEqual(
      [
        'counts',
        'named',
        'other-app-x-changelog',
        'payments',
        'plain',
        'rates',
        'rejected',
        'small',
        'spread',
        'totals',
        CHANGELOG,
        'words',
      ].filter((name) => !['counts', 'rates', 'words'].includes(name)),
    )
    expect((await place.ask('/v1/topics')).body.topics.find(({ name }) => name === 'payments')).toEqual({
      name: 'payments',
      own: 'source',
      internal: false,
      writable: true,
      keySerde: 'string',
      valueSerde: 'json',
      partitions: 2,
    })
    expect((await place.ask(`/v1/topics/${CHANGELOG}`)).body).toMatchObject({
      own: 'internal',
      internal: true,
      writable: false,
      keySerde: null,
      configs: { 'cleanup.policy': { value: 'compact', source: 'topic' } },
      partitions: [{ partition: 0, leader: 0, replicas: [0], inSyncReplicas: [0], firstOffset: 0 }, { partition: 1 }],
    })
  })

  test('are written with topics.write; those that are named, with write as well', async () => {
    expect(await rolesThat('/v1/topics/plain/records', RECORD)).toEqual(['topics.write'])
    expect(await rolesThat('/v1/topics/totals/records?valueAs=json', RECORD)).toEqual(['topics.write'])
    expect(await rolesThat('/v1/topics/payments/records', RECORD)).toEqual(['write', 'control', 'topics.write'])
    expect(await rolesThat('/v1/topics/named/records', RECORD)).toEqual(['write', 'control', 'topics.write'])
  })

  test('are never written where they are internal, whoever asks', async () => {
    for (const name of [CHANGELOG, 'other-app-x-changelog', '__consumer_offsets']) {
      const answered = await place.post(name, RECORD)
      expect([name, said(answered)]).toEqual([name, '403 MR_SERVER_TOPIC'])
    }
    const named = serve(place.running.streams, { listen: 'none', writableTopics: ['payments', CHANGELOG] })
    await expect(named).rejects.toMatchObject({ code: 'MR_CONFIG', message: expect.stringContaining(CHANGELOG) })
    const unnamed = serve(place.running.streams, { listen: 'none', writableTopics: ['a b'] })
    await expect(unnamed).rejects.toMatchObject({ code: 'MR_CONFIG', hint: expect.stringContaining('payments') })
  })

  test('without tokens are read on this machine, and written where they are named', async () => {
    await using server = await serve(place.running.streams, { listen: 0, writableTopics: ['payments'] })
    const post = async (name: string, headers = {}): Promise<string> => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: RECORD }
      const response = await fetch(`${server.address!.url}/v1/topics/${name}/records`, init)
      return said({ status: response.status, body: (await response.json()) as Answered['body'] })
    }
    expect((await fetch(`${server.address!.url}/v1/topics/payments/records`)).status).toBe(200)
    expect(await post('payments')).toBe('200')
    expect(await post('totals')).toBe('403 MR_SERVER_ROLE')
    expect(await post('payments', { origin: 'https://evil.example' })).toBe('403 MR_SERVER_ORIGIN')
    expect(await post('payments', { 'content-type': 'text/plain' })).toBe('415 MR_SERVER_MEDIA_TYPE')
    const closed = await place.ask('/v1/topics', {}, await serve(place.running.streams, { listen: 'none' }))
    expect(said(closed)).toBe('403 MR_SERVER_OPEN')
  })
})
