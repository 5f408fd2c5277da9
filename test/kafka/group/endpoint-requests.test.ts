import { Reader } from '@platformatic/kafka'
import type { API, Writer } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { TaskOfPartition } from '../../../src/kafka/group/member/tasks.ts'
import { streamsGroupDescribe } from '../../../src/kafka/protocol/streams-group-describe.ts'
import { streamsGroupHeartbeat } from '../../../src/kafka/protocol/streams-group-heartbeat.ts'
import { internalTopic, subtopology } from '../../log/log-harness.ts'

/** The two halves of a request: its bytes, and what the bytes of an answer mean. */
function halvesOf<A extends unknown[], R>(api: API<A, R>, ...args: A) {
  let bytes = ''
  let read: (hex: string) => R = () => expect.unreachable()
  const connection = {
    send: (key: number, version: number, create: () => Writer, parse: (...given: unknown[]) => R) => {
      bytes = create().buffer.toString('hex')
      read = (hex) => parse(0, key, version, Reader.from(Buffer.from(hex, 'hex')))
    },
  }
  const call = api as unknown as (connection: object, ...args: A) => void
  call(connection, ...args)
  return { bytes, read }
}

const beat = {
  groupId: 'g',
  memberId: 'm',
  memberEpoch: 3,
  endpointEpoch: 7,
  join: undefined,
  endpoint: undefined,
  tasks: undefined,
  shutdownApplication: false,
}
const join = { rebalanceTimeoutMs: 1000, processId: 'p', topologyEpoch: 0, subtopologies: [] }
const noTasks = { active: [], standby: [], warmup: [] }

function joinOf(endpoint: string | undefined): string {
  const request = { ...beat, memberEpoch: 0, endpointEpoch: -1, join, endpoint, tasks: noTasks }
  return halvesOf(streamsGroupHeartbeat, request).bytes
}

// The bytes are those that the Java classes of Kafka 4.3 write.
describe('a heartbeat of a streams group', () => {
  it('has the endpoint only if the coordinator does not know it', () => {
    const head = '0267026d00000000ffffffff0000000003e801000000000100010101' + '0270'
    expect(joinOf(undefined)).toBe(`${head}ff0100000000`)
    expect(joinOf('10.0.0.5:8080')).toBe(`${head}010931302e302e302e351f90000100000000`)
    expect(joinOf('[2001:db8::1]:65535')).toBe(`${head}010c323030313a6462383a3a31ffff000100000000`)
    expect(halvesOf(streamsGroupHeartbeat, beat).bytes).toBe(
      '0267026d00000003000000070000ffffffffff00000000ff0000000000',
    )
  })

  it('is answered with the endpoints of all members, or with none if their epoch is known', () => {
    const { read } = halvesOf(streamsGroupHeartbeat, beat)
    const head = '00000000000000026d0000000300001388000000000000000001' + '00000000000008'
    expect(read(`${head}0000`)).toMatchObject({ endpointEpoch: 8, endpoints: undefined, tasks: undefined })
    const endpoints =
      '030931302e302e302e351f900003026103000000000000000200026202000000010001000c' +
      '323030313a6462383a3a31ffff00010202620200000001000000'
    expect(read(head + endpoints)).toMatchObject({
      endpointEpoch: 8,
      endpoints: [
        {
          endpoint: '10.0.0.5:8080',
          active: [
            { topic: 'a', partitions: [0, 2] },
            { topic: 'b', partitions: [1] },
          ],
          standby: [],
        },
        { endpoint: '[2001:db8::1]:65535', active: [], standby: [{ topic: 'b', partitions: [1] }] },
      ],
    })
  })
})

describe('the description of a streams group', () => {
  it('has the endpoints of the members that advertise one', () => {
    const [group] = halvesOf(streamsGroupDescribe, ['g']).read(
      '0000000002000000026707537461626c650000000100000001ff03026d0000000300000263032f68000000000270ff01010102023002' +
        '00000001000101000202300200000001000101000000026e0000000300000263032f68000000000270010c323030313a6462383a3a31' +
        '1f90000101010202300200000001000101000202300200000001000101000000800000000000',
    )
    expect(group!.members.map(({ memberId, endpoint }) => [memberId, endpoint])).toEqual([
      ['m', undefined],
      ['n', '[2001:db8::1]:8080'],
    ])
    expect(group!.members[1]!.assignment.active).toEqual([{ subtopologyId: '0', partitions: [1] }])
  })
})

describe('partitions that the coordinator lists for an endpoint', () => {
  const topology = [
    subtopology(0, ['a', 'b']),
    subtopology(1, [], { repartitionSourceTopics: [internalTopic('app-by-user-repartition')] }),
  ]

  it('become the tasks that read them, each once and in order', () => {
    const active = [
      { topic: 'app-by-user-repartition', partitions: [3] },
      { topic: 'b', partitions: [2, 10] },
      { topic: 'a', partitions: [10, 9, 2] },
      { topic: 'of another topology', partitions: [0] },
    ]
    const [route] = new TaskOfPartition(topology).routes([{ endpoint: 'h:1', active, standby: [] }])
    expect(route).toEqual({
      endpoint: 'h:1',
      active: [
        { subtopology: 0, partition: 2 },
        { subtopology: 0, partition: 9 },
        { subtopology: 0, partition: 10 },
        { subtopology: 1, partition: 3 },
      ],
      standby: [],
    })
  })
})
