import { PartitionMap } from '../../log/log.ts'
import { KafkaError, isRetriableCode, isStaleLeaderCode, type Permissions } from '../protocol/errors.ts'
import type { Cluster } from './cluster.ts'

/** Values of one topic's partitions, in the shape in which requests list them. */
export interface TopicValues<V> {
  readonly name: string
  readonly partitions: readonly (readonly [partition: number, value: V])[]
}

export interface PartitionAnswer<R> {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly result: R
}

/**
 * Sends requests about partitions to their leaders, and repeats them for partitions whose leader has moved, until there
 * is a result for every partition.
 *
 * @throws KafkaError for the first partition with an error that is not retriable; MR_LOG_UNREACHABLE
 */
export async function askLeaders<V, R>(
  cluster: Cluster,
  what: string,
  needs: Permissions,
  values: PartitionMap<V>,
  ask: (broker: number, topics: readonly TopicValues<V>[]) => Promise<Iterable<PartitionAnswer<R>>>,
): Promise<PartitionMap<R>> {
  const results = new PartitionMap<R>()
  const pending = new PartitionMap<V>()
  for (const [topic, partition, value] of values.entries()) pending.set(topic, partition, value)
  await cluster.retrying({ what, onRetry: () => forget(cluster, pending) }, async () => {
    let failed: KafkaError | undefined
    for (const [broker, map] of await byLeader(cluster, pending)) {
      for (const { topic, partition, errorCode, result } of await ask(broker, topicValues(map))) {
        if (errorCode === 0) {
          results.set(topic, partition, result)
          pending.delete(topic, partition)
          continue
        }
        const error = new KafkaError(errorCode, what, { topic, partition, needs })
        if (!isRetriableCode(errorCode) && !isStaleLeaderCode(errorCode)) throw error
        failed = error
      }
    }
    if (failed !== undefined) throw failed
  })
  return results
}

function forget<V>(cluster: Cluster, pending: PartitionMap<V>): void {
  for (const [topic] of pending.entries()) cluster.forgetTopic(topic)
}

async function byLeader<V>(cluster: Cluster, pending: PartitionMap<V>): Promise<Map<number, PartitionMap<V>>> {
  const leaders = new Map<number, PartitionMap<V>>()
  for (const [topic, partition, value] of pending.entries()) {
    const leader = await cluster.leader(topic, partition)
    let map = leaders.get(leader)
    if (map === undefined) leaders.set(leader, (map = new PartitionMap()))
    map.set(topic, partition, value)
  }
  return leaders
}

/** Groups the entries of a map by topic. */
export function topicValues<V>(map: PartitionMap<V>): TopicValues<V>[] {
  const topics = Map.groupBy(map.entries(), ([topic]) => topic)
  return Array.from(topics, ([name, entries]) => ({
    name,
    partitions: entries.map(([, partition, value]) => [partition, value] as const),
  }))
}
