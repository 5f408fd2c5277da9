import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TopicAdmin } from '../../../src/kafka/admin/topic-admin.ts'
import { describeClassicGroup } from '../../../src/kafka/group/member/describe-classic-group.ts'
import type { Log } from '../../../src/log/log.ts'
import type { Member } from '../../log/log-harness.ts'
import { internalTopic, settle, subtopology } from '../../log/log-harness.ts'
import { sharedBroker, uniqueName } from '../broker/index.ts'
import { GroupWorld, eventsOf, offset, takeEvent } from '../group-suite.ts'

let world: GroupWorld
let quick: Log

beforeAll(async () => {
  world = new GroupWorld(await sharedBroker(), 'classic')
  quick = world.newLog({ heartbeatInterval: 200 })
})

afterAll(async () => {
  await quick.close()
  await world.close()
})

const task = (text: string) => {
  const [subtopology, partition] = text.split('_').map(Number)
  return { subtopology: subtopology!, partition: partition! }
}

describe('a member with an instance id', () => {
  it('gets its tasks back when it comes back, and the others notice nothing', async () => {
    const input = await world.newTopic(4)
    const group = uniqueName('static')
    const start = (thread: number, instanceId: string) =>
      world.joined(group, thread, [subtopology(0, [input])], { instanceId })
    const [one, two] = [await start(1, 'pod-1'), await start(2, 'pod-2')]
    await settle('an even spread', [one, two], () => one.active.length === 2 && two.active.length === 2)
    const [mine, toldBefore] = [two.active, one.told.length]
    await two.client.close()
    expect((await describeClassicGroup(world.cluster, group)).members).toHaveLength(2)
    // As on another machine, nothing but the instance id is as it was.
    const back = await start(3, 'pod-2')
    await settle('its old tasks', [one, back], () => back.active.length === 2)
    expect(back.active).toEqual(mine)
    expect(await back.client.commit(offset(input, task(mine[0]!).partition, 5))).toBe('committed')
    one.step()
    expect(one.told.length).toBe(toldBefore)
    await back.client.close()
    await one.client.close()
  })

  it('leads the group again when it comes back, if it led it before', async () => {
    const input = await world.newTopic(2)
    const group = uniqueName('static-leader')
    const start = (thread: number, instanceId: string) =>
      world.joined(group, thread, [subtopology(0, [input])], { instanceId }, quick)
    const leader = await start(1, 'pod-1')
    await settle('the tasks', [leader], () => leader.active.length === 2)
    const two = await start(2, 'pod-2')
    await settle('an even spread', [leader, two], () => leader.active.length === 1 && two.active.length === 1)
    await leader.client.close()
    const back = await start(1, 'pod-1')
    await settle('its old task', [back, two], () => back.active.length === 1)
    // The leader is the one that finds new partitions.
    await new TopicAdmin(world.cluster).createPartitions(input, 4)
    await settle('the new tasks', [back, two], () => back.active.length === 2 && two.active.length === 2)
    await back.client.close()
    await two.client.close()
  })

  it('is fenced when a twin takes its place, and does not take it back', async () => {
    const input = await world.newTopic(1)
    const group = uniqueName('twin')
    for (const guarantee of ['at_least_once', 'exactly_once'] as const) {
      const start = (thread: number) =>
        world.joined(group, thread, [subtopology(0, [input])], { instanceId: 'pod', guarantee }, quick)
      const old = await start(1)
      await settle('the tasks', [old], () => old.active.length === 1)
      const twin = await start(2)
      await settle('the tasks', [twin], () => twin.active.length === 1)
      const committed = await Promise.resolve(old.client.commit(offset(input, 0, 5))).catch((error: unknown) => error)
      if (guarantee === 'at_least_once') expect(committed).toMatchObject({ code: 'MR_FENCED' })
      else expect(committed).toBe('aborted')
      await settle('the news', [old], () => eventsOf(old, 'failed').length === 1)
      expect(eventsOf(old, 'failed')[0]!.error).toMatchObject({
        code: 'MR_FENCED',
        message: expect.stringContaining('pod'),
      })
      expect(await twin.client.commit(offset(input, 0, 6))).toBe('committed')
      twin.step()
      expect(eventsOf(twin, 'lost')).toEqual([])
      await old.client.close()
      await twin.client.close()
    }
  })

  it('waits while others run the old topology when it comes back with another one', async () => {
    const input = await world.newTopic(2)
    const group = uniqueName('static-changed')
    const one = await world.joined(group, 1, [subtopology(0, [input])], { instanceId: 'pod-1' }, quick)
    const two = await world.joined(group, 2, [subtopology(0, [input])], { instanceId: 'pod-2' }, quick)
    await settle('both assignments', [one, two], () => one.active.length === 1 && two.active.length === 1)
    await two.client.close()
    const changed = [subtopology(0, [input], { changelogTopics: [internalTopic(`${group}-totals-changelog`)] })]
    const back = await world.joined(group, 2, changed, { instanceId: 'pod-2' }, quick)
    await settle('the refusal', [one, back], () => eventsOf(back, 'waiting').length === 1)
    expect(eventsOf(back, 'waiting')[0]!.error).toMatchObject({ code: 'MR_TOPOLOGY_CHANGED' })
    expect(eventsOf(back, 'assigned')).toEqual([])
    expect([one, back].flatMap((member) => eventsOf(member, 'failed'))).toEqual([])
    await settle('all tasks on the member that stayed', [one, back], () => one.active.length === 2)
    await back.client.close()
    await one.client.close()
  })
})

