import type { API } from '@platformatic/kafka'
import { afterEach, describe, expect, it } from 'vitest'
import type { GroupEvent } from '../../../src/group/group.ts'
import type { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import type { Membership } from '../../../src/kafka/group/member/membership.ts'
import { openMember } from '../../../src/kafka/group/open-member.ts'
import { streamsGroupDescribe } from '../../../src/kafka/protocol/streams-group-describe.ts'
import { streamsGroupHeartbeat } from '../../../src/kafka/protocol/streams-group-heartbeat.ts'
import type { StreamsGroupHeartbeat } from '../../../src/kafka/protocol/streams-group-heartbeat.ts'
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
    const { errorCode } = this
    return { errorCode, errorMessage: null, memberEpoch: memberEpoch || 1, heartbeatIntervalMs: 20, status: [], tasks }
  }

  close(): void {
    this.#closing.abort()
  }
}

let coordinator: Coordinator
afterEach(() => coordinator.close())

function open(): Membership {
  coordinator = new Coordinator()
  return openMember(coordinator.cluster, clientOptions('group', 1, [subtopology(0, ['input'])]))
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
