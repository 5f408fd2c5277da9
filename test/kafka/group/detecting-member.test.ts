import { describe, expect, it } from 'vitest'
import { MillraceError } from '../../../src/errors/millrace-error.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import { DetectingMember } from '../../../src/kafka/group/detecting-member.ts'
import type { GroupProtocol } from '../../../src/kafka/group/member/detect-protocol.ts'
import type { KafkaMember } from '../../../src/kafka/group/member/kafka-member.ts'
import { foreignGroup } from '../../../src/kafka/group/member/member-errors.ts'
import { kafkaErrors } from '../../../src/kafka/protocol/errors.ts'
import type { GroupEvent } from '../../../src/group/group.ts'
import { until } from '../../log/log-harness.ts'

const refusal = foreignGroup('group', kafkaErrors.inconsistentGroupProtocol)
const assigned: GroupEvent = { type: 'assigned', active: [], standby: [] }

class FakeMember implements KafkaMember {
  readonly events: GroupEvent[]
  readonly done: string[] = []

  constructor(events: GroupEvent[]) {
    this.events = events
  }

  join(): void {
    this.done.push('join')
  }

  nextEvent(): GroupEvent | undefined {
    return this.events.shift()
  }

  onEvent(wake: (() => void) | undefined): void {
    this.done.push(wake === undefined ? 'unheard' : 'heard')
  }

  leave(): void {
    this.done.push('leave')
  }

  acknowledge(): void {}
  shutdownApplication(): void {}
  requireOwned(): void {}
  async renewEpoch(): Promise<void> {}
  expelled(): void {}
  identity() {
    return { memberId: 'id', memberEpoch: 1 }
  }
}

const cluster = { options: clusterOptions({ brokers: 'nowhere:1' }), closed: new AbortController().signal }

/** Makes a member of a group that has `protocols`, one after the other. `members` are what it makes by protocol. */
function detecting(
  protocols: (GroupProtocol | MillraceError)[],
  members: Record<GroupProtocol, FakeMember>,
  alive: (readonly string[])[] = [],
) {
  return new DetectingMember(cluster, {
    groupId: 'group',
    protocol: async () => {
      const protocol = protocols.length > 1 ? protocols.shift() : protocols[0]
      if (protocol === undefined || protocol instanceof MillraceError) throw protocol ?? new Error('no protocol')
      return protocol
    },
    members: async () => alive.shift() ?? [],
    speaking: (protocol) => members[protocol],
  })
}

const nextOf = (member: DetectingMember) => until('an event', () => member.nextEvent())

describe('a member that speaks the protocol of its group', () => {
  it('speaks the other protocol if the group has changed before it was in', async () => {
    const classic = new FakeMember([{ type: 'failed', error: refusal }])
    const streams = new FakeMember([assigned])
    const member = detecting(['classic', 'streams'], { classic, streams })
    member.onEvent(() => undefined)
    await member.join()
    expect(await nextOf(member)).toBe(assigned)
    expect(classic.done).toEqual(['heard', 'join', 'unheard', 'leave'])
    expect(streams.done).toEqual(['heard', 'join'])
  })

  it('fails if the group still refuses it though it has no members', async () => {
    const failed: GroupEvent = { type: 'failed', error: refusal }
    const classic = new FakeMember([failed, failed])
    const member = detecting(['classic'], { classic, streams: new FakeMember([]) })
    await member.join()
    expect(await nextOf(member)).toEqual({ type: 'failed', error: refusal })
  })

  it('fails at once if the brokers do not have the protocol of its options, even if there are members', async () => {
    const unknown = new MillraceError('MR_GROUP_PROTOCOL', 'not known')
    const streams = new FakeMember([{ type: 'failed', error: unknown }])
    const member = detecting(['streams'], { classic: new FakeMember([]), streams }, [['somebody']])
    await member.join()
    expect(await nextOf(member)).toEqual({ type: 'failed', error: unknown })
  })

  it('waits for members of another kind, names them once, and then speaks what the group has become', async () => {
    const failed: GroupEvent = { type: 'failed', error: refusal }
    const classic = new FakeMember([failed, failed])
    const streams = new FakeMember([assigned])
    const members = [['java on /10.0.0.1'], ['java on /10.0.0.1']]
    const member = detecting(['classic', 'classic', 'classic', 'classic', 'streams'], { classic, streams }, members)
    await member.join()
    expect(await nextOf(member)).toMatchObject({
      type: 'waiting',
      error: { code: 'MR_GROUP_PROTOCOL', message: expect.stringContaining('java on /10.0.0.1') },
    })
    expect(await nextOf(member)).toBe(assigned)
    expect(streams.done).toEqual(['unheard', 'join'])
  })

  it('passes any other failure on', async () => {
    const failed: GroupEvent = { type: 'failed', error: new MillraceError('MR_FENCED', 'a twin') }
    const member = detecting(['streams'], { classic: new FakeMember([]), streams: new FakeMember([failed]) })
    await member.join()
    expect(await nextOf(member)).toBe(failed)
  })

  it('fails if the group cannot be asked, and wakes its thread', async () => {
    const unreachable = new MillraceError('MR_LOG_UNREACHABLE', 'no broker')
    const member = detecting([unreachable], { classic: new FakeMember([]), streams: new FakeMember([]) })
    let woken = 0
    member.onEvent(() => woken++)
    await member.join()
    expect(woken).toBe(1)
    expect(await nextOf(member)).toEqual({ type: 'failed', error: unreachable })
  })

  it('has no identity before it joins, and is fenced until it knows its protocol', async () => {
    const { promise, resolve } = Promise.withResolvers<GroupProtocol>()
    const member = new DetectingMember(cluster, {
      groupId: 'group',
      protocol: () => promise,
      members: async () => [],
      speaking: () => new FakeMember([]),
    })
    expect(member.identity()).toBeUndefined()
    const joining = member.join()
    expect(() => member.identity()).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
    resolve('streams')
    await joining
    expect(member.identity()).toEqual({ memberId: 'id', memberEpoch: 1 })
  })
})
