import { describe, expect, it } from 'vitest'
import { encodeAssignment, encodeSubscription } from '../../../src/kafka/group/classic/consumer-protocol.ts'
import {
  decodeAssigned,
  decodeMember,
  encodeAssigned,
  encodeMember,
  taskSetOf,
  topologyHash,
} from '../../../src/kafka/group/classic/user-data.ts'
import type { AssignmentData, MemberData } from '../../../src/kafka/group/classic/user-data.ts'
import { internalTopic, subtopology } from '../../log/log-harness.ts'

const active = taskSetOf([0, 1, 7].map((partition) => ({ subtopology: 0, partition })))
const standby = taskSetOf([{ subtopology: 12, partition: 3 }])

const member: MemberData = {
  processId: 'process',
  clientId: 'client',
  topology: 'hash',
  generation: 4,
  claimed: { active, standby },
  stored: standby,
  standbyReplicas: 1,
  isShuttingDown: true,
  request: 2,
  endpoint: undefined,
}

const assigned: AssignmentData = {
  topology: 'hash',
  topics: 'other hash',
  tasks: { active, standby },
  mustRejoin: true,
  isTransitional: true,
  isShuttingDown: false,
  problem: { type: 'waiting', code: 'MR_TOPIC_UNKNOWN', message: 'no such topic', topic: 'orders', hint: undefined },
  endpoints: undefined,
}

const routes = [
  { endpoint: '10.0.0.5:8080', active: [...active.values()], standby: [] },
  { endpoint: '[2001:db8::1]:8080', active: [], standby: [...standby.values()] },
]

const unreadable = expect.objectContaining({ code: 'MR_GROUP_PROTOCOL', hint: expect.any(String) })

describe('data that members and leader of a classic group exchange', () => {
  it('is read as it was written', () => {
    expect(decodeMember(encodeSubscription(['a', 'ü'], encodeMember(member)))).toEqual(member)
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'b', partition: 1 },
      { topic: 'a', partition: 1 },
    ]
    expect(decodeAssigned(encodeAssignment(partitions, encodeAssigned(assigned)))).toEqual(assigned)
  })

  it('has the endpoints of the members that advertise one, with their tasks', () => {
    const advertising = { ...member, endpoint: '10.0.0.5:8080' }
    expect(decodeMember(encodeSubscription([], encodeMember(advertising)))).toEqual(advertising)
    const routed = { ...assigned, endpoints: routes }
    expect(decodeAssigned(encodeAssignment([], encodeAssigned(routed)))).toEqual(routed)
  })

  it('is that of earlier versions for members that advertise nothing, and is read with fields of later ones', () => {
    // What a version without endpoints writes.
    const ofMember =
      '{"version":1,"process":"process","client":"client","topology":"hash","generation":4,"active":{"0":[0,1,7]},' +
      '"standby":{"12":[3]},"stored":{"12":[3]},"replicas":1,"shutdown":true,"request":2}'
    const ofLeader =
      '{"version":1,"topology":"hash","active":{"0":[0,1,7]},"standby":{"12":[3]},"topics":"other hash",' +
      '"rejoin":true,"transitional":true,"shutdown":false,"problem":{"type":"waiting","code":"MR_TOPIC_UNKNOWN",' +
      '"message":"no such topic","topic":"orders"}}'
    expect(encodeMember(member).toString()).toBe(ofMember)
    expect(encodeAssigned(assigned).toString()).toBe(ofLeader)
    const later = (text: string) => Buffer.from(text.replace('{', '{"later":[{"unknown":1}],'))
    expect(decodeMember(encodeSubscription([], later(ofMember)))).toEqual(member)
    expect(decodeAssigned(encodeAssignment([], later(ofLeader)))).toEqual(assigned)
  })

  it("is in the envelopes of Kafka's own consumers, so that Kafka's tools can read them", () => {
    const userData = Buffer.from('data')
    // ConsumerProtocolSubscription: version 0, [topics], user data.
    expect(encodeSubscription(['ab'], userData).toString('hex')).toBe('0000000000010002616200000004' + '64617461')
    // ConsumerProtocolAssignment: version 0, [topic [partitions]], user data.
    const partitions = [
      { topic: 'ab', partition: 1 },
      { topic: 'ab', partition: 2 },
    ]
    expect(encodeAssignment(partitions, userData).toString('hex')).toBe(
      '0000' + '00000001' + '00026162' + '00000002' + '00000001' + '00000002' + '00000004' + '64617461',
    )
  })

  it('is refused if it is of another version, or something else', () => {
    const subscription = (text: string) => encodeSubscription([], Buffer.from(text))
    const later = encodeMember(member).toString().replace('"version":1', '"version":2')
    expect(() => decodeMember(subscription(later))).toThrow(unreadable)
    expect(() => decodeMember(subscription('not JSON'))).toThrow(unreadable)
    expect(() => decodeMember(subscription('{"version":1}'))).toThrow(unreadable)
    expect(() => decodeMember(Buffer.alloc(0))).toThrow(unreadable)
    expect(() => decodeMember(Buffer.alloc(3, 1))).toThrow(unreadable)
    expect(() => decodeAssigned(Buffer.from('000000000005', 'hex'))).toThrow(unreadable)
    const wrong = encodeAssigned(assigned).toString().replace('{', '{"endpoints":{},')
    expect(() => decodeAssigned(encodeAssignment([], Buffer.from(wrong)))).toThrow(unreadable)
  })
})

describe('the hash of a topology', () => {
  const topics = [
    ['cleanup.policy', 'compact'],
    ['retention.ms', '1'],
  ] as const

  it('is the same whatever the order of topics and configs', () => {
    const one = [
      subtopology(0, ['a', 'b'], { changelogTopics: [internalTopic('c', 0, topics)] }),
      subtopology(1, ['d']),
    ]
    const two = [
      subtopology(1, ['d']),
      subtopology(0, ['b', 'a'], { changelogTopics: [internalTopic('c', 0, topics.toReversed())] }),
    ]
    expect(topologyHash(one)).toBe(topologyHash(two))
  })

  it('is different for another source, store or partition count', () => {
    const hashes = [
      [subtopology(0, ['a'])],
      [subtopology(0, ['b'])],
      [subtopology(0, ['a'], { changelogTopics: [internalTopic('c')] })],
      [subtopology(0, ['a'], { changelogTopics: [internalTopic('c', 3)] })],
      [subtopology(0, ['a']), subtopology(1, ['b'])],
    ].map(topologyHash)
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})
