import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alterConfigs, describeConfigs } from '../../src/kafka/admin/admin-configs.ts'
import { TopicAdmin } from '../../src/kafka/admin/topic-admin.ts'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import { deleteGroup, describeStreamsGroup } from '../../src/kafka/group/member/coordinator.ts'
import { commitOffsets, fetchOffsets } from '../../src/kafka/group/member/offsets.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset } from '../../src/log/log.ts'
import { freePort } from './broker/jvm-broker.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

let cluster: Cluster
let admin: TopicAdmin

beforeAll(async () => {
  cluster = new Cluster(clusterOptions({ brokers: await sharedBroker() }))
  admin = new TopicAdmin(cluster)
})

afterAll(async () => {
  await cluster.close()
})

describe('topics on Kafka', () => {
  it('are created with their configs and can be described at once', async () => {
    const name = uniqueName('configured')
    await admin.createTopics([
      { name, partitions: 3, configs: { 'cleanup.policy': 'compact', 'segment.bytes': '2097152' } },
    ])
    const { id, partitions } = (await admin.describeTopics([name])).get(name)!
    expect(partitions).toBe(3)
    expect(id).toMatch(/^[0-9a-f]{8}-/)
    const configs = await describeConfigs(cluster, 'topic', name)
    expect(configs.get('cleanup.policy')).toBe('compact')
    expect(configs.get('segment.bytes')).toBe('2097152')
  })

  it('get another id when they are deleted and created again', async () => {
    const name = uniqueName('renewed')
    await admin.createTopics([{ name, partitions: 1 }])
    const before = (await admin.describeTopics([name])).get(name)!.id
    await admin.deleteTopics([name, 'never-existed'])
    await expect.poll(async () => (await admin.describeTopics([name])).size, { timeout: 10_000 }).toBe(0)
    await admin.createTopics([{ name, partitions: 1 }])
    expect((await admin.describeTopics([name])).get(name)!.id).not.toBe(before)
  })

  it('can be given more partitions', async () => {
    const name = uniqueName('grown')
    await admin.createTopics([{ name, partitions: 1 }])
    await admin.createPartitions(name, 4)
    await expect
      .poll(async () => (await admin.describeTopics([name])).get(name)?.partitions, { timeout: 10_000 })
      .toBe(4)
    await expect(admin.createPartitions(name, 2)).rejects.toMatchObject({ code: 'MR_TOPIC_INVALID', topic: name })
  })

  it('name the config that the broker refuses', async () => {
    const topic = { name: uniqueName('refused'), partitions: 1, configs: { 'no.such.config': '1' } }
    await expect(admin.createTopics([topic])).rejects.toMatchObject({
      code: 'MR_TOPIC_INVALID',
      topic: topic.name,
      message: expect.stringContaining('no.such.config'),
    })
  })

  it('have no offsets when they do not exist, and the error names them', async () => {
    const place = { topic: uniqueName('missing'), partition: 0 }
    await expect(admin.listOffsets([place], 'latest')).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      topic: place.topic,
    })
  })
})

describe('configs on Kafka', () => {
  it('of a group are altered one by one and put back', async () => {
    const group = uniqueName('tuned-group')
    // A broker learns of a change a moment after the controller has accepted it.
    const sessionTimeout = async (): Promise<string | null | undefined> =>
      (await describeConfigs(cluster, 'group', group)).get('streams.session.timeout.ms')
    await alterConfigs(cluster, 'group', group, { 'streams.session.timeout.ms': '7000' })
    await expect.poll(sessionTimeout).toBe('7000')
    expect((await describeConfigs(cluster, 'group', group)).get('streams.heartbeat.interval.ms')).toBe('1000')
    await alterConfigs(cluster, 'group', group, { 'streams.session.timeout.ms': null })
    await expect.poll(sessionTimeout).toBe('10000')
  })

  it('outside the bounds are refused with the reason', async () => {
    const altering = alterConfigs(cluster, 'group', uniqueName('group'), { 'streams.session.timeout.ms': '1' })
    await expect(altering).rejects.toMatchObject({ code: 'MR_LOG_FAILED', apiName: 'INVALID_CONFIG' })
  })
})

describe('offsets of a group without members', () => {
  it('are kept with their metadata, and vanish with the group', async () => {
    const topic = uniqueName('offsets')
    const group = uniqueName('offsets-group')
    await admin.createTopics([{ name: topic, partitions: 3 }])
    const offsets = new PartitionMap<CommittedOffset>()
    offsets.set(topic, 0, { offset: 12, metadata: 'AgAAAYs=' }).set(topic, 2, { offset: 0, metadata: '' })
    await commitOffsets(cluster, group, undefined, offsets)
    const all = [0, 1, 2].map((partition) => ({ topic, partition }))
    const found = await fetchOffsets(cluster, group, undefined, all)
    expect([...found.entries()]).toEqual([...offsets.entries()])
    await deleteGroup(cluster, group)
    expect((await fetchOffsets(cluster, group, undefined, all)).size).toBe(0)
  })

  it('belong to no streams group', async () => {
    expect(await describeStreamsGroup(cluster, uniqueName('nobody'))).toBeUndefined()
    await expect(deleteGroup(cluster, uniqueName('nobody'))).resolves.toBeUndefined()
  })
})

describe('a cluster that does not respond', () => {
  it('fails after a bounded time, naming every broker that was tried', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const brokers = [`127.0.0.1:${one}`, `127.0.0.1:${two}`]
    const unreachable = new Cluster(clusterOptions({ brokers, apiTimeout: 300 }))
    await expect(new TopicAdmin(unreachable).describeTopics(['any'])).rejects.toMatchObject({
      code: 'MR_LOG_UNREACHABLE',
      message: expect.stringMatching(new RegExp(`${brokers.join(', ')}.*ECONNREFUSED`)),
      hint: expect.any(String),
    })
    await unreachable.close()
  })

  it('does not matter while one broker of the list responds', async () => {
    const brokers = [`127.0.0.1:${await freePort()}`, await sharedBroker()]
    const reachable = new Cluster(clusterOptions({ brokers }))
    expect((await new TopicAdmin(reachable).describeTopics(['no-such-topic'])).size).toBe(0)
    await reachable.close()
  })
})

describe('options of Kafka', () => {
  it.each([
    ['', 'brokers is empty'],
    ['localhost', "'localhost' is not host:port"],
    ['localhost:0', "'localhost:0' is not host:port"],
    ['localhost:9092,kafka:70000', "'kafka:70000' is not host:port"],
  ])('name the broker that cannot be read: %s', (brokers, message) => {
    expect(() => clusterOptions({ brokers })).toThrow(
      expect.objectContaining({ code: 'MR_CONFIG', message: expect.stringContaining(message) }),
    )
  })

  it('take lists, spaces and IPv6 addresses', () => {
    expect(clusterOptions({ brokers: 'a:1, [::1]:2' }).brokers).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ])
  })
})
