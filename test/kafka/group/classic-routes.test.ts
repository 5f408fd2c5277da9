import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { taskIdText, type Route } from '../../../src/group/group.ts'
import { ClassicRequests } from '../../../src/kafka/group/classic/classic-requests.ts'
import { encodeAssignment } from '../../../src/kafka/group/classic/consumer-protocol.ts'
import { GroupLeader } from '../../../src/kafka/group/classic/group-leader.ts'
import { decodeAssigned, encodeAssigned } from '../../../src/kafka/group/classic/user-data.ts'
import { settle, subtopology, type Member } from '../../log/log-harness.ts'
import { sharedBroker, uniqueName } from '../broker/index.ts'
import { GroupWorld } from '../group-suite.ts'

let world: GroupWorld
beforeAll(async () => {
  world = new GroupWorld(await sharedBroker(), 'classic', { heartbeatInterval: 100 })
})
afterEach(() => vi.restoreAllMocks())
afterAll(() => world.close())

interface Traveller extends Member {
  /** Active tasks by endpoint, as the member was given them last. */
  routes?: Record<string, string[]>
}

async function joined(
  group: string,
  thread: number,
  input: string,
  endpoint: string,
  instanceId?: string,
): Promise<Traveller> {
  let routes: Traveller['routes']
  const onRoutes = (given: readonly Route[]): void => {
    routes = Object.fromEntries(given.map((route) => [route.endpoint, route.active.map(taskIdText)]))
  }
  const member = await world.joined(group, thread, [subtopology(0, [input])], { endpoint, instanceId, onRoutes })
  return Object.defineProperty(member, 'routes', { get: () => routes })
}

/** Resolves when each of the members knows exactly what all of them own. */
function agree(what: string, members: Readonly<Record<string, Traveller>>): Promise<void> {
  return settle(what, Object.values(members), () =>
    Object.values(members).every(({ routes = {} }) => {
      const isRight = Object.entries(members).every(([endpoint, { active }]) => {
        return active.length > 0 && routes[endpoint]?.join() === active.join()
      })
      return isRight && Object.keys(routes).length === Object.keys(members).length
    }),
  )
}

it('members get tasks from a leader that knows no endpoints, and learn of each other from the next one', async () => {
  const assign = GroupLeader.prototype.assign
  let assigned = 0
  const leader = vi.spyOn(GroupLeader.prototype, 'assign').mockImplementation(async function (this: GroupLeader, all) {
    assigned++
    return (await assign.call(this, all)).map(({ memberId, assignment }) => {
      const data = { ...decodeAssigned(assignment), endpoints: undefined }
      return { memberId, assignment: encodeAssignment([], encodeAssigned(data)) }
    })
  })
  const heartbeat = ClassicRequests.prototype.heartbeat
  let [quiet, assignedThen] = [0, 0]
  vi.spyOn(ClassicRequests.prototype, 'heartbeat').mockImplementation(async function (this: ClassicRequests, ...of) {
    const errorCode = await heartbeat.apply(this, of)
    quiet = errorCode === 0 && assigned === assignedThen ? quiet + 1 : 0
    assignedThen = assigned
    return errorCode
  })
  const input = await world.newTopic(4)
  const group = uniqueName('old-leader')
  const old = await joined(group, 1, input, '10.0.0.1:8081')
  await settle('all tasks', [old], () => old.active.length === 4)
  const two = await joined(group, 2, input, '10.0.0.2:8082')
  const three = await joined(group, 3, input, '10.0.0.3:8083')
  await settle('an even spread', [old, two, three], () => two.active.length === 1 && three.active.length === 1)
  await settle('peace', [old, two, three], () => quiet > 10)
  expect([two.routes, three.routes]).toEqual([{}, {}])
  expect((await world.log.groupInstances(group)).map(({ endpoint }) => endpoint)).toEqual([
    '10.0.0.1:8081',
    '10.0.0.2:8082',
    '10.0.0.3:8083',
  ])
  leader.mockRestore()
  await old.client.close()
  await agree('routes from the new leader', { '10.0.0.2:8082': two, '10.0.0.3:8083': three })
  await two.client.close()
  await three.client.close()
})

it('others learn where a static member is that came back elsewhere, the leader too', async () => {
  const input = await world.newTopic(4)
  const group = uniqueName('static-elsewhere')
  const leader = await joined(group, 1, input, '10.0.0.1:8081', 'pod-1')
  await settle('all tasks', [leader], () => leader.active.length === 4)
  const two = await joined(group, 2, input, '10.0.0.2:8082', 'pod-2')
  await agree('both routes', { '10.0.0.1:8081': leader, '10.0.0.2:8082': two })
  await two.client.close()
  const twoAgain = await joined(group, 2, input, '10.0.0.9:8082', 'pod-2')
  await agree('the new place', { '10.0.0.1:8081': leader, '10.0.0.9:8082': twoAgain })
  await leader.client.close()
  const leaderAgain = await joined(group, 1, input, '10.0.0.8:8081', 'pod-1')
  await agree('the new place of the leader', { '10.0.0.8:8081': leaderAgain, '10.0.0.9:8082': twoAgain })
  for (const { client } of [leaderAgain, twoAgain]) await client.close()
})
