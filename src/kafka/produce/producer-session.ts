import { initProducerIdV4 } from '@platformatic/kafka'
import type { TopicPartition } from '../../log/log.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { throwOnError } from '../protocol/errors.ts'
import { retrying } from '../cluster/retry.ts'

/** Identity under which batches are sent. Under each, the sequence numbers of a partition count from 0. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/** Decides when a producer may send, and under which identity. */
export interface ProducerSession {
  readonly transactionalId: string | null
  /** Returns false for batches that must wait until what was flushed before them is committed. */
  accepts(generation: number): boolean
  /** Returns the identity for a batch of this partition that was never sent; `undefined` until it is prepared. */
  identity(topic: string, partition: number): ProducerIdentity | undefined
  /** Prepares the sending of batches to these partitions. @throws MillraceError that ends the producer */
  prepare(partitions: readonly TopicPartition[]): Promise<void>
  /** Called when sequence numbers are lost or in doubt. Returns whether sending can go on under a new identity. */
  renew(): boolean
}

/** The part of a `Cluster` that `IdempotentSession` uses. */
export type SessionCluster = Pick<Cluster, 'options' | 'sendToAny'>

/** The session of a producer without transactions. The broker recognizes repeated batches (KIP-98). */
export class IdempotentSession implements ProducerSession {
  readonly transactionalId = null
  readonly #cluster: SessionCluster
  readonly #signal: AbortSignal
  #identity: ProducerIdentity | undefined

  constructor(cluster: SessionCluster, signal: AbortSignal) {
    this.#cluster = cluster
    this.#signal = signal
  }

  accepts(): boolean {
    return true
  }

  identity(): ProducerIdentity | undefined {
    return this.#identity
  }

  async prepare(): Promise<void> {
    this.#identity ??= await retrying(
      this.#cluster.options,
      { what: 'asking for a producer id', signal: this.#signal },
      () => this.#ask(),
    )
  }

  renew(): boolean {
    this.#identity = undefined
    return true
  }

  async #ask(): Promise<ProducerIdentity> {
    const response = await this.#cluster.sendToAny('admin', initProducerIdV4.api, null, 0, -1n, -1)
    throwOnError(response.errorCode, 'asking for a producer id', {
      needs: { cluster: 'IdempotentWrite' },
      hint:
        'Give this user the permission Write on a topic, or IdempotentWrite on the cluster: ' +
        'producing without transactions needs one of them.',
    })
    return { producerId: Number(response.producerId), epoch: response.producerEpoch }
  }
}
