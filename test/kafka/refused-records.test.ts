import { describe, expect, test } from 'vitest'
import type { AppendOrigin, Refusal, Replacement } from '../../src/log/refusal.ts'
import { KafkaProducer } from '../../src/kafka/produce/producer.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import { Headers } from '../../src/record/headers.ts'
import { CountingSession, ScriptedCluster } from './scripted-cluster.ts'
import type { ProduceAnswer, SentBatch } from './scripted-cluster.ts'
import { sliceOf } from '../record/slice-of.ts'

const MESSAGE_TOO_LARGE = 10
const INVALID_TIMESTAMP = 32
const POLICY_VIOLATION = 44
const TOPIC_AUTHORIZATION_FAILED = 29

/** Refuses the records whose values begin with `bad`. @param names whether the response names them */
function refusing(errorCode: number, names: boolean): (batches: readonly SentBatch[]) => ProduceAnswer {
  return (batches) => {
    const [{ values }] = batches as [SentBatch]
    const bad = values.flatMap((value, index) => (value?.startsWith('bad') === true ? [index] : []))
    if (bad.length === 0) return 0
    return { errorCode, recordErrors: names ? bad.map((index) => ({ index, text: `record ${index}` })) : [] }
  }
}

class Asked implements AppendOrigin {
  readonly refusals: (Refusal & { readonly place: number })[] = []
  readonly #answer: (refusal: Refusal) => MaybePromise<Replacement | undefined>

  constructor(answer: (refusal: Refusal) => MaybePromise<Replacement | undefined> = () => undefined) {
    this.#answer = answer
  }

  refused(refusal: Refusal, place: number): MaybePromise<Replacement | undefined> {
    this.refusals.push({ ...refusal, place })
    return this.#answer(refusal)
  }
}

function appendFrom(producer: KafkaProducer, value: string, place: number, origin?: AppendOrigin): void {
  const bytes = Buffer.from(value)
  producer.append('t', 0, sliceOf(1000, bytes, [-1, -1], [0, bytes.length]), origin, place)
}

function written(cluster: ScriptedCluster): string[] {
  return cluster.log.flatMap(({ values }) => values.map(String))
}

const values = Array.from({ length: 16 }, (_, i) => (i === 0 || i === 5 || i === 15 ? `bad ${i}` : `${i}`))
const good = values.filter((value) => !value.startsWith('bad'))

describe.each([
  ['named by the broker', INVALID_TIMESTAMP, true],
  ['found by size alone', MESSAGE_TOO_LARGE, false],
  ['found by trying its parts', POLICY_VIOLATION, false],
] as const)('records of a batch that are refused, %s,', (_how, errorCode, names) => {
  test('are asked about once, each with its place, while the others are written in order without a gap', async () => {
    const cluster = new ScriptedCluster({ produce: refusing(errorCode, names) })
    const producer = new KafkaProducer(cluster, new CountingSession())
    const [even, odd] = [new Asked(), new Asked()]
    for (const [place, value] of values.entries()) appendFrom(producer, value, place, place % 2 === 0 ? even : odd)
    await producer.flush()
    appendFrom(producer, 'next', 16, even)
    await producer.flush()
    expect(even.refusals.map(({ place, value }) => [place, value?.toString()])).toEqual([[0, 'bad 0']])
    expect(odd.refusals.map(({ place }) => place)).toEqual([5, 15])
    if (names) expect(odd.refusals[0]!.why.text).toBe('INVALID_TIMESTAMP, record 5')
    // The scripted broker refuses sequence numbers with a gap.
    expect(written(cluster)).toEqual([...good, 'next'])
    expect(new Set(cluster.log.map(({ producerId }) => producerId))).toEqual(new Set([100]))
    producer.close()
  })
})

