import { TopicWriter } from 'millrace'
import type { Headers, Log, Topic } from 'millrace'
import { setTimeout as sleep } from 'node:timers/promises'

/** An endless sequence of records in which record `index` is a function of the generator's seed and `index` alone. */
export interface Generator<K, V> {
  readonly topic: Topic<K, V>
  record(index: number): GeneratedRecord<K, V>
}

export interface GeneratedRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers?: Headers
}

export interface FeedOptions {
  /** Records per second. */
  readonly rate: number
  /** Stops before the record of this index. */
  readonly count?: number
  readonly signal: AbortSignal
}

/** Milliseconds between two flushes. */
const PERIOD = 100

/**
 * Writes a generator's records at a steady rate until `signal` aborts, going on where the topic ends. The topic itself
 * says what is in it: a partition with n records holds the generator's first n records for that partition. So nothing
 * is lost or written twice wherever the last run was killed, in the middle of a flush too.
 *
 * @returns how many of the generator's records the topic holds now
 */
export async function feed<K, V>(log: Log, generator: Generator<K, V>, options: FeedOptions): Promise<number> {
  await using writer = await TopicWriter.open(log, generator.topic)
  const written = await recordsByPartition(log, generator.topic.name, writer.partitions)
  const count = options.count ?? Number.POSITIVE_INFINITY
  let index = 0

  /** Writes a record unless an earlier run has; tells whether it did. */
  const write = (at: number): boolean => {
    const { key, value, timestamp, headers } = generator.record(at)
    const partition = writer.partitionOf(key)
    const left = written[partition] ?? 0
    if (left > 0) {
      written[partition] = left - 1
      return false
    }
    writer.write(key, value, headers === undefined ? { timestamp } : { timestamp, headers })
    return true
  }

  const started = performance.now()
  let wrote = 0
  while (index < count && !options.signal.aborted) {
    const due = Math.ceil(((performance.now() - started) * options.rate) / 1000)
    for (; wrote < due && index < count; index++) {
      if (write(index)) wrote++
    }
    await writer.ready()
    await writer.flush()
    await sleep(PERIOD, undefined, { signal: options.signal }).catch(() => undefined)
  }
  return index
}

async function recordsByPartition(log: Log, topic: string, partitions: number): Promise<number[]> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const ends = await log.listOffsets(all, 'latest')
  return all.map(({ partition }) => ends.get(topic, partition) ?? 0)
}
