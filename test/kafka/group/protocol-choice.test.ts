import { afterEach, describe, expect, it } from 'vitest'
import { MillraceError } from '../../../src/errors/millrace-error.ts'
import type { GroupEvent } from '../../../src/group/group.ts'
import type { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import type { GroupProtocol } from '../../../src/kafka/group/member/detect-protocol.ts'
import { Heartbeats } from '../../../src/kafka/group/member/heartbeats.ts'
import { foreignGroup } from '../../../src/kafka/group/member/member-errors.ts'
import type { MemberProtocol } from '../../../src/kafka/group/member/member-protocol.ts'
import { Membership } from '../../../src/kafka/group/member/membership.ts'
import { ProtocolChoice } from '../../../src/kafka/group/member/protocol-choice.ts'
import type { JoinedGroup } from '../../../src/kafka/group/member/protocol-choice.ts'
import { noTasks } from '../../../src/kafka/group/member/tasks.ts'
import { kafkaErrors } from '../../../src/kafka/protocol/errors.ts'
import { clientOptions, subtopology, until } from '../../log/log-harness.ts'

const refusal = foreignGroup('group', kafkaErrors.inconsistentGroupProtocol)
const assigned: GroupEvent = { type: 'assigned', active: [], standby: [] }
const cluster = {
  options: clusterOptions({ brokers: 'nowhere:1' }),
  closed: new AbortController().signal,
} as unknown as Cluster

/** A protocol whose coordinator refuses a member, or takes it and gives it no tasks. */
class FakeProtocol implements MemberProtocol {
  readonly sessionTimeout = 45_000
  readonly heartbeatInterval = 3_000
  readonly eagerInterval = 3_000
  readonly instanceId = undefined
  readonly heartbeats: Heartbeats
  readonly #member: Membership
  readonly #refusal: MillraceError | undefined
  readonly #did: (what: string) => void

  constructor(member: Membership, refused: MillraceError | undefined, did: (what: string) => void) {
    this.heartbeats = new Heartbeats(cluster.options, this, () => member.beat(this))
    this.#member = member
    this.#refusal = refused
    this.#did = did
  }

  async prepare(): Promise<void> {
    this.#did('prepares')
    if (this.#refusal !== undefined) throw this.#refusal
  }

  async enter(): Promise<void> {
    this.#did('enters')
    const member = this.#member
    member.memberId = 'id'
    member.epoch = 1
    member.heard(cluster.options.clock.monotonic())
    member.state.become('stable')
    member.waitFor(undefined)
    member.handover.told(noTasks)
  }

  failed(): void {
    this.#did('fails')
  }

  async leave(memberId: string): Promise<void> {
    this.#did(`leaves as ${memberId || 'nobody'}`)
  }

  async heartbeat(): Promise<void> {}
  acknowledged(): void {}
  async shutdownApplication(): Promise<void> {}
  async renewEpoch(): Promise<void> {}
}

let member: Membership
afterEach(() => member.leave())

type Refusals = Partial<Record<GroupProtocol, MillraceError[]>>

function open(group: Omit<JoinedGroup, 'groupId'>, refusals: Refusals = {}): string[] {
  const done: string[] = []
  const choice = new ProtocolChoice(cluster, { groupId: 'group', ...group })
  const options = clientOptions('group', 1, [subtopology(0, ['input'])])
  member = new Membership(cluster, options, choice, (protocol, membership) => {
    return new FakeProtocol(membership, refusals[protocol]?.shift(), (what) => void done.push(`${protocol} ${what}`))
  })
  return done
}

/**
 * Opens a member of a group that has `protocols` and the members `alive`, one after the other. Each list of refusals
 * is that of a protocol, one for each attempt. Returns what the protocols do.
 */
function choosing(
  protocols: (GroupProtocol | MillraceError)[],
  refusals: Refusals = {},
  alive: (readonly string[])[] = [],
): string[] {
  const protocol = async (): Promise<GroupProtocol> => {
    const next = protocols.length > 1 ? protocols.shift() : protocols[0]
    if (next === undefined || next instanceof MillraceError) throw next ?? new Error('no protocol')
    return next
  }
  return open({ protocol, members: async () => alive.shift() ?? [] }, refusals)
}

const nextEvent = () => until('an event', () => member.nextEvent())

describe('a member that speaks the protocol of its group', () => {
  it('speaks the other protocol if the group has changed before it was in', async () => {
    const done = choosing(['classic', 'streams'], { classic: [refusal] })
    await member.join()
    expect(await nextEvent()).toEqual(assigned)
    expect(done).toEqual([
      'classic prepares',
      'classic fails',
      'classic leaves as nobody',
      'streams prepares',
      'streams enters',
    ])
  })

  it('fails if the group still refuses it though it has no members', async () => {
    choosing(['classic'], { classic: [refusal, refusal] })
    await member.join()
    expect(await nextEvent()).toEqual({ type: 'failed', error: refusal })
  })

  it('fails at once if the brokers do not have the protocol of its options, even if there are members', async () => {
    const unknown = new MillraceError('MR_GROUP_PROTOCOL', 'not known')
    choosing(['streams'], { streams: [unknown] }, [['somebody']])
    await member.join()
    expect(await nextEvent()).toEqual({ type: 'failed', error: unknown })
  })

  it('waits for members of another kind, names them once, and then speaks what the group has become', async () => {
    const members = [['java on /10.0.0.1'], ['java on /10.0.0.1']]
    const protocols = ['classic', 'classic', 'classic', 'classic', 'streams'] as const
    choosing([...protocols], { classic: [refusal, refusal] }, members)
    await member.join()
    expect(await nextEvent()).toMatchObject({
      type: 'waiting',
      error: { code: 'MR_GROUP_PROTOCOL', message: expect.stringContaining('java on /10.0.0.1') },
    })
    expect(await nextEvent()).toEqual({ type: 'resumed' })
    expect(await nextEvent()).toEqual(assigned)
  })

  it('passes any other failure on', async () => {
    const error = new MillraceError('MR_FENCED', 'a twin')
    choosing(['streams'], { streams: [error] })
    await member.join()
    expect(await nextEvent()).toEqual({ type: 'failed', error })
  })

  it('fails if the group cannot be asked, and wakes its thread', async () => {
    const unreachable = new MillraceError('MR_LOG_UNREACHABLE', 'no broker')
    choosing([unreachable])
    let woken = 0
    member.onEvent(() => woken++)
    await member.join()
    expect(woken).toBe(1)
    expect(await nextEvent()).toEqual({ type: 'failed', error: unreachable })
  })

  it('has no identity before it joins, and is fenced until it knows its protocol', async () => {
    const { promise, resolve } = Promise.withResolvers<GroupProtocol>()
    open({ protocol: () => promise, members: async () => [] })
    expect(member.identity()).toBeUndefined()
    const joining = member.join()
    expect(() => member.identity()).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
    resolve('streams')
    await joining
    expect(member.identity()).toMatchObject({ memberId: 'id', memberEpoch: 1 })
  })

  it('loses its tasks if the group changes while it is a member, and joins again by the other protocol', async () => {
    const done = choosing(['classic', 'streams'])
    await member.join()
    expect(await nextEvent()).toEqual(assigned)
    member.fail(refusal)
    expect(() => member.identity()).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
    member.acknowledge()
    expect(await nextEvent()).toMatchObject({ type: 'lost' })
    expect(await nextEvent()).toEqual(assigned)
    expect(done.slice(2)).toEqual(['classic fails', 'classic leaves as id', 'streams prepares', 'streams enters'])
  })

  it('joins no more once it has left, whatever the group answers then', async () => {
    const { promise, resolve } = Promise.withResolvers<GroupProtocol>()
    const done = open({ protocol: () => promise, members: async () => [] })
    const joining = member.join()
    await member.leave()
    resolve('streams')
    await joining
    expect(done).toEqual([])
    expect(member.nextEvent()).toBeUndefined()
  })
})
