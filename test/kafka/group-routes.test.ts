import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GroupProtocol } from '../../src/kafka/group/member/detect-protocol.ts'
import { taskIdText, type Route, type TaskId } from '../../src/group/group.ts'
import { internalTopic, settle, subtopology, type Member } from '../log/log-harness.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'
import { GroupWorld, eventsOf } from './group-suite.ts'

/** A member with the routes that it was given last. */
interface Traveller {
  readonly member: Member
  readonly endpoint: string | undefined
  routes: Record<string, { readonly active: string[]; readonly standby: string[] }> | undefined
}

const texts = (tasks: readonly TaskId[]): string[] => tasks.map(taskIdText)

describe.each<GroupProtocol>(['streams', 'classic'])('members of a %s group', (protocol) => {
  let world: GroupWorld
  beforeAll(async () => {
    world = new GroupWorld(await sharedBroker(), protocol, { heartbeatInterval: 200 })
  })
  afterAll(() => world.close())

  async function joined(
    group: string,
    thread: number,
    topics: readonly string[],
    endpoint: string | undefined,
  ): Promise<Traveller> {
    const stateful = { changelogTopics: [internalTopic(`${group}-totals-changelog`)] }
    const repartition = `${group}-by-user-repartition`
    const traveller: Traveller = { member: undefined as never, endpoint, routes: undefined }
    const onRoutes = (routes: readonly Route[]): void => {
      const entries = routes.map((route) => {
        return [route.endpoint, { active: texts(route.active), standby: texts(route.standby) }] as const
      })
      traveller.routes = Object.fromEntries(entries)
    }
    const member = await world.joined(
      group,
      thread,
      [
        subtopology(0, topics, { repartitionSinkTopics: [repartition] }),
        subtopology(1, [], { repartitionSourceTopics: [internalTopic(repartition)], ...stateful }),
      ],
      { standbyReplicas: 1, endpoint, onRoutes },
    )
    return Object.assign(traveller, { member })
  }

  /** What each member owns, as its own events say. */
  function owned(travellers: readonly Traveller[]): Traveller['routes'] {
    const entries = travellers.flatMap(({ member, endpoint }) => {
      const { active = [], standby = [] } = eventsOf(member, 'assigned').at(-1) ?? {}
      return endpoint === undefined ? [] : [[endpoint, { active: texts(active), standby: texts(standby) }] as const]
    })
    return Object.fromEntries(entries)
  }

  const count = (travellers: readonly Traveller[]): number =>
    travellers.reduce((sum, { member }) => sum + member.active.length, 0)

  async function agree(what: string, travellers: readonly Traveller[], tasks: number): Promise<void> {
    const members = travellers.map(({ member }) => member)
    await settle(what, members, () => {
      if (count(travellers) !== tasks || members.some(({ active }) => active.length === 0)) return false
      const expected = JSON.stringify(sorted(owned(travellers)))
      return travellers.every(({ routes }) => JSON.stringify(sorted(routes)) === expected)
    })
  }

  it('learn the endpoints of all, with their tasks and standbys, when one joins and when one leaves', async () => {
    const input = await world.newTopic(3)
    const group = uniqueName('routes')
    const one = await joined(group, 1, [input], '10.0.0.1:8081')
    await agree('the route to itself', [one], 6)
    const two = await joined(group, 2, [input], '[2001:db8::2]:8082')
    await agree('both routes', [one, two], 6)
    await settle('standbys', [one.member, two.member], () =>
      Object.values(one.routes ?? {}).every(({ standby }) => standby.length > 0),
    )
    await agree('both routes with standbys', [one, two], 6)
    // Only stateful tasks have standbys.
    const standbys = Object.values(two.routes ?? {}).flatMap(({ standby }) => standby)
    expect(standbys.toSorted()).toEqual(['1_0', '1_1', '1_2'])
    expect(await world.log.groupInstances(group)).toEqual(
      [one, two].map(({ member, endpoint }, index) => ({
        processId: `process-${index + 1}`,
        endpoint,
        active: eventsOf(member, 'assigned').at(-1)!.active,
        standby: eventsOf(member, 'assigned').at(-1)!.standby,
      })),
    )
    await one.member.client.close()
    await agree('the route that is left', [two], 6)
    await two.member.client.close()
    expect(await world.log.groupInstances(group)).toEqual([])
  })

  it('that advertise nothing learn of the others, which do not learn of them', async () => {
    const input = await world.newTopic(3)
    const group = uniqueName('silent')
    const silent = await joined(group, 1, [input], undefined)
    await settle('the assignment', [silent.member], () => silent.member.active.length === 6)
    const two = await joined(group, 2, [input], '10.0.0.2:8082')
    await agree('the route to the other', [silent, two], 6)
    expect(Object.keys(silent.routes ?? {})).toEqual(['10.0.0.2:8082'])
    const found = await world.log.groupInstances(group)
    expect(found.map(({ endpoint }) => endpoint)).toEqual([undefined, '10.0.0.2:8082'])
    await silent.member.client.close()
    await agree('all tasks', [two], 6)
    await two.member.client.close()
  })

  it('find the tasks of topics with fewer partitions than others of the same sub-topology', async () => {
    const topics = [await world.newTopic(3), await world.newTopic(1)].sort()
    const group = uniqueName('uneven')
    const one = await joined(group, 1, topics, '10.0.0.1:8081')
    const two = await joined(group, 2, topics, '10.0.0.2:8082')
    await agree('both routes', [one, two], 6)
    await one.member.client.close()
    await two.member.client.close()
  })
})

function sorted(routes: Traveller['routes']): unknown {
  return Object.entries(routes ?? {}).sort(([left], [right]) => (left < right ? -1 : 1))
}
