import { PartitionMap } from '../../../src/log/log.ts'
import type { CommittedOffset, Log, LogClient } from '../../../src/log/log.ts'
import { append, clientOptions, committedRecords, subtopology } from '../../log/log-harness.ts'
import { uniqueName } from '../broker/index.ts'

export async function newTopic(log: Log, partitions = 1): Promise<string> {
  const name = uniqueName('transactions')
  await log.createTopics([{ name, partitions }])
  return name
}

/** Opens a client that is no member. The coordinator of an empty group lets it commit. */
export async function openClient(log: Log, group = uniqueName('group')): Promise<LogClient> {
  return log.openClient(clientOptions(group, 1, []))
}

export function offsetsOf(topic: string, ...offsets: readonly number[]): PartitionMap<CommittedOffset> {
  const map = new PartitionMap<CommittedOffset>()
  offsets.forEach((offset, partition) => map.set(topic, partition, { offset, metadata: `m${offset}` }))
  return map
}

export async function offsetOf(client: LogClient, topic: string, partition = 0): Promise<number | undefined> {
  return (await client.committed([{ topic, partition }])).get(topic, partition)?.offset
}

export async function write(client: LogClient, topic: string, ...values: readonly string[]): Promise<void> {
  await client.producer.loadPartitionCount(topic)
  for (const value of values) append(client.producer, topic, 0, 'k', value)
  await client.producer.flush()
}

/** Returns the values that a reader of committed records sees once no transaction is open in the partition. */
export async function committedValues(log: Log, topic: string, partition = 0): Promise<(string | null)[]> {
  return (await committedRecords(log, topic, partition)).map(({ value }) => value)
}

export const oneInput = (topic: string) => [subtopology(0, [topic])]
