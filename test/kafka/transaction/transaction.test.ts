import type { API } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import type { ClusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import { connectionLost } from '../../../src/kafka/protocol/errors.ts'
import type { TransactionCluster } from '../../../src/kafka/transaction/transaction-requests.ts'
import { Transaction } from '../../../src/kafka/transaction/transaction.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/clock.ts'
import { ManualClock } from '../../../src/platform/manual-clock.ts'

const initProducerId = 22
const addPartitions = 24
const addOffsets = 25
const endTxn = 26
const describeTransactions = 65

const COORDINATOR_NOT_AVAILABLE = 15
const TOPIC_AUTHORIZATION_FAILED = 29
const PRODUCER_FENCED = 90
const INVALID_TXN_STATE = 48
const INVALID_PRODUCER_ID_MAPPING = 49
const CONCURRENT_TRANSACTIONS = 51
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53
const OPERATION_NOT_ATTEMPTED = 55
const UNKNOWN_SERVER_ERROR = -1

type Answer = number | 'lost'
interface WireTopic {
  readonly name: string
  readonly partitions: readonly number[]
}

/** A coordinator with scripted answers to the requests of each API, in order. Later answers have no error. */
class ScriptedCoordinator implements TransactionCluster {
  readonly options: ClusterOptions
  readonly closed = new AbortController().signal
  /** API key and producer epoch of each request. */
  readonly requests: (readonly [api: number, epoch: number])[] = []
  added: readonly WireTopic[] = []
  state = 'CompleteAbort'
  readonly #answers: Readonly<Record<number, readonly (Answer | readonly number[])[]>>
  #epoch = -1

  constructor(
    answers: Readonly<Record<number, readonly (Answer | readonly number[])[]>> = {},
    clock: Clock = systemClock,
  ) {
    this.#answers = answers
    this.options = clusterOptions({ brokers: 'scripted:1', apiTimeout: 300, clock })
  }

  async coordinator(): Promise<number> {
    return 1
  }

  forgetCoordinator(): void {}

  async send<A extends unknown[], R>(_broker: number, _lane: string, api: API<A, R>, ...args: A): Promise<R> {
    const earlier = this.requests.filter(([key]) => key === api.key).length
    this.requests.push([api.key, epochOf(api.key, args)])
    const answer = this.#answers[api.key]?.[earlier] ?? 0
    if (answer === 'lost') throw connectionLost('scripted', 'lost')
    return this.#respond(api.key, answer, args) as R
  }

  #respond(key: number, answer: number | readonly number[], args: unknown[]): unknown {
    if (key === addPartitions) {
      const [[{ topics }]] = args as [[{ topics: readonly WireTopic[] }]]
      this.added = topics
      const codes = typeof answer === 'number' ? topics.map(() => answer) : answer
      const topicResults = topics.map(({ name, partitions }, at) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: codes[at] ?? 0,
        })),
      }))
      return { resultsByTransaction: [{ topicResults }] }
    }
    if (key === describeTransactions) {
      const [producerId, producerEpoch] = [7n, ++this.#epoch]
      return { transactionStates: [{ errorCode: 0, producerId, producerEpoch, transactionState: this.state }] }
    }
    if (key === initProducerId && answer === 0) this.#epoch++
    return { errorCode: answer, producerId: 7n, producerEpoch: this.#epoch }
  }
}

/** Finds the epoch, which the requests have in different places. */
function epochOf(key: number, args: readonly unknown[]): number {
  if (key === addPartitions) return (args as [[{ producerEpoch: number }]])[0][0].producerEpoch
  return Number(args[key === initProducerId ? 3 : 2])
}

const t0 = { topic: 't', partition: 0 }
const accepted = async () => true

async function begun(coordinator: ScriptedCoordinator): Promise<Transaction> {
  const transaction = await Transaction.open(coordinator, 'id')
  await transaction.prepare([t0])
  return transaction
}

