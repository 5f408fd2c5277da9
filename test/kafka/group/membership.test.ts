import type { API } from '@platformatic/kafka'
import { afterEach, describe, expect, it } from 'vitest'
import type { GroupEvent, MemberOptions, Route } from '../../../src/group/group.ts'
import type { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import type { Membership } from '../../../src/kafka/group/member/membership.ts'
import { openMember } from '../../../src/kafka/group/open-member.ts'
import { streamsGroupDescribe } from '../../../src/kafka/protocol/streams-group-describe.ts'
import { streamsGroupHeartbeat } from '../../../src/kafka/protocol/streams-group-heartbeat.ts'
import type { StreamsGroupHeartbeat } from '../../../src/kafka/protocol/streams-group-heartbeat.ts'
import { groupStatus, type Status } from '../../../src/kafka/protocol/streams-group-types.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { clientOptions, subtopology, until } from '../../log/log-harness.ts'

/** The session timeout of brokers in ms, by default. */
const sessionTimeout = 45_000
const oneTask = { active: [{ subtopologyId: '0', partitions: [0] }], standby: [], warmup: [] }

/** A coordinator of a streams group that gives each new member the only task. */
class Coordinator {
  readonly beats: StreamsGroupHeartbeat[] = []
  skew = 0
  errorCode = 0
  status: readonly Status[] = []
  failsOverEndpoints = false
  endpoints = { epoch: 0, hosts: ['10.0.0.1:8080'] }
  readonly #closing = new AbortController()
  readonly cluster = {
    options: clusterOptions({
      brokers: 'scripted:1',
      groupProtocol: 'streams',
      clock: { ...systemClock, monotonic: () => systemClock.monotonic() + this.skew },
    }),
    closed: this.#closing.signal,
    coordinator: async () => 1,
    forgetCoordinator: () => undefined,
    retrying: async (_retry: object, act: () => Promise<unknown>) => act(),
    versions: async () => ({
      apiKeys: [{ apiKey: streamsGroupHeartbeat.key }],
      finalizedFeatures: [{ name: 'streams.version', maxVersionLevel: 1 }],
    }),
    sendToAny: async () => ({ results: [], responses: [] }),
    send: async (_broker: number, _lane: string, api: API<unknown[], unknown>, request: unknown) => {
      if (api.key === streamsGroupDescribe.key) return [{ errorCode: 69 }]
      return this.#beat(request as StreamsGroupHeartbeat)
    },
  } as unknown as Cluster

  #beat(request: StreamsGroupHeartbeat): object {
    this.beats.push(request)
    const { memberEpoch } = request
    const tasks = memberEpoch === 0 ? oneTask : undefined
    const isFault = this.failsOverEndpoints && request.endpoint !== undefined
    const errorCode = isFault ? -1 : this.errorCode
    const { epoch: endpointEpoch, hosts } = this.endpoints
    const active = [{ topic: 'input', partitions: [0] }]
    const endpoints = hosts.map((endpoint) => ({ endpoint, active, standby: [] }))
    return {
      errorCode,
      errorMessage: null,
      memberEpoch: memberEpoch || 1,
      heartbeatIntervalMs: 20,
      status: this.status,
      tasks,
      endpointEpoch,
      endpoints: request.endpointEpoch === endpointEpoch ? undefined : endpoints,
    }
  }

  close(): void {
    this.#closing.abort()
  }
}

let coordinator: Coordinator
afterEach(() => coordinator.close())

function open(options: Partial<MemberOptions> = {}): Membership {
  coordinator = new Coordinator()
  return openMember(coordinator.cluster, { ...clientOptions('group', 1, [subtopology(0, ['input'])]), ...options })
}

/** Takes and acknowledges events until one of this type comes. */
function taken(member: Membership, type: GroupEvent['type']): Promise<GroupEvent> {
  return until(type, () => {
    for (let event = member.nextEvent(); event !== undefined; event = member.nextEvent()) {
      if (event.type === 'assigned' || event.type === 'revoked') member.acknowledge()
      if (event.type === type) return event
    }
    return undefined
  })
}

