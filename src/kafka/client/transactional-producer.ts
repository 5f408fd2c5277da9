import type { LogProducer } from '../../log/log.ts'
import type { AppendOrigin } from '../../log/refusal.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import type { KafkaProducer } from '../produce/producer.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { RecordSlice } from '../../record/record-slice.ts'

/**
 * Appends records to the transaction under way. A doomed transaction drops what it can no longer take, and `commit`
 * returns `aborted`. Errors that the next transaction would meet again are thrown.
 */
export class TransactionalProducer implements LogProducer {
  readonly #producer: KafkaProducer
  readonly #transaction: Transaction

  constructor(producer: KafkaProducer, transaction: Transaction) {
    this.#producer = producer
    this.#transaction = transaction
  }

  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place?: number): void {
    if (this.#transaction.isDoomed) return
    try {
      this.#producer.append(topic, partition, record, origin, place)
    } catch (error) {
      this.#requireDoomed(error)
    }
  }

  partitionCount(topic: string): number | undefined {
    return this.#producer.partitionCount(topic)
  }

  loadPartitionCount(topic: string): MaybePromise<number> {
    return this.#producer.loadPartitionCount(topic)
  }

  get writable(): boolean {
    return this.#producer.writable
  }

  onWritable(wake: (() => void) | undefined): void {
    this.#producer.onWritable(wake)
  }

  flush(): MaybePromise<void> {
    if (this.#transaction.isDoomed) return
    try {
      const flushed = this.#producer.flush()
      return isPromise(flushed) ? flushed.catch((error: unknown) => this.#requireDoomed(error)) : undefined
    } catch (error) {
      this.#requireDoomed(error)
    }
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#producer.lastOffset(topic, partition)
  }

  close(): void {
    this.#producer.close()
  }

  #requireDoomed(error: unknown): void {
    if (!this.#transaction.dooms(error)) throw error
  }
}