test('a flush waits for what is decided, and for what is written instead', async () => {
  const cluster = new ScriptedCluster({ produce: refusing(INVALID_TIMESTAMP, true) })
  const producer = new KafkaProducer(cluster, new CountingSession())
  const decision = Promise.withResolvers<Replacement | undefined>()
  const origin = new Asked(() => decision.promise)
  appendFrom(producer, 'bad', 0, origin)
  let flushed = false
  const flush = Promise.resolve(producer.flush()).then(() => (flushed = true))
  await expect.poll(() => origin.refusals.length).toBe(1)
  await new Promise(setImmediate)
  expect(flushed).toBe(false)
  const value = Buffer.from('instead')
  decision.resolve({ topic: 't', partition: 1, timestamp: 1, key: null, value, headers: new Headers() })
  await flush
  expect(cluster.log.map(({ partition, values: [first] }) => [partition, first])).toEqual([[1, 'instead']])
  producer.close()
})

test('what an origin throws ends the producer, until it is discarded', async () => {
  const cluster = new ScriptedCluster({ produce: refusing(INVALID_TIMESTAMP, true) })
  const producer = new KafkaProducer(cluster, new CountingSession())
  const stop = new TypeError('stop')
  const origin = new Asked(() => {
    throw stop
  })
  appendFrom(producer, 'bad', 0, origin)
  const error = { code: 'MR_PRODUCE', cause: stop }
  await expect(Promise.resolve(producer.flush())).rejects.toMatchObject(error)
  expect(() => appendFrom(producer, 'more', 1, origin)).toThrow(expect.objectContaining(error) as Error)
  await producer.discard()
  appendFrom(producer, 'again', 2, origin)
  await producer.flush()
  expect(written(cluster)).toContain('again')
  producer.close()
})

/** Accepts batches up to a generation, like a transaction that is being committed. */
class Sealed extends CountingSession {
  last = 0

  override accepts(generation = 0): boolean {
    return generation <= this.last
  }
}

test('what follows a commit stays out of its transaction, also after a record that is refused unsent', async () => {
  const cluster = new ScriptedCluster({})
  const session = new Sealed()
  const producer = new KafkaProducer(cluster, session, { maxRequestSize: 200, batchBytes: 100 })
  const origin = new Asked()
  appendFrom(producer, 'x'.repeat(500), 0, origin)
  const flushed = producer.flush()
  // The first of two records fills a batch, which waits after the refused one.
  for (const value of ['next 1', 'next 2']) appendFrom(producer, value.padEnd(60), 1, origin)
  await flushed
  await new Promise(setImmediate)
  expect(origin.refusals.map(({ place }) => place)).toEqual([0])
  expect(written(cluster)).toEqual([])
  session.last = 1
  producer.resume()
  await producer.flush()
  expect(written(cluster).map((value) => value.trim())).toEqual(['next 1', 'next 2'])
  producer.close()
})

test('nothing is written of what was discarded while it was decided about', async () => {
  const cluster = new ScriptedCluster({ produce: refusing(INVALID_TIMESTAMP, true) })
  const producer = new KafkaProducer(cluster, new CountingSession())
  const decision = Promise.withResolvers<Replacement | undefined>()
  const origin = new Asked(() => decision.promise)
  appendFrom(producer, 'bad', 0, origin)
  const flush = Promise.resolve(producer.flush()).catch(() => 'discarded')
  await expect.poll(() => origin.refusals.length).toBe(1)
  await producer.discard()
  expect(origin.refusals[0]!.signal!.aborted).toBe(true)
  const value = Buffer.from('instead')
  decision.resolve({ topic: 't', partition: 1, timestamp: 1, key: null, value, headers: new Headers() })
  expect(await flush).toBe('discarded')
  appendFrom(producer, 'again', 1, origin)
  await producer.flush()
  expect(written(cluster).filter((each) => each === 'instead')).toEqual([])
  producer.close()
})

test('nobody is asked about a record that is refused with its whole topic', async () => {
  const cluster = new ScriptedCluster({ produce: () => TOPIC_AUTHORIZATION_FAILED })
  const producer = new KafkaProducer(cluster, new CountingSession())
  const origin = new Asked()
  appendFrom(producer, 'any', 0, origin)
  await expect(Promise.resolve(producer.flush())).rejects.toMatchObject({ apiName: 'TOPIC_AUTHORIZATION_FAILED' })
  expect(origin.refusals).toEqual([])
  producer.close()
})