describe('a member of a streams group', () => {
  it('loses its tasks once if its session ends while it says what it owns, and joins again', async () => {
    const member = open()
    await member.join()
    await taken(member, 'assigned')
    // The heartbeat that acknowledges the assignment is under way.
    coordinator.skew += sessionTimeout + 1
    expect(() => member.identity()).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
    await taken(member, 'lost')
    await taken(member, 'assigned')
    expect(member.identity()).toMatchObject({ memberEpoch: 1 })
    const ids = new Set(coordinator.beats.map(({ memberId }) => memberId))
    expect(ids.size).toBe(2)
    expect(coordinator.beats.filter(({ memberEpoch }) => memberEpoch === -1)).toHaveLength(1)
    expect(member.nextEvent()).toBeUndefined()
  })

  it('does not take itself for current once its session may have ended, before anything has said so', async () => {
    const member = open()
    expect(member.isCurrent).toBe(false)
    await member.join()
    await taken(member, 'assigned')
    expect(member.isCurrent).toBe(true)
    coordinator.skew += sessionTimeout + 1
    expect(member.isCurrent).toBe(false)
    expect(() => member.identity()).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
    await until('it is a member again', () => (member.isMember ? true : undefined))
    // Its thread still has the tasks of before.
    expect(member.isCurrent).toBe(false)
    await taken(member, 'lost')
    expect(member.isCurrent).toBe(false)
    await taken(member, 'assigned')
    expect(member.isCurrent).toBe(true)
    await member.leave()
    expect(member.isCurrent).toBe(false)
  })

  it('names its endpoint when it joins, follows those of all, and asks for them again after a failure', async () => {
    const seen: string[][] = []
    const onRoutes = (routes: readonly Route[]): void => void seen.push(routes.map(({ endpoint }) => endpoint))
    const member = open({ endpoint: '10.0.0.1:8080', onRoutes })
    await member.join()
    await taken(member, 'assigned')
    coordinator.endpoints = { epoch: 1, hosts: ['10.0.0.1:8080', '10.0.0.2:8080'] }
    await until('the second endpoint', () => seen[1])
    const known = coordinator.beats.length
    await until('more heartbeats', () => (coordinator.beats.length > known + 3 ? true : undefined))
    expect(seen).toEqual([['10.0.0.1:8080'], ['10.0.0.1:8080', '10.0.0.2:8080']])

    // Another coordinator, which counts from 0 on, comes to the same number.
    coordinator.errorCode = 16
    await until('a failure', () => (coordinator.beats.at(-1)!.endpointEpoch === -1 ? true : undefined))
    coordinator.endpoints = { epoch: 1, hosts: [] }
    coordinator.errorCode = 0
    await until('the new endpoints', () => seen[2])
    expect(seen[2]).toEqual([])

    const [joining, ...later] = coordinator.beats
    expect(joining).toMatchObject({ endpointEpoch: -1, endpoint: '10.0.0.1:8080' })
    expect(later.filter(({ join, endpoint }) => join !== undefined || endpoint !== undefined)).toEqual([])
    await member.leave()
  })

  it('whose coordinator fails over an endpoint joins without it, and names it once no topic is missing', async () => {
    const member = open({ endpoint: '10.0.0.1:8080' })
    coordinator.failsOverEndpoints = true
    coordinator.status = [{ code: groupStatus.missingSourceTopics, detail: 'Source topics input are missing.' }]
    await member.join()
    expect(await taken(member, 'waiting')).toMatchObject({ error: { code: 'MR_TOPIC_UNKNOWN', topic: 'input' } })
    expect(coordinator.beats.filter(({ endpoint }) => endpoint !== undefined)).toHaveLength(1)

    coordinator.failsOverEndpoints = false
    coordinator.status = []
    await taken(member, 'resumed')
    const named = await until('the endpoint', () => coordinator.beats.slice(1).find(({ endpoint }) => endpoint))
    expect(named).toMatchObject({ memberEpoch: 1, join: undefined, endpoint: '10.0.0.1:8080' })
    await member.leave()
  })

  it('survives a fault of its coordinator, and fails if that lasts for a session', async () => {
    const member = open()
    coordinator.errorCode = -1
    await member.join()
    await until('some heartbeats', () => (coordinator.beats.length > 3 ? true : undefined))
    coordinator.errorCode = 0
    await taken(member, 'assigned')
    coordinator.errorCode = -1
    const { length } = coordinator.beats
    await until('more heartbeats', () => (coordinator.beats.length > length + 1 ? true : undefined))
    coordinator.skew += sessionTimeout + 1
    const error = { code: 'MR_LOG_FAILED', apiName: 'UNKNOWN_SERVER_ERROR' }
    expect(await taken(member, 'failed')).toMatchObject({ error })
  })

  it('ignores an acknowledgement after a failure', async () => {
    const member = open()
    await member.join()
    await until('the event', () => member.nextEvent())
    coordinator.errorCode = 24
    await until('the failure', () => (member.hasEnded ? true : undefined))
    member.acknowledge()
    expect(member.nextEvent()).toMatchObject({ type: 'failed' })
    expect(() => member.identity()).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
    await member.leave()
    await member.leave()
  })
})
