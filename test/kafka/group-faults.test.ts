import { heartbeatV4, joinGroupV9, syncGroupV5 } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alterConfigs } from '../../src/kafka/admin/admin-configs.ts'
import type { GroupProtocol } from '../../src/kafka/group/member/detect-protocol.ts'
import { streamsGroupHeartbeat } from '../../src/kafka/protocol/streams-group-heartbeat.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../src/log/log.ts'
import type { Member } from '../log/log-harness.ts'
import { settle, subtopology, until } from '../log/log-harness.ts'
import { startBroker, uniqueName } from './broker/index.ts'
import type { PrivateBroker } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'
import { FaultyProxy } from './faulty-proxy.ts'
import { GroupWorld, eventsOf } from './group-suite.ts'

const offsetCommit = 8
/** Session timeout that is longer than the broker is away, however busy the machine is. */
const sessionTimeout = 60_000
/** Keys of the requests that make a member and move its tasks. */
const membershipRequests: Readonly<Record<GroupProtocol, readonly number[]>> = {
  streams: [streamsGroupHeartbeat.key],
  classic: [joinGroupV9.api.key, syncGroupV5.api.key, heartbeatV4.api.key],
}
const lostWhileMoving: typeof membershipRequests = {
  streams: Array.from({ length: 5 }, () => streamsGroupHeartbeat.key),
  classic: [...membershipRequests.classic, heartbeatV4.api.key],
}

let broker: PrivateBroker
let proxy: FaultyProxy
let brokers: string

beforeAll(async () => {
  const proxyPort = await freePort()
  // Clients learn the advertised address, so that all of their connections go through the proxy.
  const config = {
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxyPort}`,
    'group.streams.session.timeout.ms': String(sessionTimeout),
  }
  broker = await startBroker({ config })
  proxy = await FaultyProxy.listen(proxyPort, () => Number(broker.brokers.split(':')[1]))
  brokers = `127.0.0.1:${proxyPort}`
})

afterAll(async () => {
  await proxy.close()
  await broker.stop()
})

async function loseNext(apiKey: number, cause: () => Promise<unknown> = async () => undefined): Promise<void> {
  const before = proxy.lost
  proxy.loseReplyTo(apiKey)
  await cause()
  await until('a lost answer', () => (proxy.lost > before ? true : undefined))
}

const lostEvents = (members: readonly Member[]) => members.flatMap((member) => eventsOf(member, 'lost'))

for (const protocol of ['streams', 'classic'] as const) {
  describe(`the ${protocol} protocol`, () => {
    let world: GroupWorld

    beforeAll(() => {
      world = new GroupWorld(brokers, protocol, { sessionTimeout })
    })

    afterAll(() => world.close())

    const joined = (group: string, thread: number, input: string, log?: Log): Promise<Member> =>
      world.joined(group, thread, [subtopology(0, [input])], {}, log)

    describe('a response of the group coordinator that is lost on the way', () => {
      for (const apiKey of membershipRequests[protocol]) {
        it(`to a newcomer's request ${apiKey} is asked for again, and costs no tasks`, async () => {
          const input = await world.newTopic(2)
          const group = uniqueName('lost-join')
          let member: Member | undefined
          await loseNext(apiKey, async () => (member = await joined(group, 1, input)))
          await settle('the assignment', [member!], () => member!.active.length === 2)
          expect(lostEvents([member!])).toEqual([])
          await member!.client.close()
        })
      }

      it('is found out although it is never repeated: a revocation, an assignment', async () => {
        const input = await world.newTopic(4)
        const group = uniqueName('lost-assignment')
        if (protocol === 'streams')
          await alterConfigs(world.cluster, 'group', group, { 'streams.heartbeat.interval.ms': '200' })
        // A member id that a classic coordinator gave out in vain delays the others for a session.
        const log = world.newLog({ sessionTimeout: 2000, heartbeatInterval: 200 })
        const one = await joined(group, 1, input, log)
        await settle('the assignment', [one], () => one.active.length === 4)
        // From here on some of the responses that say what moves are lost: which ones depends on the heartbeats.
        const [first, ...others] = lostWhileMoving[protocol]
        let two: Member | undefined
        await loseNext(first!, async () => (two = await joined(group, 2, input, log)))
        for (const apiKey of others) {
          const before = proxy.lost
          proxy.loseReplyTo(apiKey)
          await settle('a lost answer', [one, two!], () => proxy.lost > before)
        }
        await settle('an even spread', [one, two!], () => one.active.length === 2 && two!.active.length === 2)
        expect([...one.active, ...two!.active].sort()).toEqual(['0_0', '0_1', '0_2', '0_3'])
        expect(lostEvents([one, two!])).toEqual([])
        await log.close()
      })

      it('to a commit is made up for by committing again', async () => {
        const input = await world.newTopic(1)
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
      it('finds the members and their tasks as they were', { timeout: 90_000 }, async () => {
        const input = await world.newTopic(2)
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
  })
}
