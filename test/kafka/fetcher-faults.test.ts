import { describe, expect, test } from 'vitest'
import { Fetcher } from '../../src/kafka/fetch/fetcher.ts'
import type { FetchRequest, FetchResponse, FetchedPartition } from '../../src/kafka/fetch/fetch-api.ts'
import type { Quiet } from '../../src/log/log.ts'
import { CRC_AT } from '../../src/kafka/records/batch-header.ts'
import { readTo } from './record-path.ts'
import { batchOf } from './records/batches.ts'
import { ScriptedCluster, fetched } from './scripted-cluster.ts'

const NOT_LEADER = 6
const FENCED_LEADER_EPOCH = 74
const UNKNOWN_TOPIC_OR_PARTITION = 3
const TOPIC_AUTHORIZATION_FAILED = 29
const UNKNOWN_TOPIC_ID = 100
const UNKNOWN_SERVER_ERROR = -1

const log = ['a', 'b', 'c', 'd'].map((value, offset) => batchOf([value], { baseOffset: offset }))

/** Responds like a broker that has `log` in each partition; never, if there is nothing to send. */
function serve(request: FetchRequest): FetchResponse | Promise<FetchResponse> {
  const positions = request.topics.get('t') ?? []
  const partitions = positions
    .filter(({ fetchOffset }) => fetchOffset < log.length)
    .map(({ partition, fetchOffset }) =>
      fetched(partition, { lastStableOffset: log.length, records: log[fetchOffset]! }),
    )
  return partitions.length === 0 ? new Promise(() => undefined) : { errorCode: 0, partitions }
}

async function valuesTo(reader: Fetcher, end: number): Promise<(string | null)[]> {
  return (await readTo(reader, [['t', 0, end]])).get('t-0')!.map(({ value }) => value)
}

describe('reading goes on after', () => {
  test.each([
    ['a lost connection', 'lost'],
    ['a leader that moved', NOT_LEADER],
    ['a fenced leader epoch', FENCED_LEADER_EPOCH],
    ['a partition not known yet', UNKNOWN_TOPIC_OR_PARTITION],
    ['an error of the broker', UNKNOWN_SERVER_ERROR],
  ] as const)('%s', async (_, fault) => {
    const cluster = new ScriptedCluster({
      fetch: (request, number) => {
        if (number % 3 !== 1) return serve(request)
        return fault === 'lost' ? 'lost' : { errorCode: 0, partitions: [fetched(0, { errorCode: fault })] }
      },
    })
    const reader = new Fetcher(cluster)
    reader.assign('t', 0, 0)
    expect(await valuesTo(reader, 4)).toEqual(['a', 'b', 'c', 'd'])
    reader.close()
  })

  test('a leader that moved, at the new leader', async () => {
    const asked: number[] = []
    const cluster = new ScriptedCluster({
      fetch: (request, _, broker) => {
        asked.push(broker)
        return broker === 1 ? { errorCode: 0, partitions: [fetched(0, { errorCode: NOT_LEADER })] } : serve(request)
      },
    })
    cluster.onRefresh = () => {
      if (asked.length > 0) cluster.leader = 2
    }
    const reader = new Fetcher(cluster)
    reader.assign('t', 0, 0)
    expect(await valuesTo(reader, 4)).toEqual(['a', 'b', 'c', 'd'])
    expect(asked[0]).toBe(1)
    expect(asked.at(-1)).toBe(2)
    reader.close()
  })
})

test('a topic that was deleted and created again is not read on at the old position', async () => {
  const cluster = new ScriptedCluster({
    fetch: async () => {
      while (cluster.topicId === 'first') await new Promise(setImmediate)
      return { errorCode: 0, partitions: [fetched(0, { topicId: 'first', errorCode: UNKNOWN_TOPIC_ID })] }
    },
  })
  cluster.topicId = 'first'
  const reader = new Fetcher(cluster)
  reader.assign('t', 0, 2)
  while (cluster.mostInFlight === 0) await new Promise(setImmediate)
  cluster.topicId = 'second'
  await new Promise<void>((resolve) => reader.onReady(resolve))
  expect(() => reader.poll(() => expect.unreachable())).toThrow(
    expect.objectContaining({ code: 'MR_TOPIC_REPLACED', topic: 't', partition: 0, offset: 2 }),
  )
  reader.close()
})

describe('a response to an earlier request is dropped', () => {
  test('when the partition was assigned again meanwhile', async () => {
    let answer: () => void = () => undefined
    const cluster = new ScriptedCluster({
      fetch: async (request, number) => {
        if (number === 0) await new Promise<void>((resolve) => (answer = resolve))
        return serve(request)
      },
    })
    const reader = new Fetcher(cluster)
    reader.assign('t', 0, 0)
    while (cluster.inFlight === 0) await new Promise(setImmediate)
    reader.assign('t', 0, 2)
    answer()
    expect(await valuesTo(reader, 4)).toEqual(['c', 'd'])
    reader.close()
  })
})

test('a partition assigned while a long poll is under way does not wait for it', async () => {
  const cluster = new ScriptedCluster({ fetch: (request) => serve(request) })
  const reader = new Fetcher(cluster)
  reader.assign('t', 1, log.length)
  while (cluster.inFlight === 0) await new Promise(setImmediate)
  reader.assign('t', 0, 0)
  expect(await valuesTo(reader, 4)).toEqual(['a', 'b', 'c', 'd'])
  reader.close()
})

