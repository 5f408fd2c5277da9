import { setImmediate as turn } from 'node:timers/promises'
import { json, readTopic, string, topic, TopicWriter, type Log } from '../../../src/index.ts'
import { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import { fetchOffsets } from '../../../src/kafka/group/member/offsets.ts'
import type { Expectation, InputRecord } from './workloads.ts'

export const PARTITIONS = 4
const RECORDS_PER_TURN = 5000

/** It keeps everything for ever, unless `configs` bound its size. */
export async function createTopic(
  log: Log,
  name: string,
  partitions = PARTITIONS,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  await log.createTopics([{ name, partitions, configs: { 'retention.ms': '-1', ...configs } }])
}

/** Makes a topic hold these records; one that holds as many already is left as it is. */
export async function fill(
  log: Log,
  name: string,
  records: number,
  recordOf: (i: number) => InputRecord,
): Promise<void> {
  await createTopic(log, name)
  const held = await recordsIn(log, name)
  if (held === records) return
  if (held !== 0) throw new Error(`the topic ${name} holds ${held} records, not ${records}`)
  await using writer = await TopicWriter.open(log, topic(name, { key: string(), value: json<object>() }))
  for (let i = 0; i < records; i++) {
    const { key, value, timestamp } = recordOf(i)
    writer.write(key, value, { timestamp })
    if (i % RECORDS_PER_TURN !== 0) continue
    await writer.ready()
    await turn()
  }
}

/**
 * Records ever written to a topic, retained or not, and the control records of transactions.
 *
 * @param before `earliest`: only those that are not retained
 */
export async function recordsIn(log: Log, name: string, before: 'earliest' | 'latest' = 'latest'): Promise<number> {
  const partitions = partitionsOf(name)
  const ends = await log.listOffsets(partitions, before)
  let records = 0
  for (const [, , offset] of ends.entries()) records += offset
  return records
}

function partitionsOf(name: string): { topic: string; partition: number }[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: name, partition }))
}

/** Compares everything that is committed in a topic with what it should be. */
export async function check(
  log: Log,
  name: string,
  expectation: Expectation,
): Promise<{ records: number; fault: string | undefined }> {
  let records = 0
  for await (const { key, value } of readTopic(log, topic(name, { key: string(), value: json() }), { until: 'end' })) {
    records++
    expectation.add(key ?? '', value)
  }
  return { records, fault: expectation.fault() }
}

/** Sum of the offsets that a group has committed for a topic. */
export async function committedRecords(brokers: string, group: string, name: string): Promise<number> {
  const cluster = new Cluster(clusterOptions({ brokers }))
  try {
    let records = 0
    for (const [, , { offset }] of (await fetchOffsets(cluster, group, undefined, partitionsOf(name))).entries()) {
      records += offset
    }
    return records
  } finally {
    await cluster.close()
  }
}

/** What is wrong if a group has not committed all records of a topic; undefined if it has. */
export async function uncommitted(
  brokers: string,
  group: string,
  name: string,
  records: number,
): Promise<string | undefined> {
  const committed = await committedRecords(brokers, group, name)
  return committed < records ? `offsets of ${committed} of ${records} records are committed` : undefined
}