describe('members of a classic group', () => {
  it('get back the tasks whose state is on the disk of their process', async () => {
    const input = await world.newTopic(6)
    const group = uniqueName('stored')
    const stays = await world.joined(group, 1, [subtopology(0, [input])], {}, quick)
    await settle('the first assignment', [stays], () => stays.active.length === 6)
    const storedTasks = ['0_0', '0_2', '0_4'].map(task)
    const back = await world.joined(group, 2, [subtopology(0, [input])], { storedTasks }, quick)
    await settle('an even spread', [stays, back], () => stays.active.length === 3 && back.active.length === 3)
    expect(back.active).toEqual(['0_0', '0_2', '0_4'])
    await stays.client.close()
    await back.client.close()
  })

  it('go on when the leader dies while tasks are being handed over', async () => {
    const input = await world.newTopic(4)
    const group = uniqueName('leader')
    const times = { sessionTimeout: 2000, heartbeatInterval: 200 }
    const logs = [world.newLog(times), world.newLog(times), world.newLog(times)]
    // The first member is the leader, and never acknowledges what it must give up.
    const leader = await world.open(group, 1, [subtopology(0, [input])], {}, logs[0])
    await leader.group.join()
    expect((await takeEvent(leader, 'assigned')).active).toHaveLength(4)
    leader.group.acknowledge()
    const [two, three] = [
      await world.joined(group, 2, [subtopology(0, [input])], {}, logs[1]),
      await world.joined(group, 3, [subtopology(0, [input])], {}, logs[2]),
    ]
    await takeEvent(leader, 'revoked')
    expect([...two.active, ...three.active]).toEqual([])
    Object.defineProperty(leader.group, 'leave', { value: () => undefined })
    await logs[0]!.close()
    await settle('the take-over', [two, three], () => two.active.length === 2 && three.active.length === 2)
    expect([...eventsOf(two, 'lost'), ...eventsOf(three, 'lost')]).toEqual([])
    await logs[1]!.close()
    await logs[2]!.close()
  })

  it('never own the same task while members come and go, and all tasks are owned in the end', async () => {
    const [input, other] = [await world.newTopic(7), await world.newTopic(4)]
    const group = uniqueName('churn')
    const stateful = [
      subtopology(0, [input], { changelogTopics: [internalTopic(`${group}-a-changelog`)] }),
      subtopology(1, [other]),
    ]
    let members: Member[] = []
    const spread = async (what: string) =>
      settle(what, members, () => {
        const owned = members.flatMap(({ active }) => active)
        expect(new Set(owned).size).toBe(owned.length)
        const sizes = members.map(({ active }) => active.length)
        return owned.length === 11 && Math.max(...sizes) - Math.min(...sizes) <= 1
      })
    const enter = async (thread: number) => {
      const options = { standbyReplicas: 1, processId: `process-${thread % 3}` }
      members.push(await world.joined(group, thread, stateful, options, quick))
    }
    const exit = async (index: number) => {
      const [leaving] = members.splice(index, 1)
      await leaving!.client.close()
    }
    await Promise.all([1, 2, 3].map(enter))
    await spread('three members')
    await enter(4)
    await exit(0)
    await Promise.all([5, 6].map(enter))
    await spread('five members')
    await exit(2)
    await exit(0)
    await enter(7)
    await spread('four members')
    await exit(1)
    await exit(1)
    await spread('two members')
    expect(members.flatMap((member) => [...eventsOf(member, 'lost'), ...eventsOf(member, 'failed')])).toEqual([])
    for (const { client } of members) await client.close()
    members = []
  })
})
