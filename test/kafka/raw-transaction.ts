import { addPartitionsToTxnV3, endTxnV3, initProducerIdV4 } from '@platformatic/kafka'
import type { Cluster } from '../../src/kafka/cluster/cluster.ts'
import type { ProducerIdentity, ProducerSession } from '../../src/kafka/produce/producer-session.ts'
import { throwOnError } from '../../src/kafka/protocol/errors.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { TopicPartition } from '../../src/log/log.ts'

/** Transactions by bare requests: just enough to put committed, aborted and open ones into a topic. */
export class RawTransaction implements ProducerSession {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #coordinator: number
  readonly #identity: ProducerIdentity
  readonly #added = new PartitionMap<true>()

  constructor(cluster: Cluster, transactionalId: string, coordinator: number, identity: ProducerIdentity) {
    this.#cluster = cluster
    this.transactionalId = transactionalId
    this.#coordinator = coordinator
    this.#identity = identity
  }

  static open(cluster: Cluster, transactionalId: string): Promise<RawTransaction> {
    return cluster.retrying({ what: 'opening a transactional producer' }, async () => {
      const coordinator = await cluster.coordinator('transaction', transactionalId)
      const opened = await cluster.send(coordinator, 'admin', initProducerIdV4.api, transactionalId, 60_000, -1n, -1)
      throwOnError(opened.errorCode, 'InitProducerId')
      const identity = { producerId: Number(opened.producerId), epoch: opened.producerEpoch }
      return new RawTransaction(cluster, transactionalId, coordinator, identity)
    })
  }

  accepts(): boolean {
    return true
  }

  identity(topic: string, partition: number): ProducerIdentity | undefined {
    return this.#added.has(topic, partition) ? this.#identity : undefined
  }

  async prepare(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#cluster.retrying({ what: 'adding partitions' }, async () => {
      const topics = partitions.map(({ topic, partition }) => ({ name: topic, partitions: [partition] }))
      const answer = await this.#cluster.send(this.#coordinator, 'admin', addPartitionsToTxnV3.api, [
        { ...this.#wire(), transactionalId: this.transactionalId, verifyOnly: false, topics },
      ])
      const results = answer.resultsByTransaction.flatMap(({ topicResults }) => topicResults)
      for (const { partitionErrorCode } of results.flatMap((topic) => topic.resultsByPartition)) {
        throwOnError(partitionErrorCode, 'AddPartitionsToTxn')
      }
    })
    for (const { topic, partition } of partitions) this.#added.set(topic, partition, true)
  }

  renew(): boolean {
    return false
  }

  async end(committed: boolean): Promise<void> {
    const { producerId, producerEpoch } = this.#wire()
    await this.#cluster.retrying({ what: 'ending a transaction' }, async () => {
      const answer = await this.#cluster.send(
        this.#coordinator,
        'admin',
        endTxnV3.api,
        this.transactionalId,
        producerId,
        producerEpoch,
        committed,
      )
      throwOnError(answer.errorCode, 'EndTxn')
    })
    this.#added.clear()
  }

  #wire(): { producerId: bigint; producerEpoch: number } {
    return { producerId: BigInt(this.#identity.producerId), producerEpoch: this.#identity.epoch }
  }
}
