import type { LogClient, LogProducer } from '../log/log.ts'
import type { AppendOrigin } from '../log/refusal.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { RecordSlice } from '../record/record-slice.ts'

/** A producer that also notes the topics it writes to, and in which order it first wrote to them since a commit. */
export class RecordingProducer implements LogProducer {
  readonly topics = new Set<string>()
  readonly #order = new Map<string, number>()
  readonly #producer: LogProducer

  constructor(producer: LogProducer) {
    this.#producer = producer
  }

  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place?: number): void {
    this.topics.add(topic)
    if (!this.#order.has(topic)) this.#order.set(topic, this.#order.size)
    this.#producer.append(topic, partition, record, origin, place)
  }

  /** Compares topics by when they were first written to since the last `startRound`; others come first. */
  readonly compare = (a: string, b: string): number => (this.#order.get(a) ?? -1) - (this.#order.get(b) ?? -1)

  startRound(): void {
    this.#order.clear()
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
    return this.#producer.flush()
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#producer.lastOffset(topic, partition)
  }

  close(): MaybePromise<void> {
    return this.#producer.close()
  }
}

export function withProducer(client: LogClient, producer: LogProducer): LogClient {
  return {
    guarantee: client.guarantee,
    reader: client.reader,
    producer,
    group: client.group,
    committed: (partitions) => client.committed(partitions),
    commit: (offsets) => client.commit(offsets),
    abort: () => client.abort(),
    close: () => client.close(),
  }
}
