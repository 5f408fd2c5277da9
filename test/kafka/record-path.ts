import { TopicAdmin } from '../../src/kafka/admin/topic-admin.ts'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import type { KafkaOptions } from '../../src/kafka/cluster/connection-options.ts'
import { Fetcher } from '../../src/kafka/fetch/fetcher.ts'
import type { FetcherOptions } from '../../src/kafka/fetch/fetcher.ts'
import { IdempotentSession } from '../../src/kafka/produce/producer-session.ts'
import { KafkaProducer } from '../../src/kafka/produce/producer.ts'
import type { ProducerOptions } from '../../src/kafka/produce/producer.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { LogProducer, LogReader } from '../../src/log/log.ts'
import { uniqueName } from './broker/index.ts'
import { RawTransaction } from './raw-transaction.ts'
import { current } from './records/batches.ts'
import type { PlainRecord } from './records/batches.ts'
import { sliceOf } from '../record/slice-of.ts'

/** Fetchers, producers and topics on one broker, each with connections of its own; `close` ends all of them. */
export class RecordPath {
  readonly #options: KafkaOptions
  readonly #clusters: Cluster[] = []
  readonly #opened: { close(): void }[] = []
  readonly #admin: TopicAdmin

  constructor(options: KafkaOptions) {
    this.#options = options
    this.#admin = new TopicAdmin(this.cluster())
  }

  cluster(): Cluster {
    const cluster = new Cluster(clusterOptions(this.#options))
    this.#clusters.push(cluster)
    return cluster
  }

  async topic(partitions = 1, configs: Record<string, string> = {}, name = uniqueName('records')): Promise<string> {
    await this.#admin.createTopics([{ name, partitions, configs }])
    return name
  }

  deleteRecords(topic: string, below: number): Promise<void> {
    return this.#admin.deleteRecords(new PartitionMap<number>().set(topic, 0, below))
  }

  endOffset(topic: string, partition = 0): Promise<number> {
    return this.#admin.listOffsets([{ topic, partition }], 'latest').then((offsets) => offsets.get(topic, partition)!)
  }

  fetcher(options: FetcherOptions = {}): Fetcher {
    return this.#keep(new Fetcher(this.cluster(), options))
  }

  producer(options: ProducerOptions = {}): KafkaProducer {
    const cluster = this.cluster()
    return this.#keep(new KafkaProducer(cluster, new IdempotentSession(cluster, cluster.closed), options))
  }

  async transactional(transactionalId = uniqueName('tx')): Promise<[KafkaProducer, RawTransaction]> {
    const cluster = this.cluster()
    const transaction = await RawTransaction.open(cluster, transactionalId)
    return [this.#keep(new KafkaProducer(cluster, transaction)), transaction]
  }

  async close(): Promise<void> {
    for (const each of this.#opened) each.close()
    await Promise.all(this.#clusters.map((cluster) => cluster.close()))
  }

  #keep<T extends { close(): void }>(opened: T): T {
    this.#opened.push(opened)
    return opened
  }
}

/** Appends a record without a key. */
export function appendValue(
  producer: LogProducer,
  topic: string,
  partition: number,
  value: string,
  timestamp = 1000,
): void {
  const bytes = Buffer.from(value)
  producer.append(topic, partition, sliceOf(timestamp, bytes, [-1, -1], [0, bytes.length]))
}

/** Polls at each arrival, and resolves once `done` is true. */
export async function pollUntil(reader: LogReader, poll: () => void, done: () => boolean): Promise<void> {
  const deadline = Date.now() + 120_000
  while (!done()) {
    if (Date.now() > deadline) throw new Error('nothing more arrived')
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 1000)
      reader.onReady(resolve)
    })
    clearTimeout(timer)
    poll()
  }
}

/** Reads assigned partitions up to the given positions; returns their records by `topic-partition`. */
export async function readTo(
  reader: LogReader,
  ends: readonly [topic: string, partition: number, end: number][],
): Promise<Map<string, PlainRecord[]>> {
  const records = new Map(ends.map(([topic, partition]): [string, PlainRecord[]] => [`${topic}-${partition}`, []]))
  await pollUntil(
    reader,
    () =>
      reader.poll((topic, partition, cursor) => {
        while (cursor.next()) records.get(`${topic}-${partition}`)!.push(current(cursor))
      }),
    () => ends.every(([topic, partition, end]) => reader.position(topic, partition)! >= end),
  )
  return records
}

/** Returns everything that a reader of committed records sees in partition 0. */
export async function readAll(
  path: RecordPath,
  topic: string,
  reader: LogReader = path.fetcher(),
): Promise<PlainRecord[]> {
  reader.assign(topic, 0, 0)
  const records = await readTo(reader, [[topic, 0, await path.endOffset(topic)]])
  return records.get(`${topic}-0`)!
}
