import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alterConfigs } from '../../src/kafka/admin-configs.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { clusterOptions } from '../../src/kafka/connection-options.ts'
import { kafka } from '../../src/kafka/index.ts'
import { streamsGroupHeartbeat } from '../../src/kafka/protocol/streams-group-heartbeat.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../src/log/log.ts'
import { Member, clientOptions, settle, subtopology, until } from '../log/log-harness.ts'
import { startBroker, uniqueName } from './broker/index.ts'
import type { PrivateBroker } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'
import { FaultyProxy } from './faulty-proxy.ts'

const heartbeat = streamsGroupHeartbeat.key
const offsetCommit = 8

let broker: PrivateBroker
let proxy: FaultyProxy
let log: Log
let cluster: Cluster

beforeAll(async () => {
  const proxyPort = await freePort()
  // Clients learn the advertised address, so that all of their connections go through the proxy.
  broker = await startBroker({ config: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxyPort}` } })
  proxy = await FaultyProxy.listen(proxyPort, () => Number(broker.brokers.split(':')[1]))
  const brokers = `127.0.0.1:${proxyPort}`
  log = kafka({ brokers })
  cluster = new Cluster(clusterOptions({ brokers }))
})

afterAll(async () => {
  await log.close()
  await cluster.close()
  await proxy.close()
  await broker.stop()
})

async function joined(group: string, thread: number, input: string): Promise<Member> {
  const options = clientOptions(group, thread, [subtopology(0, [input])], { guarantee: 'at_least_once' })
  const member = new Member(await log.openClient(options))
  await member.client.group.join()
  return member
}

async function newInput(partitions: number): Promise<string> {
  const name = uniqueName('input')
  await log.createTopics([{ name, partitions }])
  return name
}

async function loseNext(apiKey: number, cause: () => Promise<unknown> = async () => undefined): Promise<void> {
  const before = proxy.lost
  proxy.loseReplyTo(apiKey)
  await cause()
  await until('a lost answer', () => (proxy.lost > before ? true : undefined))
}

const lostEvents = (members: readonly Member[]) =>
  members.flatMap(({ told }) => told.filter(({ type }) => type === 'lost'))

describe('an answer of the group coordinator that is lost on the way', () => {
  it('to a join is asked for again, and costs no tasks', async () => {
    const input = await newInput(2)
    const group = uniqueName('lost-join')
    let member: Member | undefined
    await loseNext(heartbeat, async () => (member = await joined(group, 1, input)))
    await settle('the assignment', [member!], () => member!.active.length === 2)
    expect(lostEvents([member!])).toEqual([])
    await member!.client.close()
  })

  it('is found out although it is never repeated: a revocation, an assignment', async () => {
    const input = await newInput(4)
    const group = uniqueName('lost-assignment')
    await alterConfigs(cluster, 'group', group, { 'streams.heartbeat.interval.ms': '200' })
    const one = await joined(group, 1, input)
    await settle('the assignment', [one], () => one.active.length === 4)
    const two = await joined(group, 2, input)
    // From here on some of the answers that say what moves are lost; which ones is up to the timing of the heartbeats.
    for (let i = 0; i < 4; i++) await loseNext(heartbeat)
    await settle('an even spread', [one, two], () => one.active.length === 2 && two.active.length === 2)
    expect([...one.active, ...two.active].sort()).toEqual(['0_0', '0_1', '0_2', '0_3'])
    expect(lostEvents([one, two])).toEqual([])
    await one.client.close()
    await two.client.close()
  })

  it('to a commit is made up for by committing again', async () => {
    const input = await newInput(1)
    const member = await joined(uniqueName('lost-commit'), 1, input)
    await settle('the assignment', [member], () => member.active.length === 1)
    const offsets = new PartitionMap<CommittedOffset>().set(input, 0, { offset: 5, metadata: 'm' })
    await loseNext(offsetCommit, async () => expect(await member.client.commit(offsets)).toBe('committed'))
    expect((await member.client.committed([{ topic: input, partition: 0 }])).get(input, 0)).toEqual({
      offset: 5,
      metadata: 'm',
    })
    await member.client.close()
  })
})

describe('a broker that is restarted', () => {
  it('finds the members and their tasks as they were', async () => {
    const input = await newInput(2)
    const group = uniqueName('restart')
    const members = [await joined(group, 1, input), await joined(group, 2, input)]
    await settle('both assignments', members, () => members.every(({ active }) => active.length === 1))
    const before = members.map(({ active }) => active)
    await broker.shutDown()
    const offsets = new PartitionMap<CommittedOffset>().set(input, Number(members[0]!.active[0]!.slice(2)), {
      offset: 3,
      metadata: '',
    })
    // A commit under way outlives the outage.
    const committing = members[0]!.client.commit(offsets)
    await broker.start()
    expect(await committing).toBe('committed')
    for (const member of members) member.step()
    expect(members.map(({ active }) => active)).toEqual(before)
    expect(lostEvents(members)).toEqual([])
    for (const { client } of members) await client.close()
  })
})