describe('a transaction', () => {
  it('lets nothing be sent to a partition before the coordinator knows of it, in each transaction', async () => {
    const coordinator = new ScriptedCoordinator()
    const transaction = await Transaction.open(coordinator, 'id')
    const preparing = transaction.prepare([t0])
    expect(transaction.identity('t', 0)).toBeUndefined()
    await preparing
    expect(transaction.identity('t', 0)).toEqual({ producerId: 7, epoch: 0 })
    expect(transaction.identity('t', 1)).toBeUndefined()
    const committing = transaction.commit('group', accepted)
    expect(transaction.identity('t', 0)).toBeUndefined()
    expect(await committing).toBe('committed')
    expect(transaction.identity('t', 0)).toBeUndefined()
  })

  it('adds all partitions in one request', async () => {
    const coordinator = new ScriptedCoordinator()
    const transaction = await Transaction.open(coordinator, 'id')
    await transaction.prepare([t0, { topic: 'u', partition: 3 }, { topic: 't', partition: 5 }])
    expect(coordinator.requests.map(([key]) => key)).toEqual([initProducerId, addPartitions])
    expect(coordinator.added).toEqual([
      { name: 't', partitions: [0, 5] },
      { name: 'u', partitions: [3] },
    ])
  })

  it('waits until the one before it is over', async () => {
    const coordinator = new ScriptedCoordinator({ [addPartitions]: [CONCURRENT_TRANSACTIONS, CONCURRENT_TRANSACTIONS] })
    const transaction = await begun(coordinator)
    expect(transaction.identity('t', 0)).toBeDefined()
    expect(await transaction.commit('group', accepted)).toBe('committed')
    expect(transaction.isSpent).toBe(false)
  })

  it('names the partition that was refused, not those that were not tried', async () => {
    const coordinator = new ScriptedCoordinator({
      [addPartitions]: [[OPERATION_NOT_ATTEMPTED, TOPIC_AUTHORIZATION_FAILED]],
    })
    const transaction = await Transaction.open(coordinator, 'id')
    const error = transaction.prepare([t0, { topic: 'secret', partition: 2 }])
    await expect(error).rejects.toMatchObject({ code: 'MR_PRODUCE', topic: 'secret', partition: 2 })
  })

  it('needs the permission to use its transactional id, and says so', async () => {
    const coordinator = new ScriptedCoordinator({ [initProducerId]: [TRANSACTIONAL_ID_AUTHORIZATION_FAILED] })
    await expect(Transaction.open(coordinator, 'id')).rejects.toMatchObject({
      code: 'MR_AUTHORIZATION',
      apiName: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
      hint: expect.stringContaining('permission'),
    })
  })

  it('is followed by one under a new epoch if its commit was sent twice: a late request cannot end that', async () => {
    const coordinator = new ScriptedCoordinator({ [endTxn]: ['lost', COORDINATOR_NOT_AVAILABLE] })
    const transaction = await begun(coordinator)
    expect(await transaction.commit('group', accepted)).toBe('committed')
    expect(transaction.isSpent).toBe(true)
    await transaction.prepare([t0])
    expect(transaction.identity('t', 0)?.epoch).toBe(1)
    expect(await transaction.commit('group', accepted)).toBe('committed')
    expect(transaction.isSpent).toBe(false)
    expect(coordinator.requests.slice(-4)).toEqual([
      [initProducerId, 0],
      [addPartitions, 1],
      [addOffsets, 1],
      [endTxn, 1],
    ])
  })

  it.each([
    ['committed', ['lost', 0]],
    ['aborted', [INVALID_TXN_STATE]],
    ['aborted', ['lost', INVALID_TXN_STATE]],
    ['unknown', [UNKNOWN_SERVER_ERROR]],
    ['unknown', ['lost', PRODUCER_FENCED]],
    ['unknown', ['lost', INVALID_PRODUCER_ID_MAPPING]],
    ['unknown', Array.from({ length: 1000 }, () => 'lost' as const)],
    ['unknown', Array.from({ length: 1000 }, () => COORDINATOR_NOT_AVAILABLE)],
  ] as const)('is %s if the answers to the commit are %s', async (outcome, answers) => {
    const transaction = await begun(new ScriptedCoordinator({ [endTxn]: answers }))
    expect(await transaction.commit('group', accepted)).toBe(outcome)
  })

  it('is not committed by a client that was fenced', async () => {
    const transaction = await begun(new ScriptedCoordinator({ [endTxn]: [PRODUCER_FENCED] }))
    await expect(transaction.commit('group', accepted)).rejects.toMatchObject({ code: 'MR_FENCED' })
    await expect(transaction.prepare([t0])).rejects.toMatchObject({ code: 'MR_FENCED' })
  })

  it('is aborted if the coordinator gave it up while the machine slept, and its client goes on', async () => {
    const clock = new ManualClock()
    const coordinator = new ScriptedCoordinator({ [endTxn]: [PRODUCER_FENCED] }, clock)
    const transaction = await begun(coordinator)
    // The monotonic clock does not count the time of sleep.
    clock.setDate(600_000)
    expect(await transaction.commit('group', accepted)).toBe('aborted')
    await transaction.abort()
    await transaction.prepare([t0])
    expect(await transaction.commit('group', accepted)).toBe('committed')
  })

  it('is aborted if the coordinator has forgotten the producer, and the next one has a new identity', async () => {
    const coordinator = new ScriptedCoordinator({ [addPartitions]: [INVALID_PRODUCER_ID_MAPPING] })
    const transaction = await Transaction.open(coordinator, 'id')
    const error: unknown = await transaction.prepare([t0]).catch((caught: unknown) => caught)
    expect(transaction.dooms(error)).toBe(true)
    expect(await transaction.commit('group', accepted)).toBe('aborted')
    await transaction.abort()
    await transaction.prepare([t0])
    expect(transaction.identity('t', 0)?.epoch).toBe(1)
    expect(await transaction.commit('group', accepted)).toBe('committed')
  })

  it('is followed by one under the epoch that was given, though another coordinator does not know it', async () => {
    const coordinator = new ScriptedCoordinator({ [initProducerId]: [0, 'lost', PRODUCER_FENCED] })
    const transaction = await begun(coordinator)
    await transaction.abort()
    await transaction.prepare([t0])
    expect(transaction.identity('t', 0)).toEqual({ producerId: 7, epoch: 2 })
    expect(await transaction.commit('group', accepted)).toBe('committed')
  })

  it.each([
    ['is in use', 'Ongoing', [0, 'lost', PRODUCER_FENCED]],
    ['was not asked for', 'Empty', [0, PRODUCER_FENCED]],
    ['was taken once more', 'Empty', [0, 'lost', PRODUCER_FENCED, PRODUCER_FENCED]],
  ] as const)('is the last one if the next epoch %s: another client took over', async (_why, state, answers) => {
    const coordinator = new ScriptedCoordinator({ [initProducerId]: answers })
    coordinator.state = state
    const transaction = await begun(coordinator)
    await transaction.abort()
    await expect(transaction.prepare([t0])).rejects.toMatchObject({ code: 'MR_FENCED' })
  })

  it('is not committed if the group refuses it', async () => {
    const coordinator = new ScriptedCoordinator()
    const transaction = await begun(coordinator)
    expect(await transaction.commit('group', async () => false)).toBe('aborted')
    await transaction.abort()
    expect(coordinator.requests.map(([key]) => key)).toEqual([
      initProducerId,
      addPartitions,
      addOffsets,
      endTxn,
      initProducerId,
    ])
  })

  it('gives the group its offsets before it is committed, even if there are none', async () => {
    const coordinator = new ScriptedCoordinator()
    const transaction = await begun(coordinator)
    const outcome = await transaction.commit('group', async (requests, identity) => {
      expect(coordinator.requests.at(-1)).toEqual([addOffsets, 0])
      await requests.commitOffsets(identity, 'group', undefined, new PartitionMap()).catch(() => undefined)
      return true
    })
    expect(outcome).toBe('committed')
    expect(coordinator.requests.map(([key]) => key).slice(-2)).toEqual([28, endTxn])
  })

  it('is aborted before the next one begins if it could not be aborted at once', async () => {
    const lost = Array.from({ length: 40 }, () => 'lost' as const)
    const coordinator = new ScriptedCoordinator({ [endTxn]: lost })
    const transaction = await begun(coordinator)
    await transaction.abort()
    const asked = coordinator.requests.length
    expect(coordinator.requests.at(-1)).toEqual([endTxn, 0])
    while (coordinator.requests.filter(([key]) => key === endTxn).length < lost.length) await transaction.abort()
    await transaction.prepare([t0])
    expect(coordinator.requests.length).toBeGreaterThan(asked)
    expect(coordinator.requests.slice(-3)).toEqual([
      [endTxn, 0],
      [initProducerId, 0],
      [addPartitions, 1],
    ])
  })
})