test('no more than two requests a broker are under way', async () => {
  const cluster = new ScriptedCluster({ fetch: (request) => serve(request) })
  const reader = new Fetcher(cluster)
  for (let partition = 1; partition < 10; partition++) {
    reader.assign('t', partition, log.length)
    await new Promise(setImmediate)
  }
  expect(cluster.mostInFlight).toBe(2)
  reader.close()
})

test('a corrupt batch is an error after the records before it, and only there', async () => {
  const damaged = Buffer.from(log[2]!)
  damaged.writeUInt32BE(0, CRC_AT)
  const cluster = new ScriptedCluster({
    fetch: (request, number) =>
      number === 0
        ? {
            errorCode: 0,
            partitions: [fetched(0, { records: log[0]! }), fetched(1, { records: Buffer.concat([damaged]) })],
          }
        : serve(request),
  })
  const reader = new Fetcher(cluster)
  reader.assign('t', 0, 0)
  reader.assign('t', 1, 2)
  await new Promise<void>((resolve) => reader.onReady(resolve))
  const seen: string[] = []
  expect(() => reader.poll((_, partition, cursor) => seen.push(`${partition}@${cursor.endOffset}`))).toThrow(
    expect.objectContaining({ code: 'MR_CORRUPT_BATCH', topic: 't', partition: 1, offset: 2 }),
  )
  expect(seen).toEqual(['0@1'])
  expect(reader.position('t', 1)).toBe(2)
  reader.unassign('t', 1)
  expect(await valuesTo(reader, 4)).toEqual(['b', 'c', 'd'])
  reader.close()
})

test('a response without a whole batch is an error, not an endless loop', async () => {
  const cluster = new ScriptedCluster({
    fetch: () => ({ errorCode: 0, partitions: [fetched(0, { records: log[0]!.subarray(0, 40) })] }),
  })
  const reader = new Fetcher(cluster)
  reader.assign('t', 0, 0)
  await new Promise<void>((resolve) => reader.onReady(resolve))
  expect(() => reader.poll(() => expect.unreachable())).toThrow(expect.objectContaining({ code: 'MR_CORRUPT_BATCH' }))
  reader.close()
})

test('a refusal is an error with its place', async () => {
  const cluster = new ScriptedCluster({
    fetch: () => ({ errorCode: 0, partitions: [fetched(0, { errorCode: TOPIC_AUTHORIZATION_FAILED })] }),
  })
  const reader = new Fetcher(cluster)
  reader.assign('t', 0, 0)
  await new Promise<void>((resolve) => reader.onReady(resolve))
  expect(() => reader.poll(() => expect.unreachable())).toThrow(
    expect.objectContaining({
      code: 'MR_AUTHORIZATION',
      topic: 't',
      partition: 0,
      message: expect.stringContaining('TOPIC_AUTHORIZATION_FAILED'),
    }),
  )
  reader.close()
})

test('a paused partition keeps its error back', async () => {
  const cluster = new ScriptedCluster({ fetch: () => ({ errorCode: 0, partitions: [fetched(0, { errorCode: 1 })] }) })
  const reader = new Fetcher(cluster)
  reader.assign('t', 0, 7)
  reader.pause('t', 0)
  while (cluster.inFlight > 0 || cluster.mostInFlight === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(reader.poll(() => expect.unreachable())).toBe(0)
  let woken = 0
  reader.onReady(() => woken++)
  expect(woken).toBe(0)
  reader.resume('t', 0)
  expect(woken).toBe(1)
  expect(() => reader.poll(() => expect.unreachable())).toThrow(
    expect.objectContaining({ code: 'MR_OFFSET_OUT_OF_RANGE', offset: 7 }),
  )
  reader.close()
})

describe('a partition counts as quiet', () => {
  async function quietAfter(answers: readonly (Partial<FetchedPartition> | 'lost')[]): Promise<Quiet | undefined> {
    let asked = 0
    const cluster = new ScriptedCluster({
      fetch: (_request, number) => {
        asked++
        const answer = answers[number]
        if (answer === undefined) return new Promise(() => undefined)
        return answer === 'lost' ? 'lost' : { errorCode: 0, partitions: [fetched(0, answer)] }
      },
    })
    const reader = new Fetcher(cluster)
    reader.assign('t', 0, 4)
    await expect.poll(() => asked).toBeGreaterThan(answers.length)
    const quiet = reader.quiet('t', 0)
    reader.close()
    return quiet
  }
  const nothing = { lastStableOffset: 4, highWatermark: 4 }

  test('from the first fetch that found its end to the last one', async () => {
    const quiet = await quietAfter([nothing, nothing])
    expect(quiet?.until).toBeGreaterThanOrEqual(quiet?.since ?? Infinity)
  })

  test.each([
    ['there are records of an open transaction', [nothing, { lastStableOffset: 4, highWatermark: 5 }]],
    ['the last fetch failed', [nothing, { errorCode: UNKNOWN_SERVER_ERROR }]],
    ['the last connection was lost', [nothing, 'lost']],
    ['no fetch has succeeded', []],
  ] as const)('not while %s', async (_what, answers) => {
    expect(await quietAfter(answers)).toBeUndefined()
  })
})
